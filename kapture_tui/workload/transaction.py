"""Reading a transaction's value: the little that ETL and sinks need of it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from kapture_tui.workload.fastjson import loads

NOT_KEPT: Mapping[str, Any] = MappingProxyType({})
"""In place of a document that nobody needs."""


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
        document: the whole transaction as it was published; not to be changed. `NOT_KEPT` for a sink without documents.
        store: the name of the store it was bought in; "" where the transaction does not say.
    """

    intended_us: int
    customer: int
    number: int
    day: float
    products: tuple[str, ...]
    cents: int
    loader: int = 0
    sequence: int = 0
    document: Mapping[str, Any] = NOT_KEPT
    store: str = ""


MAX_DAY = 1e9
MAX_CENTS = 10**9
"""Beyond these nobody's order is one of ours, and sums of them would not fit the 64 bits of a database."""

MAX_INTEGER = 2**63 - 1
"""Of ids: what a database's whole numbers end at."""

NAMES_ONLY = "(names only)", 0
"""Name and cents of a product of the names-only record form."""

_products: dict[tuple[Any, ...], tuple[str, int]] = {}
_PRODUCTS_KEPT = 10_000


def parse(
    value: bytes | None, intended_us: int, loader: int = 0, sequence: int = 0, keep: bool = True
) -> Order:
    """The order in a record's value; intended time, loader and sequence are from its header.

    Args:
        keep: the document, too; made to be looked at and dropped it costs half as much.

    Raises: ValueError: also for a field that is missing or of the wrong kind.
    """
    if value is None:
        raise ValueError("the record has no value")
    try:
        document = loads(value)
        names = []
        cents = 0
        for product in document["products"]:
            known = NAMES_ONLY if product.get("fieldNames") else _products.get(tuple(product.values()))
            name, price = known or describe(product)
            names.append(name)
            cents += price
        customer, number, day = document["customer"]["id"], document["id"], document["dateTime"]
        if not (
            type(customer) is type(number) is int
            and -MAX_INTEGER <= customer <= MAX_INTEGER
            and -MAX_INTEGER <= number <= MAX_INTEGER
            and -MAX_DAY < day < MAX_DAY
        ):
            raise ValueError(f"customer {customer!r}, id {number!r}, dateTime {day!r}")
        kept, store = document if keep else NOT_KEPT, store_of(document)
        return Order(intended_us, customer, number, day, tuple(names), cents, loader, sequence, kept, store)
    except (KeyError, TypeError, AttributeError, OverflowError) as exc:
        raise ValueError(f"not a transaction: {exc!r}") from exc


def store_of(document: Mapping[str, Any]) -> str:
    """The name of its store; "" where it does not say."""
    store = document.get("store")
    name = store.get("name") if isinstance(store, Mapping) else None
    # Outsiders may write to the topics, and half a surrogate pair is a text to JSON, but to no database.
    return name.encode(errors="replace").decode() if isinstance(name, str) else ""


def describe(product: Mapping[str, Any]) -> tuple[str, int]:
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
