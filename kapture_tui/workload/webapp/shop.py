"""What the shop sells, where, and to whom; and the transaction an order becomes. No input or output.

Stores and products are those of the loaders, customers are the shop's own: they are drawn from the identity of the
process, as a loader's are, out of a block of ids that nobody else uses.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kapture_tui.model.errors import KaptureError
from kapture_tui.model.spec import MAX_CUSTOMERS, LoadSpec
from kapture_tui.model.states import STATES
from kapture_tui.workload.petstore.customers import Customer, CustomerFactory, Homes
from kapture_tui.workload.petstore.products import PRODUCTS
from kapture_tui.workload.petstore.records import MESSAGE, BasketSerializer, people_json
from kapture_tui.workload.petstore.stores import Store, draw_stores
from kapture_tui.workload.petstore.tables import zip_table
from kapture_tui.workload.transaction import describe

CUSTOMERS = MAX_CUSTOMERS // len(STATES)
"""Customers the shop has in each state: 20,560."""

MAX_ITEMS = 20
"""Items of an order."""


class NotOrdered(KaptureError):
    """The order cannot be meant: an unknown product, a state without a store."""


@dataclass(frozen=True, slots=True)
class Article:
    """A product as the shop shows it.

    Attributes:
        number: its place in the catalogue, from 0.
        name: as databases and screens know it.
        cents: price of a package.
        fields: what else there is to say, name to value.
    """

    number: int
    name: str
    cents: int
    fields: Mapping[str, str | float]


def _article(number: int) -> Article:
    fields = dict(PRODUCTS[number].fields)
    return Article(number, *describe(fields), fields)


ARTICLES = tuple(_article(number) for number in range(len(PRODUCTS)))

BY_NAME: Mapping[str, Article] = {article.name: article for article in ARTICLES}


@dataclass(frozen=True, slots=True)
class Order:
    """What a visitor wants.

    Attributes:
        state: of the store.
        customer: 0 up to `CUSTOMERS`; who that is depends on the state.
        products: numbers of the articles, one for each package.
    """

    state: str
    customer: int
    products: tuple[int, ...]

    @property
    def cents(self) -> int:
        """What all of it costs."""
        return sum(ARTICLES[number].cents for number in self.products)


def stores_by_state(load: LoadSpec) -> dict[str, tuple[Store, ...]]:
    """The stores of a run, for every state that has one."""
    found: dict[str, list[Store]] = defaultdict(list)
    for store in draw_stores(load.seed, load.stores, zip_table()):
        found[store.location.state].append(store)
    return {state: tuple(found[state]) for state in STATES if state in found}


class Shop:
    """One process' shop.

    Args:
        load: the run's stores, seed and form of records.
        who: what the customers are drawn from; see `kapture_tui.workload.loader.identity`.
        base: the first of their `MAX_CUSTOMERS` ids.
    """

    def __init__(self, load: LoadSpec, who: str, base: int) -> None:
        self.stores = stores_by_state(load)
        self._seed, self._who, self._base = load.seed, who, base
        self._serialize = BasketSerializer(load.compat)
        self._homes = Homes(zip_table())
        self._factories: dict[str, CustomerFactory] = {}
        self._numbers: dict[int, int] = defaultdict(int)

    def order(self, wanted: Mapping[str, Any]) -> Order:
        """The order in a form or a JSON object: state, customer, products. Raises NotOrdered."""
        state, products = wanted.get("state"), wanted.get("products")
        if not isinstance(state, str) or state not in self.stores:
            raise NotOrdered(
                "placing an order", f"there is no store in {state!r}", "choose a state of the list"
            )
        if not isinstance(products, list) or not 0 < len(products) <= MAX_ITEMS:
            raise NotOrdered("placing an order", f"products must be a list of 1 to {MAX_ITEMS}")
        numbers = tuple(_number("product", product, len(ARTICLES)) for product in products)
        return Order(state, _number("customer", wanted.get("customer"), CUSTOMERS), numbers)

    def customer(self, state: str, number: int) -> Customer:
        """A customer of a store in that state; the same whenever it is asked for."""
        if state not in self._factories:
            stores = self.stores[state]
            self._factories[state] = CustomerFactory(self._seed, self._who, stores, zip_table(), self._homes)
        return self._factories[state].draw(self._base + STATES.index(state) * CUSTOMERS + number)

    def transaction(self, order: Order, customer: Customer, day: float) -> tuple[int, bytes]:
        """(the order's number among those of this customer, the transaction as JSON).

        Args: day: days since the shop was opened.
        """
        number = self._numbers[customer.id]
        self._numbers[customer.id] = number + 1
        return number, MESSAGE % (number, people_json(customer), day, self._serialize(order.products))


def _number(what: str, value: object, end: int) -> int:
    """A whole number from 0 up to `end`, also as text. Raises NotOrdered."""
    text = str(value) if type(value) in (int, str) else ""
    if not (text.isascii() and text.isdecimal() and len(text) < 10 and int(text) < end):
        raise NotOrdered("placing an order", f"{what} {value!r} is none of 0 to {end - 1}")
    return int(text)


def price(cents: int) -> str:
    """An amount of money: "$30.00"."""
    return f"${cents / 100:,.2f}"
