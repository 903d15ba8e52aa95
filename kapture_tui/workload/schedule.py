"""When each transaction is due: an open-loop Poisson process, seeded, whose rate may change on the way.

The process is drawn once in units of mean gaps (u_1, u_2, …, sums of unit exponentials); at rate r a unit lasts 1/r
seconds. So a seed gives the same arrivals at any rate but for the scale, and a change of rate keeps what was drawn.
"""

from __future__ import annotations

from random import Random


class Schedule:
    """Arrival times from a seed.

    Args:
        random: the stream the gaps come from; nobody else may use it.
        rate: arrivals a second, more than 0.
        start_s: when the process begins, seconds on the caller's clock.
    """

    def __init__(self, random: Random, rate: float, start_s: float) -> None:
        self._gap = random.expovariate
        self._rate = rate
        self._origin_s = start_s
        self._origin_units = 0.0
        self._next_units = self._gap(1.0)

    @property
    def next_s(self) -> float:
        """When the next arrival is due, seconds on the caller's clock."""
        return self._origin_s + (self._next_units - self._origin_units) / self._rate

    def take(self, until_s: float, most: int) -> list[float]:
        """The arrivals due until then, at most `most`, in order; they will not be given again."""
        due: list[float] = []
        gap, rate, origin_s, origin = self._gap, self._rate, self._origin_s, self._origin_units
        units = self._next_units
        horizon = origin + (until_s - origin_s) * rate
        while units <= horizon and len(due) < most:
            due.append(origin_s + (units - origin) / rate)
            units += gap(1.0)
        self._next_units = units
        return due

    def change_rate(self, rate: float, now_s: float) -> None:
        """Another rate from now on, or, where arrivals are overdue, from the first of these on."""
        now_s = min(now_s, self.next_s)
        self._origin_units += (now_s - self._origin_s) * self._rate
        self._origin_s = now_s
        self._rate = rate

    def shift(self, by_s: float) -> None:
        """Put everything not yet given off by some seconds: the loader was paused."""
        self._origin_s += by_s
