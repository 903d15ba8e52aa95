"""Rates from counters: differences over a few seconds, long enough that the display does not tremble."""

from __future__ import annotations

import math
from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")

RATE_S = 3.0
"""What the rates on the screen are averaged over, seconds."""


class Window(Generic[T]):
    """The newest value and the one from about `seconds` before it."""

    __slots__ = ("_samples", "_seconds")

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._samples: deque[tuple[float, T]] = deque()

    def __len__(self) -> int:
        return len(self._samples)

    def add(self, time_s: float, value: T) -> None:
        """Take the newest sample; times must not fall."""
        samples = self._samples
        samples.append((time_s, value))
        while len(samples) > 2 and time_s - samples[1][0] >= self._seconds:
            samples.popleft()
        # After an interruption, an average over all of it would pass for the present.
        while len(samples) > 1 and time_s - samples[0][0] > 2 * self._seconds:
            samples.popleft()

    def newest(self) -> T:
        """The newest sample. Raises IndexError when there is none."""
        return self._samples[-1][1]

    def clear(self) -> None:
        """Forget everything: the counters began anew."""
        self._samples.clear()

    def span(self) -> tuple[float, T, T] | None:
        """(seconds between, oldest, newest); None until there are two samples with time between them."""
        if len(self._samples) < 2:
            return None
        (first_s, first), (last_s, last) = self._samples[0], self._samples[-1]
        return (last_s - first_s, first, last) if last_s > first_s else None


class Meter:
    """The rate of a counter that somebody else reports together with the time of his own clock.

    Reports come once a second and are looked at once a second, so now and then none or two lie between two looks. The
    reporter's clock gives the slope without that tremble; ours only says how fresh a report is.
    """

    __slots__ = ("_heard_s", "_reports", "_seconds")

    def __init__(self, seconds: float = RATE_S) -> None:
        self._seconds = seconds
        self._reports: Window[int] = Window(seconds)
        self._heard_s = -math.inf

    def add(self, heard_s: float, reported_s: float, value: int) -> None:
        """Take a report: when it was heard (our clock), when it was made (the reporter's), and the counter."""
        self._heard_s = heard_s
        self._reports.add(reported_s, value)

    def per_s(self, now_s: float, silent: float | None = None) -> float | None:
        """The rate a second; None until there are two reports.

        Args:
            now_s: our clock.
            silent: what to say when nothing was reported for longer than the window.
        """
        if now_s - self._heard_s > self._seconds:
            return silent
        span = self._reports.span()
        if span is None:
            return None
        seconds, before, after = span
        return (after - before) / seconds


def next_tick(due_s: float, now_s: float, period_s: float) -> float:
    """When the tick after the one due at `due_s` is due: in phase, later than now; those missed are skipped."""
    missed = max(0, math.floor((now_s - due_s) / period_s))
    return due_s + (missed + 1) * period_s
