from __future__ import annotations

from collections import Counter
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kapture_tui.workload.petstore.distributions import ClampedBimodal, ClampedNormal, Exponential
from kapture_tui.workload.petstore.products import CATEGORIES, FIRST_PRODUCT, PRODUCTS
from kapture_tui.workload.petstore.purchasing import (
    IndependentChoice,
    MarkovChoice,
    PurchasingConstants,
    draw_models,
)

chances = st.floats(0.05, 0.95)
places = st.integers(0, 3)


def test_there_are_55_products_of_four_categories() -> None:
    assert [len(category.products) for category in CATEGORIES] == [24, 17, 6, 8]
    assert len(set(PRODUCTS)) == 55
    assert [PRODUCTS[first].value("category") for first in FIRST_PRODUCT] == [c.name for c in CATEGORIES]
    assert {tuple(name for name, _ in product.fields) for product in PRODUCTS} == {
        ("category", "brand", "flavor", "size", "per_unit_cost"),
        ("category", "brand", "size", "per_unit_cost"),
        ("category", "brand", "color", "size", "per_unit_cost"),
    }


def test_the_misspelt_brand_counts_as_one_of_its_own() -> None:
    assert len(set(CATEGORIES[2].columns["brand"])) == 3


@given(
    places,
    st.lists(chances, min_size=3, max_size=3),
    st.lists(chances, min_size=3, max_size=3),
    chances,
    st.data(),
)
def test_what_follows_a_product_has_the_probabilities_of_the_definition(
    place: int, weights: list[float], similarities: list[float], loopback: float, data: st.DataObject
) -> None:
    category = CATEGORIES[place]
    weight = dict(zip(category.fields, weights, strict=False))
    similarity = dict(zip(category.fields, similarities, strict=False))
    choice = MarkovChoice(category, weight, similarity, loopback)
    current = data.draw(st.integers(0, len(category.products) - 1))
    here = category.products[current]

    def affinity(other: int) -> float:
        there = category.products[other]
        agree = {name: here.value(name) == there.value(name) for name in category.fields}
        return sum(weight[n] * (similarity[n] if agree[n] else 1 - similarity[n]) for n in category.fields)

    others = [number for number in range(len(category.products)) if number != current]
    total = sum(affinity(number) for number in others)
    row = choice.probabilities(current)
    assert sum(row) == pytest.approx(1)
    assert row[current] == loopback
    for number in others:
        assert row[number] == pytest.approx((1 - loopback) * affinity(number) / total)


@given(places, st.floats(0, 1, exclude_max=True), st.integers(0, 5))
def test_every_draw_finds_a_product_as_likely_as_its_probability(
    place: int, uniform: float, current: int
) -> None:
    choice = draw_models(1, 1, "dynamic")[0][place]
    assert isinstance(choice, MarkovChoice)
    row, chosen = choice.probabilities(current), choice.pick(current, uniform)
    assert sum(row[:chosen]) <= uniform + 1e-12
    assert uniform <= sum(row[: chosen + 1]) + 1e-12


@given(places, st.floats(0, 1, exclude_max=True))
def test_the_first_product_is_any_with_equal_chances(place: int, uniform: float) -> None:
    count = len(CATEGORIES[place].products)
    assert draw_models(1, 1, "dynamic")[0][place].pick(None, uniform) == int(uniform * count)


def test_dynamic_models_share_the_weights_of_fields_and_nothing_else() -> None:
    models = draw_models(4, 20, "dynamic")
    choices = [choice for model in models for choice in model if isinstance(choice, MarkovChoice)]
    assert len(choices) == 80
    assert all(choice.weights == choices[0].weights for choice in choices)
    assert set(choices[0].weights) == {"brand", "flavor", "size", "color"}
    assert len({choice.loopback for choice in choices}) > 60  # some are clamped to the same bound
    assert models[:3] == draw_models(4, 3, "dynamic")


def test_static_models_weigh_products_by_their_values() -> None:
    """With weights that tell values apart, products with the same values weigh the same, and all sum to 1."""
    for model in draw_models(2, 5, "static"):
        for category, choice in zip(CATEGORIES, model, strict=True):
            assert isinstance(choice, IndependentChoice)
            assert sum(choice.probabilities) == pytest.approx(1)
            assert min(choice.probabilities) > 0
            # weight = sum over the fields: without interaction, exchanging one value changes it by the same amount.
            weight = dict(zip(category.products, choice.probabilities, strict=True))
            small, large = (
                [p for p in category.products if p.size == size]
                for size in sorted({p.size for p in category.products})[:2]
            )
            differences = [
                weight[a] - weight[b]
                for a in small
                for b in large
                if all(a.value(name) == b.value(name) for name in category.fields if name != "size")
            ]
            assert differences
            assert differences == pytest.approx([differences[0]] * len(differences))


def test_static_choices_forget_what_was_bought() -> None:
    choice = draw_models(2, 1, "static")[0][0]
    assert {choice.pick(current, 0.3) for current in (None, 0, 7)} == {choice.pick(None, 0.3)}
    random = Random(1)
    drawn = Counter(choice.pick(None, random.random()) for _ in range(20_000))
    assert isinstance(choice, IndependentChoice)
    for place, probability in enumerate(choice.probabilities):
        assert drawn[place] / 20_000 == pytest.approx(probability, abs=0.015)


def test_static_distributions_can_be_exchanged() -> None:
    even = PurchasingConstants(static_value_weight=ClampedBimodal(0.5, 0.5, sd=0.0))
    (model,) = draw_models(2, 1, "static", even)
    for category, choice in zip(CATEGORIES, model, strict=True):
        assert isinstance(choice, IndependentChoice)
        assert choice.probabilities == pytest.approx([1 / len(category.products)] * len(category.products))


def test_clamped_normals_have_mass_at_their_bounds() -> None:
    random, distribution = Random(1), ClampedNormal(10, 4, 1, 20)
    values = [distribution.draw(random) for _ in range(20_000)]
    assert (min(values), max(values)) == (1, 20)
    # The normal's tails beyond 2.25 standard deviations below and 2.5 above.
    assert values.count(1) / 20_000 == pytest.approx(0.0122, abs=0.003)
    assert values.count(20) / 20_000 == pytest.approx(0.0062, abs=0.002)


def test_bimodal_draws_pick_either_mode_and_exponential_ones_have_the_mean() -> None:
    random, two, tail = Random(1), ClampedBimodal(0.15, 0.85), Exponential(2.0)
    values = [two.draw(random) for _ in range(10_000)]
    assert sum(value < 0.5 for value in values) / 10_000 == pytest.approx(0.5, abs=0.02)
    assert (min(values), max(values)) == (0.05, 0.95)
    assert sum(tail.draw(random) for _ in range(10_000)) / 10_000 == pytest.approx(0.5, abs=0.02)
