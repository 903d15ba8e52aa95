"""How pets use a stock up: a process of small random uses, simulated by looking up pre-drawn paths.

Uses happen at exponential intervals, and what is used depends on the length of the interval. The steps of a
process are independent and alike for all customers with the same category and number of pets. So one long path is
drawn for each of these pairs; a stock that is filled follows it from a random step on. Finding when a stock of any
size is exhausted, or what is left of it at some time, is then one binary search instead of a hundred draws.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable
from itertools import accumulate, islice
from math import cos, log, sqrt, tau
from random import Random

from kapture_tui.workload.petstore.products import CATEGORIES
from kapture_tui.workload.petstore.streams import derive

STARTS = 16_384
"""Steps of a path a stock may start from. More of them cost time and memory and make runs with different seeds
agree better: the mean use of a path has a relative error of about 1 / sqrt(STARTS)."""

BLOCK = 1024
"""Steps by which a path is drawn further once a stock outlasts it."""


class UsagePath:
    """Cumulative time (days) and use (the category's unit) of one process, both 0 before the first step."""

    __slots__ = ("_interval", "_mean", "_random", "_variance", "times", "used")

    def __init__(self, random: Random, rate: float, mean: float, variance: float) -> None:
        """Rate: steps a day. Mean and variance: of the use of a day, before it is kept from being negative."""
        self._random = random
        self._interval = 1 / rate
        self._mean = mean
        self._variance = variance
        self.times = array("d", [0.0])
        self.used = array("d", [0.0])
        self._grow(STARTS + BLOCK)

    def until_used(self, amount: float) -> int:
        """The first step after which at least `amount` has been used, counted from the start of the path."""
        while self.used[-1] < amount:
            self._grow(BLOCK)
        return bisect_left(self.used, amount)

    def _grow(self, steps: int) -> None:
        random, mean = self._random.random, self._mean
        days = [-self._interval * log(1.0 - random()) for _ in range(steps)]
        # Normal deviates by Box and Muller's formula; random.gauss takes three times as long.
        scale = -2.0 * self._variance
        amounts = [mean * d + sqrt(scale * d * log(1.0 - random())) * cos(tau * random()) for d in days]
        amounts = [amount if amount > 0.0 else 0.0 for amount in amounts]
        self.times.extend(islice(accumulate(days, initial=self.times[-1]), 1, None))
        self.used.extend(islice(accumulate(amounts, initial=self.used[-1]), 1, None))


class Stock:
    """What a customer has of one category.

    Attributes:
        exhausted: when it will be used up, in days; 0 before the first purchase.
        product: bought last, as its place in the category; None before the first purchase.
    """

    __slots__ = ("_bought", "_end", "_path", "_start", "exhausted", "product")

    def __init__(self, path: UsagePath) -> None:
        self._path = path
        self._bought = 0.0  # time of the last purchase
        self._start = 0.0  # the same on the path
        self._end = 0.0  # use, counted from the beginning of the path, at which nothing is left
        self.exhausted = 0.0
        self.product: int | None = None

    def amount(self, time: float) -> float:
        """What is left at that time, in the category's unit: the state after the latest step, hence a staircase."""
        if time >= self.exhausted:
            return 0.0
        # Summed in this order, the moment of the purchase itself is not rounded to before its step.
        on_path = self._start + (time - self._bought)
        return self._end - self._path.used[bisect_right(self._path.times, on_path) - 1]

    def add(self, quantity: float, time: float, random: Callable[[], float]) -> None:
        """Buy some at that time; what was going to happen is forgotten. Takes one number from `random`."""
        path = self._path
        place = int(random() * STARTS)
        end = path.used[place] + self.amount(time) + quantity
        self._bought, self._start, self._end = time, path.times[place], end
        self.exhausted = time + (path.times[path.until_used(end)] - self._start)


class UsagePaths:
    """The paths of a run, by category and number of pets, drawn when they are first needed."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._paths: dict[tuple[int, int], UsagePath] = {}

    def get(self, category: int, pets: int) -> UsagePath:
        """Args: the category's place in `CATEGORIES`; pets of its species, 1 or more."""
        key = category, pets
        if key not in self._paths:
            kind = CATEGORIES[category]
            random = derive(self._seed, "usage", kind.name, pets)
            mean, variance = kind.mean_per_pet * pets, kind.variance_per_pet * pets
            self._paths[key] = UsagePath(random, kind.usage_rate, mean, variance)
        return self._paths[key]
