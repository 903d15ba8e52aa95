"""The real-world tables the model draws from: ZIP codes and names. data/NOTICE says where they come from."""

from __future__ import annotations

import gzip
from array import array
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from pathlib import Path
from random import Random

DATA = Path(__file__).parent / "data"


@dataclass(frozen=True, slots=True)
class Location:
    """A ZIP code area.

    Attributes:
        zipcode: five digits.
        latitude, longitude: of its centroid, in degrees, north and east positive.
        city: its main city.
        state: two-letter code, one of the 50 states or DC.
        income: median household income, USD a year.
        population: people living there.
    """

    zipcode: str
    latitude: float
    longitude: float
    city: str
    state: str
    income: float
    population: int


@dataclass(frozen=True, slots=True)
class ZipTable:
    """All ZIP codes, column by column, in ascending order of the code; see `Location` for the units."""

    zipcodes: Sequence[str]
    latitudes: array[float]
    longitudes: array[float]
    cities: Sequence[str]
    states: Sequence[str]
    incomes: array[float]
    populations: array[int]

    def __len__(self) -> int:
        return len(self.zipcodes)

    def location(self, index: int) -> Location:
        """One row. Raises IndexError."""
        return Location(
            self.zipcodes[index],
            self.latitudes[index],
            self.longitudes[index],
            self.cities[index],
            self.states[index],
            self.incomes[index],
            self.populations[index],
        )


class Wheel:
    """Draws an index in proportion to its weight, in logarithmic time."""

    __slots__ = ("cumulative", "last")

    def __init__(self, weights: Iterable[float]) -> None:
        """Weights are 0 or more, at least one of them is more."""
        self.cumulative = array("d", accumulate(weights))
        self.last = len(self.cumulative) - 1

    def draw(self, random: Random) -> int:
        """An index, 0 for the first weight. Takes one number from `random`."""
        # The product may round up to the total itself.
        return min(bisect_right(self.cumulative, random.random() * self.cumulative[-1]), self.last)


@dataclass(frozen=True, slots=True)
class NameTable:
    """Names with a wheel that draws them as often as they occur in the population."""

    names: Sequence[str]
    wheel: Wheel

    def draw(self, random: Random) -> str:
        """A name. Takes one number from `random`."""
        return self.names[self.wheel.draw(random)]


@lru_cache(maxsize=1)
def zip_table() -> ZipTable:
    """The ZIP codes of the 50 states and DC that have people and a median income."""
    codes, latitudes, longitudes, cities, states, incomes, populations = _columns("zipcodes.tsv.gz")
    return ZipTable(
        codes,
        array("d", (int(text) / 100 for text in latitudes)),
        array("d", (int(text) / 100 for text in longitudes)),
        cities,
        states,
        array("d", map(float, incomes)),
        array("l", map(int, populations)),
    )


@lru_cache(maxsize=1)
def name_tables() -> tuple[NameTable, NameTable]:
    """First names and last names."""
    first, first_shares, last, last_shares = _columns("names.tsv.gz")
    return NameTable(first, Wheel(map(int, first_shares))), NameTable(last, Wheel(map(int, last_shares)))


def _columns(file: str) -> list[list[str]]:
    return [line.split("\t") for line in gzip.decompress((DATA / file).read_bytes()).decode().splitlines()]
