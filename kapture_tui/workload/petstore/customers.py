"""Who the customers are: a name, a home store, and a home around that store."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from math import acos, asin, cos, degrees, exp, radians, sin
from random import Random

from kapture_tui.workload.petstore.stores import Store
from kapture_tui.workload.petstore.streams import derive
from kapture_tui.workload.petstore.tables import Location, NameTable, Wheel, ZipTable, name_tables

DISTANCE_SCALE = 5.0
"""Miles over which a home's weight falls to 1/e."""

MILES_PER_DEGREE = 69.09
"""Of a great circle."""

HORIZON = 120.0
"""Miles within which homes are looked for. All ZIP codes beyond together weigh less than 1e-6 of the store's
own, so leaving them out changes less than one customer in a million, and saves nine tenths of the distances."""


@dataclass(frozen=True, slots=True)
class Customer:
    """Someone who shops at one store for life."""

    id: int
    first_name: str
    last_name: str
    location: Location
    store: Store


def distance_miles(a: Location, b: Location) -> float:
    """Great-circle distance; 0 for the same ZIP code."""
    if a.zipcode == b.zipcode:
        return 0.0
    north_a, north_b = radians(a.latitude), radians(b.latitude)
    turn = radians(a.longitude - b.longitude)
    cosine = sin(north_a) * sin(north_b) + cos(north_a) * cos(north_b) * cos(turn)
    # ZIP codes with equal coordinates may round to a cosine beyond 1, for which there is no angle.
    return degrees(acos(min(1.0, cosine))) * MILES_PER_DEGREE


class Homes:
    """Draws the ZIP code a store's customer lives in: weight exp(-distance / 5 miles), whatever its population."""

    def __init__(self, zips: ZipTable) -> None:
        self._zips = zips
        order = sorted(range(len(zips)), key=zips.latitudes.__getitem__)
        self._indices = array("i", order)
        self._latitudes = array("d", (zips.latitudes[index] for index in order))
        self._longitudes = array("d", (zips.longitudes[index] for index in order))
        self._sines = array("d", map(sin, map(radians, self._latitudes)))
        self._cosines = array("d", map(cos, map(radians, self._latitudes)))
        self._wheels: dict[str, tuple[array[int], Wheel]] = {}

    def draw(self, store: Store, random: Random) -> Location:
        """Takes one number from `random`."""
        zipcode = store.location.zipcode
        if zipcode not in self._wheels:
            self._wheels[zipcode] = self._wheel(store.location)
        indices, wheel = self._wheels[zipcode]
        return self._zips.location(indices[wheel.draw(random)])

    def _wheel(self, center: Location) -> tuple[array[int], Wheel]:
        scale = degrees(MILES_PER_DEGREE / DISTANCE_SCALE)
        north = radians(center.latitude)
        sine, cosine = sin(north), cos(north)
        indices, weights = array("i"), array("d")
        for place in self._within_horizon(center):
            turn = radians(self._longitudes[place] - center.longitude)
            dot = sine * self._sines[place] + cosine * self._cosines[place] * cos(turn)
            indices.append(self._indices[place])
            weights.append(exp(-scale * acos(dot)) if dot < 1.0 else 1.0)
        # A rounded cosine makes its own ZIP code seem a little away.
        weights[indices.index(bisect_left(self._zips.zipcodes, center.zipcode))] = 1.0
        return indices, Wheel(weights)

    def _within_horizon(self, center: Location) -> list[int]:
        """Places, in order of latitude, of the ZIP codes in the smallest box around the horizon."""
        reach = HORIZON / MILES_PER_DEGREE
        start = bisect_left(self._latitudes, center.latitude - reach)
        stop = bisect_right(self._latitudes, center.latitude + reach)
        # All ZIP codes lie west of Greenwich and none beyond the date line, so boxes need not wrap around.
        width = degrees(asin(sin(radians(reach)) / cos(radians(center.latitude))))
        west, east = center.longitude - width, center.longitude + width
        longitudes = enumerate(self._longitudes[start:stop], start)
        return [place for place, longitude in longitudes if west <= longitude <= east]


class CustomerFactory:
    """Draws customers of given stores."""

    def __init__(
        self, seed: int, stream: str, stores: Sequence[Store], zips: ZipTable, homes: Homes | None = None
    ) -> None:
        """A store has customers in proportion to the population of its ZIP code.

        Args: homes: those of another factory, which cost a megabyte; None: its own.
        """
        self._seed = seed
        self._stream = stream
        self._stores = stores
        self._popularity = Wheel(store.location.population for store in stores)
        self._homes = homes or Homes(zips)
        self._names: tuple[NameTable, NameTable] = name_tables()

    def draw(self, number: int) -> Customer:
        """The customer of that id, the same whenever it is asked for."""
        random = derive(self._seed, "customer", self._stream, number)
        first, last = self._names
        first_name, last_name = first.draw(random), last.draw(random)
        store = self._stores[self._popularity.draw(random)]
        return Customer(number, first_name, last_name, self._homes.draw(store, random), store)
