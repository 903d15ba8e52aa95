"""Where the stores are: many people and much money attract them."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, log

from kapture_tui.workload.petstore.streams import derive
from kapture_tui.workload.petstore.tables import Location, Wheel, ZipTable

INCOME_SCALING = 100
"""The richest ZIP code weighs that many times the poorest, at equal population."""


@dataclass(frozen=True, slots=True)
class Store:
    """A pet store; ids count from 0."""

    id: int
    location: Location

    @property
    def name(self) -> str:
        return f"Store_{self.id}"


def store_weights(zips: ZipTable) -> list[float]:
    """Weight of each ZIP code: population * exp(k * income above the lowest), with k from `INCOME_SCALING`."""
    lowest = min(zips.incomes)
    k = log(INCOME_SCALING) / (max(zips.incomes) - lowest)
    pairs = zip(zips.populations, zips.incomes, strict=True)
    return [population * exp(k * (income - lowest)) for population, income in pairs]


def draw_stores(seed: int, count: int, zips: ZipTable) -> tuple[Store, ...]:
    """Stores at ZIP codes drawn independently, so two may share one. The first n are the same for every count."""
    random = derive(seed, "stores")
    wheel = Wheel(store_weights(zips))
    return tuple(Store(number, zips.location(wheel.draw(random))) for number in range(count))
