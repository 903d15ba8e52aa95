"""What a measurement returns."""

from __future__ import annotations

from dataclasses import dataclass


class CannotRun(Exception):
    """Something this measurement needs is not here; the text says what, and how to get it."""


@dataclass(frozen=True, slots=True)
class Effort:
    """How much to measure.

    Attributes:
        pairs: how often two things are measured in turn, to be compared by the median of their ratios.
        window_s: how long a process is watched in its steady state, seconds.
    """

    pairs: int = 3
    window_s: float = 10.0


@dataclass(frozen=True, slots=True)
class Result:
    """One figure.

    Attributes:
        value: None: it could not be measured, and `note` says why.
        baseline: what it is compared with, in the same unit; None: nothing.
        ratio: how much better than the baseline, more is better whatever the unit; None: not compared.
        goal: what the ratio must reach; None: there is no goal.
        failed: the measurement itself went wrong.
    """

    name: str
    value: float | None
    unit: str
    baseline: float | None = None
    ratio: float | None = None
    goal: float | None = None
    note: str = ""
    failed: bool = False

    @property
    def ok(self) -> bool | None:
        """Whether the goal is reached; None where there is none or nothing was measured."""
        if self.failed:
            return False
        return None if self.goal is None or self.ratio is None else self.ratio >= self.goal
