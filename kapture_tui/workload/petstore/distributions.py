"""The few distributions the model's constants are drawn from."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Protocol


class Distribution(Protocol):
    """Something a number can be drawn from."""

    def draw(self, random: Random) -> float: ...


@dataclass(frozen=True, slots=True)
class ClampedNormal:
    """A normal distribution whose draws beyond a bound are moved onto it, so the bounds carry mass."""

    mean: float
    sd: float
    low: float
    high: float

    def draw(self, random: Random) -> float:
        return min(max(random.gauss(self.mean, self.sd), self.low), self.high)


@dataclass(frozen=True, slots=True)
class ClampedBimodal:
    """One of two normals of the same deviation, with equal chances, then clamped."""

    low_mean: float
    high_mean: float
    sd: float = 0.1
    low: float = 0.05
    high: float = 0.95

    def draw(self, random: Random) -> float:
        mean = self.low_mean if random.random() < 0.5 else self.high_mean
        return min(max(random.gauss(mean, self.sd), self.low), self.high)


@dataclass(frozen=True, slots=True)
class Exponential:
    """Rate is the inverse of the mean."""

    rate: float

    def draw(self, random: Random) -> float:
        return random.expovariate(self.rate)
