"""A plot as a value, and the axes that all ways of drawing share. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Series:
    """Points that belong together. `line`: they are joined, in order; otherwise each stands for itself."""

    name: str
    points: tuple[Point, ...]
    line: bool = False


@dataclass(frozen=True, slots=True)
class Mark:
    """A place on the x axis; `low` and `high` bound what is known of it."""

    name: str
    x: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Plot:
    """One plot.

    Attributes:
        name: for file names.
        log: both axes are logarithmic; points that are not positive are left out.
    """

    name: str
    title: str
    x_label: str
    y_label: str
    series: tuple[Series, ...]
    marks: tuple[Mark, ...] = ()
    log: bool = False

    @property
    def x(self) -> Axis:
        """The axis that holds every point and mark."""
        marks = [value for mark in self.marks for value in (mark.low, mark.high)]
        return _axis([*(x for series in self.series for x, _ in series.points), *marks], self.log)

    @property
    def y(self) -> Axis:
        """The axis that holds every point."""
        return _axis([y for series in self.series for _, y in series.points], self.log)


@dataclass(frozen=True, slots=True)
class Axis:
    """Where values lie."""

    low: float
    high: float
    log: bool

    def place(self, value: float) -> float | None:
        """Where a value lies, 0 to 1 from low to high; None for one that a logarithmic axis does not have."""
        if not self.log:
            return (value - self.low) / (self.high - self.low)
        if value <= 0:
            return None
        return math.log(value / self.low) / math.log(self.high / self.low)

    def ticks(self, most: int) -> Iterator[float]:
        """Round values, about as many as wanted and in order."""
        if self.log:
            yield from _log_ticks(self.low, self.high, most)
            return
        step = _round_up((self.high - self.low) / most)
        first = math.ceil(self.low / step - 1e-9)
        while first * step <= self.high + 1e-9 * step:
            yield first * step
            first += 1


def _axis(values: Sequence[float], log: bool) -> Axis:
    if log:
        values = [value for value in values if value > 0]
    if not values:
        return Axis(1.0, 10.0, True) if log else Axis(0.0, 1.0, False)
    low, high = min(values), max(values)
    if log:
        return Axis(low / 1.1, high * 1.1, True)
    # A linear axis begins at 0: heights are compared by eye.
    low = min(0.0, low)
    return Axis(low, high * 1.05 if high > low else low + 1.0, False)


def _log_ticks(low: float, high: float, most: int) -> Iterator[float]:
    factors = (1, 2, 5) if math.log10(high / low) * 3 <= most + 1 else (1,)
    ticks = [
        factor * 10.0**power
        for power in range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
        for factor in factors
        if low <= factor * 10.0**power <= high
    ]
    yield from ticks or (low, high)


def _round_up(value: float) -> float:
    """The next of 1, 2, 5, 10, … at or above."""
    power = 10.0 ** math.floor(math.log10(value))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= value * (1 - 1e-9))


def shown(value: float) -> str:
    """A tick's label: 0.05, 250, 12k."""
    if value and abs(value) >= 10_000:
        return f"{value / 1000:,.0f}k"
    return f"{value:,.0f}" if abs(value) >= 10 or value == int(value) else f"{value:.3g}"
