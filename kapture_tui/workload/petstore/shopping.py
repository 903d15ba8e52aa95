"""When a customer shops and what goes into the basket."""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, expm1, log, log1p
from random import Random
from typing import NamedTuple

from kapture_tui.workload.petstore.distributions import ClampedNormal, Distribution
from kapture_tui.workload.petstore.products import CATEGORIES, FIRST_PRODUCT, PRODUCTS, Species
from kapture_tui.workload.petstore.purchasing import Model
from kapture_tui.workload.petstore.usage import Stock, UsagePaths

PETS = range(1, 11)
"""A customer has one of these numbers of pets, all equally likely."""

VISIT_LEAD: Distribution = ClampedNormal(10, 4, 1, 20)
"""Mean lead time (days) before a stock is exhausted that makes a customer go shopping."""

PURCHASE_LEAD: Distribution = ClampedNormal(5, 2, 1, 10)
"""Mean lead time (days) by which a customer in the store weighs what is running out. The 2016 generator names the
two the other way round but hands them over swapped; its output, which this model matches, has them like this."""

STOP_WEIGHT = 0.01
"""Weight of leaving the store, from the second pick on."""


class Habits(NamedTuple):
    """What is hidden in a customer and never written.

    Attributes:
        pets: how many of each species.
        visit_lead, purchase_lead: mean lead times in days, see `VISIT_LEAD` and `PURCHASE_LEAD`.
        model: number of the purchasing model.
    """

    pets: dict[Species, int]
    visit_lead: float
    purchase_lead: float
    model: int


def draw_habits(random: Random, models: int) -> Habits:
    """Habits of a customer; each pet is a dog or a cat with equal chances."""
    pets = random.choice(PETS)
    dogs = sum(random.random() < 0.5 for _ in range(pets))
    return Habits(
        {Species.DOG: dogs, Species.CAT: pets - dogs},
        VISIT_LEAD.draw(random),
        PURCHASE_LEAD.draw(random),
        random.randrange(models),
    )


SIZES = [product.size for product in PRODUCTS]

Basket = tuple[int, ...]
"""Numbers of products, in the order they were picked; at least one."""


class Shopper:
    """The endless sequence of one customer's visits.

    Attributes:
        next_time: of the visit to come, in days.
    """

    __slots__ = ("_choices", "_purchase_lead", "_random", "_stocks", "_visit_lead", "next_time")

    def __init__(self, random: Random, models: Sequence[Model], paths: UsagePaths) -> None:
        habits = draw_habits(random, len(models))
        model = models[habits.model]
        owned = [place for place, category in enumerate(CATEGORIES) if habits.pets[category.species]]
        self._random = random
        self._visit_lead = habits.visit_lead
        self._purchase_lead = habits.purchase_lead
        self._stocks = [Stock(paths.get(place, habits.pets[CATEGORIES[place].species])) for place in owned]
        self._choices = [(model[place], FIRST_PRODUCT[place]) for place in owned]
        self.next_time = 0.0

    def visit(self) -> Basket:
        """Make the next visit, at `next_time`, and decide when the one after it will be."""
        basket = self._fill_basket(self.next_time)
        self.next_time = self._following(self.next_time)
        return basket

    def _following(self, time: float) -> float:
        """When the visit after one at `time` happens.

        Each stock proposes a time, an exponential lead before it is exhausted, and the earliest is taken; all are
        drawn again until none lies before `time`. Leads cut off at what is left of the stock have the same
        distribution and need no second try. At time 0 there is no rejection, only a bound at 0.
        """
        random, lead = self._random.random, self._visit_lead
        ends = [stock.exhausted for stock in self._stocks]
        if time == 0.0:
            return max(0.0, min([end + lead * log(1.0 - random()) for end in ends]))
        return max(time, min([end + lead * log1p(random() * expm1((time - end) / lead)) for end in ends]))

    def _fill_basket(self, time: float) -> Basket:
        """Pick categories by urgency, exp(-days left / lead) / lead, until the customer stops."""
        random, lead, stocks = self._random.random, self._purchase_lead, self._stocks
        urgency = [exp(min(0.0, time - stock.exhausted) / lead) / lead for stock in stocks]
        basket: list[int] = []
        total = sum(urgency)
        while (chosen := _pick(urgency, random() * total)) is not None or not basket:
            place = len(urgency) - 1 if chosen is None else chosen
            basket.append(self._buy(place, time))
            urgency[place] = exp((time - stocks[place].exhausted) / lead) / lead
            total = sum(urgency) + STOP_WEIGHT
        return tuple(basket)

    def _buy(self, place: int, time: float) -> int:
        """Take a product of one of the customer's categories; returns its number."""
        random, stock = self._random.random, self._stocks[place]
        choice, first = self._choices[place]
        stock.product = choice.pick(stock.product, random())
        number = first + stock.product
        stock.add(SIZES[number], time, random)
        return number


def _pick(weights: Sequence[float], point: float) -> int | None:
    """Which weight the point falls on when they are laid end to end; None: beyond all of them."""
    for place, weight in enumerate(weights):
        point -= weight
        if point < 0.0:
            return place
    return None
