"""Which product a customer takes: dynamic models (a Markov chain per category) and static ones (independent draws)."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from random import Random
from typing import Literal, Protocol

from kapture_tui.workload.petstore.distributions import ClampedBimodal, Distribution, Exponential
from kapture_tui.workload.petstore.products import CATEGORIES, Category
from kapture_tui.workload.petstore.streams import derive

Purchasing = Literal["dynamic", "static"]


@dataclass(frozen=True, slots=True)
class PurchasingConstants:
    """Distributions the models are drawn from.

    Attributes:
        field_weight: of each product field, for dynamic models; shared by all models of a run.
        similarity: of each field, for dynamic models; per model and category.
        loopback: chance to buy the same again; per model and category.
        static_field_weight, static_value_weight: of each field, and of each of its values, for static models.
    """

    field_weight: Distribution = ClampedBimodal(0.15, 0.85)
    similarity: Distribution = ClampedBimodal(0.15, 0.85)
    loopback: Distribution = ClampedBimodal(0.25, 0.75)
    static_field_weight: Distribution = ClampedBimodal(0.15, 0.85)
    static_value_weight: Distribution = Exponential(2.0)


class ProductChoice(Protocol):
    """How one model picks products of one category."""

    def pick(self, current: int | None, uniform: float) -> int:
        """The next product, as its place in the category.

        Args: the product bought last, None for none; a draw from [0, 1).
        """
        ...


Model = tuple[ProductChoice, ...]
"""One purchasing model: a choice for each of `CATEGORIES`."""


@dataclass(slots=True)
class MarkovChoice:
    """Products follow each other: the same again with probability `loopback`, else by similarity to the current one.

    Attributes:
        weights, similarity: by field.
        loopback: from 0 to 1.
    """

    category: Category
    weights: Mapping[str, float]
    similarity: Mapping[str, float]
    loopback: float
    _rows: dict[int, array[float]] = field(default_factory=dict)

    def pick(self, current: int | None, uniform: float) -> int:
        if current is None:
            return int(uniform * len(self.category.products))
        row = self._rows.get(current)
        if row is None:
            row = self._rows[current] = _cumulative(self.probabilities(current))
        return bisect_right(row, uniform)

    def affinities(self, current: int) -> list[float]:
        """How much each product is like the current one.

        The sum over the fields of weight * (similarity where both agree, else 1 - similarity).
        """
        sums = [0.0] * len(self.category.products)
        for name, similarity in self.similarity.items():
            column = self.category.columns[name]
            here = column[current]
            alike, unlike = self.weights[name] * similarity, self.weights[name] * (1 - similarity)
            sums = [
                total + (alike if there == here else unlike)
                for total, there in zip(sums, column, strict=True)
            ]
        return sums

    def probabilities(self, current: int) -> list[float]:
        """Of each product to be the next, given the current one."""
        affinities = self.affinities(current)
        affinities[current] = 0.0
        share = (1 - self.loopback) / sum(affinities)
        row = [share * affinity for affinity in affinities]
        row[current] = self.loopback
        return row


@dataclass(slots=True)
class IndependentChoice:
    """Products drawn with the same probabilities every time, whatever was bought before."""

    probabilities: Sequence[float]
    _row: array[float] = field(init=False)

    def __post_init__(self) -> None:
        self._row = _cumulative(self.probabilities)

    def pick(self, current: int | None, uniform: float) -> int:
        return bisect_right(self._row, uniform)


def draw_models(
    seed: int, count: int, purchasing: Purchasing, constants: PurchasingConstants | None = None
) -> tuple[Model, ...]:
    """The models of a run. The first n are the same for every count."""
    constants = constants or PurchasingConstants()
    draw = _dynamic_model if purchasing == "dynamic" else _static_model
    weight = constants.field_weight if purchasing == "dynamic" else constants.static_field_weight
    weights = _draw_each(_all_fields(), weight, derive(seed, "field weights"))
    return tuple(draw(derive(seed, "model", number), weights, constants) for number in range(count))


def _dynamic_model(random: Random, weights: Mapping[str, float], constants: PurchasingConstants) -> Model:
    return tuple(
        MarkovChoice(
            category,
            weights,
            _draw_each(category.fields, constants.similarity, random),
            constants.loopback.draw(random),
        )
        for category in CATEGORIES
    )


def _static_model(random: Random, weights: Mapping[str, float], constants: PurchasingConstants) -> Model:
    return tuple(_static_choice(category, random, weights, constants) for category in CATEGORIES)


def _static_choice(
    category: Category, random: Random, weights: Mapping[str, float], constants: PurchasingConstants
) -> IndependentChoice:
    """weight(product) = sum over the fields of the field's weight * the weight of the product's value."""
    totals = [0.0] * len(category.products)
    for name in category.fields:
        values = category.columns[name]
        # dict.fromkeys keeps the order of the catalogue; a set would not, and draws would differ between runs.
        value_weights = {value: constants.static_value_weight.draw(random) for value in dict.fromkeys(values)}
        for place, value in enumerate(values):
            totals[place] += weights[name] * value_weights[value]
    total = sum(totals)
    return IndependentChoice([weight / total for weight in totals])


def _all_fields() -> list[str]:
    """Each distinct field of any category, in the order of first appearance."""
    return list(dict.fromkeys(name for category in CATEGORIES for name in category.fields))


def _draw_each(names: Sequence[str], distribution: Distribution, random: Random) -> dict[str, float]:
    return {name: distribution.draw(random) for name in names}


def _cumulative(probabilities: Sequence[float]) -> array[float]:
    row = array("d", accumulate(probabilities))
    row[-1] = 1.0  # whatever rounding made of it: a draw below 1 must find a product
    return row
