"""A source that hangs or fails is missing with its reason, and comes back."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from itertools import pairwise

import pytest

from kapture_tui.model.errors import Unreachable
from kapture_tui.workload.observer.source import BACKOFF_MAX_S, STALE_S, Source
from kapture_tui.workload.waiting import NotThereYet

LONG_S = 20.0
"""Only a test that fails waits for so long."""


class Clock:
    """Goes when it is told to."""

    now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def start(clock: Clock) -> Iterator[Callable[[Callable[[], int]], Source[int]]]:
    started: list[Source[int]] = []

    def make(look: Callable[[], int]) -> Source[int]:
        started.append(Source("Kafka", look, clock))
        return started[-1]

    yield make
    for source in started:
        source.close()


Start = Callable[[Callable[[], int]], Source[int]]


def ask(source: Source[int]) -> tuple[int | None, str]:
    source.ask()
    assert source.wait(LONG_S)
    return source.answer()


def test_each_question_gets_a_new_answer(start: Start) -> None:
    answers = iter(range(10))
    source = start(lambda: next(answers))
    assert source.answer() == (None, "Kafka has not answered yet")
    assert ask(source) == (0, "")
    assert ask(source) == (1, "")


def test_one_that_hangs_holds_nobody_up(start: Start, clock: Clock) -> None:
    let_go = threading.Event()
    answers = iter(range(10))

    def look() -> int:
        number = next(answers)
        if number == 1:
            let_go.wait(LONG_S)
        return number

    source = start(look)
    assert ask(source) == (0, "")
    source.ask()
    assert not source.wait(0.0)
    assert source.answer() == (0, "")  # for a moment the last answer stands
    clock.now_s += STALE_S + 1
    assert source.answer() == (None, "Kafka has not answered for 4 s")
    source.ask()  # is still at the first question: this one is not asked
    let_go.set()
    assert source.wait(LONG_S)
    assert source.answer() == (1, "")


def test_one_that_fails_says_why_and_is_asked_less_and_less_often(start: Start, clock: Clock) -> None:
    asked: list[float] = []

    def look() -> int:
        asked.append(clock.now_s)
        raise Unreachable("asking", "no route")

    source = start(look)
    for _ in range(120):
        assert ask(source) == (None, "asking: no route")
        clock.now_s += 0.5
    pauses = [after - before for before, after in pairwise(asked)]
    assert pauses[0] == 1.0
    assert pauses == sorted(pauses)
    assert pauses[-1] == BACKOFF_MAX_S


def test_what_is_not_there_yet_is_asked_for_every_time(start: Start, clock: Clock) -> None:
    answers = iter(["no address", "no topics", ""])

    def look() -> int:
        if missing := next(answers):
            raise NotThereYet("waiting", missing)
        return 1

    source = start(look)
    for expected in ((None, "waiting: no address"), (None, "waiting: no topics"), (1, "")):
        assert ask(source) == expected
        clock.now_s += 1.0


def test_one_that_recovers_is_asked_every_time_again(start: Start, clock: Clock) -> None:
    answers: Iterator[int | Exception] = iter([ValueError("odd"), 7, 8, RuntimeError("even")])

    def look() -> int:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    source = start(look)
    assert ask(source) == (None, "ValueError: odd")
    clock.now_s += 1.0
    assert ask(source) == (7, "")
    assert ask(source) == (8, "")
    assert ask(source) == (None, "RuntimeError: even")


def test_a_failure_after_a_long_wait_is_asked_again_soon(start: Start, clock: Clock) -> None:
    """Whoever waited a minute for Kafka to come must not miss its first ten seconds."""
    script = [*[NotThereYet("waiting", "for Kafka")] * 20, Unreachable("asking", "no leader yet")]

    def look() -> int:
        if script:
            raise script.pop(0)
        return 7

    source = start(look)
    for _ in range(21):
        ask(source)
    assert not script
    clock.now_s += 1.0
    assert ask(source) == (7, "")
