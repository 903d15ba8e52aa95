"""Reading a transaction's value: the little that ETL and sinks need of it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from kapture_tui.workload.fastjson import loads


class Order(NamedTuple):
    """One transaction, as far as anybody downstream looks at it.

    Attributes:
        intended_us: the intended send time from the header, microseconds since the epoch.
        customer: unique over all loaders.
        number: the customer's transactions count 0, 1, 2, …
        day: simulated time, days.
        products: a readable name for each item, in the order they were picked.
        cents: price of all items, in cents; 0 for the names-only record form, which carries no price.
        loader, sequence: from the header; with the partition they name the transaction, however often it is read.
        document: the whole transaction as it was published; not to be changed.
    """

    intended_us: int
    customer: int
    number: int
    day: float
    products: tuple[str, ...]
    cents: int
    loader: int = 0
    sequence: int = 0
    document: Mapping[str, Any] = MappingProxyType({})


MAX_DAY = 1e9
MAX_CENTS = 10**9
"""Beyond these nobody's order is one of ours, and sums of them would not fit the 64 bits of a database."""

_NAMES_ONLY = "(names only)", 0

_products: dict[tuple[Any, ...], tuple[str, int]] = {}
_PRODUCTS_KEPT = 10_000


def parse(value: bytes | None, intended_us: int, loader: int = 0, sequence: int = 0) -> Order:
    """The order in a record's value; the other arguments are from its header.

    Raises: ValueError: also for a field that is missing or of the wrong kind.
    """
    if value is None:
        raise ValueError("the record has no value")
    try:
        document = loads(value)
        names = []
        cents = 0
        for product in document["products"]:
            known = _NAMES_ONLY if product.get("fieldNames") else _products.get(tuple(product.values()))
            name, price = known or described(product)
            names.append(name)
            cents += price
        customer, number, day = document["customer"]["id"], document["id"], document["dateTime"]
        if not (type(customer) is type(number) is int and -MAX_DAY < day < MAX_DAY):
            raise ValueError(f"customer {customer!r}, id {number!r}, dateTime {day!r}")
        return Order(intended_us, customer, number, day, tuple(names), cents, loader, sequence, document)
    except (KeyError, TypeError, AttributeError, OverflowError) as exc:
        raise ValueError(f"not a transaction: {exc!r}") from exc


def described(product: dict[str, Any]) -> tuple[str, int]:
    """A product's name and its price in cents (size times price a unit, model specification section 7)."""
    kind = product.get("flavor") or product.get("color") or ""
    name = " ".join(
        filter(None, (str(product["brand"]), str(kind), str(product["category"]), f"{product['size']:g}"))
    )
    name.encode()  # raises ValueError for half a surrogate pair, which no database takes
    described = name, round(100 * product["size"] * product["per_unit_cost"])
    if not 0 <= described[1] <= MAX_CENTS:
        raise ValueError(f"a product of {described[1]} cents")
    if len(_products) < _PRODUCTS_KEPT:  # outsiders may write to the topics; 55 are ours
        _products[tuple(product.values())] = described
    return described
