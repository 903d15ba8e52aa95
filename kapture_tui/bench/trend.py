"""Does it grow? A trend test for lag, which jumps about from one sample to the next.

Mann and Kendall's test (Mann 1945; Kendall 1975) asks whether later samples are higher than earlier ones more often
than chance has it, whatever the samples' distribution; Theil and Sen's slope (Sen 1968), the median of all slopes
between two samples, says how fast it grows and bears outliers.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import NormalDist, median

LEAST = 5
"""Fewer samples than this show no trend that one should believe."""


@dataclass(frozen=True, slots=True)
class Trend:
    """How samples develop.

    Attributes:
        slope: units a second.
        chance: with which probability samples without a trend look like one that rises this clearly.
    """

    slope: float
    chance: float


def trend(samples: Sequence[tuple[float, float]]) -> Trend | None:
    """The trend of (seconds, value) samples with rising seconds; None when there are too few."""
    if len(samples) < LEAST:
        return None
    slopes = []
    balance = 0
    for (earlier_s, before), (later_s, after) in combinations(samples, 2):
        slopes.append((after - before) / (later_s - earlier_s))
        balance += (after > before) - (after < before)
    return Trend(median(slopes), _chance(balance, len(samples), [value for _, value in samples]))


def _chance(balance: int, count: int, values: Sequence[float]) -> float:
    """One-sided, by the normal approximation with corrections for ties and for continuity."""
    ties = [values.count(value) for value in set(values)]
    variance = (count * (count - 1) * (2 * count + 5) - sum(t * (t - 1) * (2 * t + 5) for t in ties)) / 18
    if variance <= 0:
        return 1.0
    return 1 - NormalDist().cdf((balance - 1) / math.sqrt(variance))
