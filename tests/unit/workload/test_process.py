"""Ready files appear whole, a stop signal is noticed, and warnings do not flood the log."""

from __future__ import annotations

import itertools
import json
import logging
import os
import signal
import socket
from pathlib import Path

import pytest

from kapture_tui.workload.process import Readiness, SaidAlready, StopSignal


def test_the_ready_file_says_what_it_was_told_and_nothing_else_is_left(tmp_path: Path) -> None:
    ready = tmp_path / "loader.ready"
    Readiness(ready).say(incarnation=0)
    Readiness(ready).say(incarnation=1, port=8080)
    assert json.loads(ready.read_text()) == {"incarnation": 1, "port": 8080}
    assert os.listdir(tmp_path) == ["loader.ready"]


def test_a_ready_file_that_cannot_be_written_whole_is_not_there(tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    with pytest.raises(TypeError):
        Readiness(ready).say(what=object())
    assert not ready.exists()


def test_nobody_asked() -> None:
    Readiness().say(port=1)


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


def record(level: int, text: str, at_s: float, name: str = "kafka") -> logging.LogRecord:
    made = logging.LogRecord(name, level, __file__, 1, text, None, None)
    made.created = at_s
    return made


def test_a_warning_that_comes_again_and_again_is_said_once_in_a_while() -> None:
    worth = SaidAlready().filter
    gone = "kafka-{}:9092: refused (after {}ms)"
    assert worth(record(logging.WARNING, gone.format(0, 1), 100.0))
    assert not worth(record(logging.ERROR, gone.format(1, 17), 100.05))
    assert not worth(record(logging.WARNING, gone.format(0, 2), 109.0))
    assert worth(record(logging.WARNING, gone.format(0, 3), 110.0))
    assert worth(record(logging.WARNING, "redis: refused", 110.0))
    assert worth(record(logging.WARNING, gone.format(0, 4), 110.0, "librdkafka"))


def test_what_is_no_warning_is_always_said() -> None:
    worth = SaidAlready().filter
    assert all(worth(record(logging.INFO, "obeying Order(rate=5)", 100.0)) for _ in range(3))


def test_warnings_that_never_repeat_do_not_pile_up() -> None:
    said = SaidAlready()
    words = itertools.product("abcdefghijklm", repeat=4)
    assert all(said.filter(record(logging.WARNING, "".join(word), 100.0)) for word in words)
    assert len(said._said) <= 1000


def test_the_ready_port_can_be_connected_to_from_then_on() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))
    Readiness(port=port).say(group="etl")
    for _ in range(3):
        socket.create_connection(("127.0.0.1", port)).close()
