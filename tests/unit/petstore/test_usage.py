from __future__ import annotations

from itertools import pairwise
from random import Random
from statistics import fmean, stdev

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kapture_tui.workload.petstore.usage import BLOCK, STARTS, Stock, UsagePath, UsagePaths

PATHS = UsagePaths(1)
DOG_FOOD, CAT_FOOD, LITTER, BAGS = range(4)


def simulate(stock: Stock, quantity: float, time: float) -> list[tuple[float, float]]:
    """The staircase a fresh purchase leads to, step by step, as (time, what is left)."""
    stock.add(quantity, time, Random(3).random)
    path, start = stock._path, int(Random(3).random() * STARTS)
    steps, left = [], quantity
    for place in range(start + 1, len(path.times)):
        left = max(0.0, quantity - (path.used[place] - path.used[start]))
        steps.append((time + path.times[place] - path.times[start], left))
        if left == 0.0:
            break
    return steps


def test_a_stock_is_exhausted_when_the_steps_have_used_it() -> None:
    stock = Stock(PATHS.get(DOG_FOOD, 2))
    steps = simulate(stock, 15.0, 100.0)
    assert stock.exhausted == pytest.approx(steps[-1][0])
    assert all(left > 0 for _, left in steps[:-1])


def test_the_amount_is_the_state_after_the_latest_step() -> None:
    stock = Stock(PATHS.get(DOG_FOOD, 2))
    steps = simulate(stock, 15.0, 100.0)
    assert stock.amount(100.0) == 15.0
    for (time, left), (later, _) in pairwise(steps):
        middle = (time + later) / 2
        assert stock.amount(middle) == pytest.approx(left)
    assert stock.amount(stock.exhausted) == 0.0
    assert stock.amount(stock.exhausted + 1000) == 0.0


@given(
    st.lists(st.tuples(st.floats(0, 400), st.sampled_from([7.0, 15.0, 28.0, 120.0])), min_size=1, max_size=8),
    st.integers(0, 3),
    st.integers(1, 10),
    st.integers(),
)
def test_a_purchase_adds_its_quantity_and_is_used_up_later(
    purchases: list[tuple[float, float]], category: int, pets: int, seed: int
) -> None:
    stock, random, time = Stock(PATHS.get(category, pets)), Random(seed), 0.0
    for days, quantity in purchases:
        time += days
        before = stock.amount(time)
        stock.add(quantity, time, random.random)
        assert stock.amount(time) == pytest.approx(before + quantity, rel=1e-9)
        assert stock.exhausted > time
        amounts = [stock.amount(time + (stock.exhausted - time) * part / 7) for part in range(8)]
        assert amounts == sorted(amounts, reverse=True)
        assert amounts[-1] == pytest.approx(0, abs=1e-6 * quantity) or stock.exhausted > time


@pytest.mark.parametrize(
    ("category", "per_day"),
    [
        (DOG_FOOD, {1: 0.318, 2: 0.566, 5: 1.305, 10: 2.539}),
        (CAT_FOOD, {1: 0.170, 2: 0.281, 5: 0.586, 10: 1.076}),
        (LITTER, {1: 0.140, 2: 0.243, 5: 0.539, 10: 1.031}),
        (BAGS, {1: 1.079, 2: 2.062, 5: 5.036, 10: 10.02}),
    ],
)
def test_pets_use_what_the_reference_says(category: int, per_day: dict[int, float]) -> None:
    for pets, expected in per_day.items():
        path = PATHS.get(category, pets)
        # Five standard errors of a mean over the path; the use of a step varies about as much as its mean.
        assert path.used[-1] / path.times[-1] == pytest.approx(expected, rel=5 * 1.4 / len(path.times) ** 0.5)


@pytest.mark.parametrize(
    ("dogs", "mean", "sd"), [(1, 47.9, 5.6), (2, 27.2, 3.6), (5, 12.1, 1.8), (10, 6.5, 1.1)]
)
def test_a_pack_of_dog_food_lasts_as_long_as_the_reference_says(dogs: int, mean: float, sd: float) -> None:
    random, days = Random(1), []
    for _ in range(4000):
        stock = Stock(PATHS.get(DOG_FOOD, dogs))
        stock.add(15.0, 0.0, random.random)
        days.append(stock.exhausted)
    assert fmean(days) == pytest.approx(mean, rel=0.04)
    assert stdev(days) == pytest.approx(sd, rel=0.12)


def test_a_path_grows_for_a_stock_that_outlasts_it_the_same_way_for_everybody() -> None:
    hasty, slow = (UsagePath(Random(5), 2.0, 0.25, 0.10) for _ in range(2))
    length = len(hasty.times)
    far = hasty.until_used(hasty.used[-1] + 2000.0)
    assert far > length > STARTS
    while len(slow.times) < len(hasty.times):
        slow.until_used(slow.used[-1] + 0.001)
    assert slow.times == hasty.times
    assert slow.used == hasty.used
    assert (len(hasty.times) - length) % BLOCK == 0
