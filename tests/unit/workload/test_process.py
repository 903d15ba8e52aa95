"""Ready files appear whole, and a stop signal is noticed."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest

from kapture_tui.workload.process import StopSignal, say_ready


def test_the_ready_file_says_what_it_was_told_and_nothing_else_is_left(tmp_path: Path) -> None:
    ready = tmp_path / "loader.ready"
    say_ready(ready, incarnation=0)
    say_ready(ready, incarnation=1, port=8080)
    assert json.loads(ready.read_text()) == {"incarnation": 1, "port": 8080}
    assert os.listdir(tmp_path) == ["loader.ready"]


def test_a_ready_file_that_cannot_be_written_whole_is_not_there(tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    with pytest.raises(TypeError):
        say_ready(ready, what=object())
    assert not ready.exists()


def test_nobody_asked() -> None:
    say_ready(None, port=1)


def test_stop_is_set_once_for_all() -> None:
    stop = StopSignal()
    assert not stop
    assert not stop.wait(0.0)
    stop.set()
    assert stop
    assert stop.wait(60.0)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_ask_to_stop(number: signal.Signals) -> None:
    before = {n: signal.getsignal(n) for n in (signal.SIGTERM, signal.SIGINT)}
    try:
        stop = StopSignal().install()
        signal.raise_signal(number)
        assert stop.wait(10.0)
    finally:
        for n, handler in before.items():
            signal.signal(n, handler)
