"""From the capacities of fresh deployments to one score, and from two scores to a verdict.

Capacities differ by factors, so everything is done with their logarithms: the score is exp(mean ln V), the geometric
mean, with Student's interval; two runs are compared by Welch's test on ln V (Welch 1947), which does not assume that
they are equally noisy.

"faster" and "slower" need 98 % confidence, "equivalent" that the 90 % interval of the ratio lies within 5 % (two
one-sided tests at 5 %: Schuirmann 1987). At 90 % one in ten equal pairs would be called different; see
docs/methodology.md.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from statistics import fmean, variance

from kapture_tui.bench.student import probability, two_sided

INTERVAL = 0.90
DIFFERENT = 0.98
SAME = math.log(1.05)
LEAST_REPEATS = 3
MOST_REPEATS = 200
"""More repeats than this nobody makes: the difference is then too small to tell."""

_LEAST_VARIANCE = 1e-12
"""Repeats that agree to a millionth are exactly repeatable; a variance of 0 would make every difference certain."""


@dataclass(frozen=True, slots=True)
class Score:
    """What a cluster carries, transactions a second.

    Attributes:
        v: the geometric mean of the deployments' capacities.
        low, high: its 90 % interval; None with fewer than two deployments.
        spread: standard deviation of ln V between deployments; None with fewer than two.
        repeats: how many deployments count.
    """

    v: float
    low: float | None
    high: float | None
    spread: float | None
    repeats: int

    @property
    def half_width(self) -> float | None:
        """Half of the interval, as a part of the score."""
        return None if self.high is None else self.high / self.v - 1


class Verdict(Enum):
    """How a run compares with another one."""

    FASTER = "faster"
    SLOWER = "slower"
    EQUIVALENT = "equivalent"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True, slots=True)
class Comparison:
    """How B compares with A.

    Attributes:
        ratio: B's score divided by A's.
        low, high: its 90 % interval.
        needed: repeats that either run still needs for a verdict, should the figures stay as they are; 0 with one, None
            when more than `MOST_REPEATS` would be needed.
    """

    verdict: Verdict
    ratio: float
    low: float
    high: float
    needed: int | None = 0


def score(capacities: Sequence[float]) -> Score | None:
    """The score of one run; None without a capacity."""
    logs = [math.log(v) for v in capacities]
    if not logs:
        return None
    mean = fmean(logs)
    if len(logs) < 2:
        return Score(math.exp(mean), None, None, None, len(logs))
    spread = math.sqrt(variance(logs))
    reach = two_sided(INTERVAL, len(logs) - 1) * spread / math.sqrt(len(logs))
    return Score(math.exp(mean), math.exp(mean - reach), math.exp(mean + reach), spread, len(logs))


def compare(a: Sequence[float], b: Sequence[float]) -> Comparison:
    """B against A. Raises ValueError when one of them has fewer than two capacities."""
    if min(len(a), len(b)) < 2:
        raise ValueError("at least two capacities on each side are needed")
    logs_a, logs_b = [math.log(v) for v in a], [math.log(v) for v in b]
    difference = fmean(logs_b) - fmean(logs_a)
    spreads = (max(variance(logs_a), _LEAST_VARIANCE), max(variance(logs_b), _LEAST_VARIANCE))
    counts = (len(a), len(b))
    verdict = _decide(difference, spreads, counts)
    needed = _needed(difference, spreads, counts) if verdict is Verdict.INCONCLUSIVE else 0
    error, freedom = _error(spreads, counts)
    reach = two_sided(INTERVAL, freedom) * error
    low, high = math.exp(difference - reach), math.exp(difference + reach)
    return Comparison(verdict, math.exp(difference), low, high, needed)


def _error(spreads: tuple[float, float], counts: tuple[int, int]) -> tuple[float, float]:
    """The standard error of the difference, and its degrees of freedom by Welch and Satterthwaite."""
    parts = [spread / count for spread, count in zip(spreads, counts, strict=True)]
    freedom = sum(parts) ** 2 / sum(part**2 / (count - 1) for part, count in zip(parts, counts, strict=True))
    return math.sqrt(sum(parts)), freedom


def _decide(difference: float, spreads: tuple[float, float], counts: tuple[int, int]) -> Verdict:
    error, freedom = _error(spreads, counts)
    if probability(abs(difference) / error, freedom) > 0.5 + DIFFERENT / 2:
        return Verdict.FASTER if difference > 0 else Verdict.SLOWER
    if probability((SAME - abs(difference)) / error, freedom) >= 0.5 + INTERVAL / 2:
        return Verdict.EQUIVALENT
    return Verdict.INCONCLUSIVE


def _needed(difference: float, spreads: tuple[float, float], counts: tuple[int, int]) -> int | None:
    for more in range(1, MOST_REPEATS):
        if _decide(difference, spreads, (counts[0] + more, counts[1] + more)) is not Verdict.INCONCLUSIVE:
            return more
    return None
