"""Waiting: until nothing is missing, no longer than told, and not a moment after it is time to stop."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from kapture_tui.model.errors import KaptureError, Unreachable
from kapture_tui.workload import waiting
from kapture_tui.workload.process import StopSignal
from kapture_tui.workload.waiting import knock, wait_for


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "LOOK_S", 0.0)


def test_it_waits_until_nothing_is_missing(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    answers = iter(["no address", "no topics", ""])

    def look() -> str:
        if (answer := next(answers)) == "no topics":
            raise KaptureError("looking", answer)
        return answer

    assert wait_for("Kafka", look, StopSignal(), 60)
    assert next(answers, "none left") == "none left"
    assert caplog.messages == ["waiting for Kafka: no address"]  # once in a while, not each time


def test_what_is_missing_is_told_again_after_a_while(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(waiting, "TELL_S", 0.0)
    answers = iter(["no address", "no topics", ""])
    assert wait_for("Kafka", lambda: next(answers), StopSignal(), 60)
    assert caplog.messages == ["waiting for Kafka: no address", "waiting for Kafka: no topics"]


def test_patience_ends() -> None:
    with pytest.raises(Unreachable, match="waiting 0 s for Kafka: no address"):
        wait_for("Kafka", lambda: "no address", StopSignal(), 0)


def test_what_is_there_needs_no_patience() -> None:
    assert wait_for("Kafka", lambda: "", StopSignal(), 0)


def test_a_fault_of_ours_is_not_waited_out() -> None:
    def look() -> str:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        wait_for("Kafka", look, StopSignal(), 60)


def test_the_end_does_not_wait_for_a_look_that_hangs() -> None:
    stop, hangs, released = StopSignal(), threading.Event(), threading.Event()

    def look() -> str:
        hangs.set()
        released.wait(60)
        return "slow"

    def order_to_stop() -> None:
        hangs.wait(60)
        stop.set()

    threading.Thread(target=order_to_stop).start()
    assert not wait_for("Kafka", look, stop, 60)
    assert not released.is_set()
    released.set()


@pytest.fixture
def listening() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody has a name here: asking a name server that does not answer takes seconds."""
    resolve = socket.getaddrinfo

    def numbers_only(host: str, *rest: Any, **more: Any) -> Any:
        if host.endswith(".invalid"):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return resolve(host, *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", numbers_only)


def test_one_of_several_addresses_is_enough(names: None, listening: str) -> None:
    assert knock(f"nobody.invalid:9092,{listening}") == ""
    assert knock(f"{listening},nobody.invalid:9092") == ""


def test_why_nobody_answers(names: None) -> None:
    assert knock("").startswith("no address")
    assert knock("nobody.invalid:9092").startswith(
        "nobody.invalid:9092: "
    )  # a name that does not resolve yet
    assert knock("127.0.0.1:none").startswith("127.0.0.1:none: ")
    assert knock("127.0.0.1:99999").startswith("127.0.0.1:99999: ")


def test_a_refused_connection_is_said() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
    assert knock(address) == f"{address}: Connection refused"
