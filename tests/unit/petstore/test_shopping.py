from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kapture_tui.workload.petstore.products import CATEGORIES, PRODUCTS, Species
from kapture_tui.workload.petstore.purchasing import draw_models
from kapture_tui.workload.petstore.shopping import Shopper, draw_habits
from kapture_tui.workload.petstore.streams import derive
from kapture_tui.workload.petstore.usage import UsagePaths

PATHS = UsagePaths(1)
MODELS = draw_models(1, 3, "dynamic")


def shopper(seed: int) -> Shopper:
    return Shopper(Random(seed), MODELS, PATHS)


def test_habits_have_the_distributions_of_the_model() -> None:
    habits = [draw_habits(derive(1, "test", number), 4) for number in range(8000)]
    pets = Counter(sum(each.pets.values()) for each in habits)
    assert set(pets) == set(range(1, 11))
    assert all(count / 8000 == pytest.approx(0.1, abs=0.015) for count in pets.values())
    both = sum(all(each.pets.values()) for each in habits) / 8000
    assert both == pytest.approx(0.8, abs=0.02)
    assert sum(each.visit_lead for each in habits) / 8000 == pytest.approx(10.0, abs=0.2)
    assert sum(each.purchase_lead for each in habits) / 8000 == pytest.approx(5.0, abs=0.1)
    assert all(1 <= each.visit_lead <= 20 and 1 <= each.purchase_lead <= 10 for each in habits)
    assert set(Counter(each.model for each in habits)) == {0, 1, 2, 3}


@given(st.integers(0, 10_000))
def test_visits_do_not_go_back_in_time_and_buy_something(seed: int) -> None:
    customer, time = shopper(seed), 0.0
    assert customer.next_time == 0.0
    for _ in range(30):
        assert customer.next_time >= time
        time = customer.next_time
        assert customer.visit()


@given(st.integers(0, 10_000))
def test_before_time_moves_on_everything_the_pets_need_is_there_and_nothing_else(seed: int) -> None:
    habits = draw_habits(Random(seed), len(MODELS))
    needed = {category.name for category in CATEGORIES if habits.pets[category.species]}
    customer, bought = shopper(seed), set()
    while customer.next_time == 0.0:
        bought |= {PRODUCTS[number].value("category") for number in customer.visit()}
    assert bought == needed


def test_a_customer_never_runs_out_between_visits() -> None:
    """A visit comes before the first stock is exhausted, so its time bounds all of them from below."""
    for seed in range(50):
        customer = shopper(seed)
        for _ in range(40):
            assert (
                customer.next_time <= min(stock.exhausted for stock in customer._stocks)
                or not customer.next_time
            )
            customer.visit()


def test_cut_off_leads_have_the_distribution_of_drawing_again() -> None:
    """The proposals of the definition, rejected while they lie in the past, against the one draw used instead."""
    customer = shopper(next(s for s in range(99) if all(draw_habits(Random(s), 3).pets.values())))
    while customer.next_time < 100.0:
        time = customer.next_time
        customer.visit()
    ends, lead, random = [stock.exhausted for stock in customer._stocks], customer._visit_lead, Random(7)

    def by_rejection() -> float:
        while (proposal := min(max(0.0, end - random.expovariate(1 / lead)) for end in ends)) < time:
            pass
        return proposal

    expected = sorted(by_rejection() for _ in range(4000))
    found = sorted(customer._following(time) for _ in range(4000))
    gap = max(abs(bisect_right(expected, x) - bisect_right(found, x)) / 4000 for x in expected + found)
    assert gap < 1.95 * (2 / 4000) ** 0.5  # Kolmogorov and Smirnov at 0.1 %


def test_categories_are_picked_by_urgency_until_the_customer_stops() -> None:
    """One look at a basket's first pick and at how often a second follows, against the weights."""
    seed = next(s for s in range(99) if draw_habits(Random(s), 3).pets[Species.CAT] == 0)
    firsts: Counter[str] = Counter()
    for number in range(3000):
        customer = shopper(seed)
        customer._random = Random(number)
        customer._stocks[0].exhausted, customer._stocks[1].exhausted = 3.0, 0.0
        firsts[str(PRODUCTS[customer._fill_basket(0.0)[0]].value("category"))] += 1
    lead = shopper(seed)._purchase_lead
    share = 1 / (1 + 2.718281828 ** (-3.0 / lead))
    assert firsts["poop bags"] / 3000 == pytest.approx(share, abs=0.03)
