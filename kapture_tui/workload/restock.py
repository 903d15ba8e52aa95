"""Restocks, the messages of `restock.XX`: what one store has sold since its last one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from kapture_tui.workload.fastjson import dumps, loads
from kapture_tui.workload.transaction import MAX_DAY, MAX_INTEGER, NOT_KEPT, Order


@dataclass(frozen=True, slots=True)
class Restock:
    """Orders of a store, rolled up.

    Attributes:
        state: whose topic it goes to: that of the orders.
        store: its id.
        orders: how many there were.
        cents: what they cost.
        day: simulated time of the latest one, days.
        products: name to how many were sold.
    """

    state: str
    store: int
    orders: int
    cents: int
    day: float
    products: Mapping[str, int] = field(default_factory=dict)


def encode(restock: Restock, number: int) -> bytes:
    """The value of a message; `number` is its sequence."""
    return dumps(
        {
            "id": number,
            "store": {"id": restock.store, "state": restock.state},
            "orders": restock.orders,
            "cents": restock.cents,
            "dateTime": restock.day,
            "products": [{"name": name, "quantity": sold} for name, sold in sorted(restock.products.items())],
        }
    )


def parse(
    value: bytes | None, intended_us: int, loader: int = 0, sequence: int = 0, keep: bool = True
) -> Order:
    """A restock as an order that its store places: one product a line, whatever the quantity.

    Raises: ValueError: also for a field that is missing or of the wrong kind.
    """
    if value is None:
        raise ValueError("the record has no value")
    try:
        document: Mapping[str, Any] = loads(value)
        store, number, day, cents = (
            document["store"]["id"],
            document["id"],
            document["dateTime"],
            document["cents"],
        )
        products = tuple(str(product["name"]) for product in document["products"])
    except (KeyError, TypeError, AttributeError) as exc:
        raise ValueError(f"not a restock: {exc!r}") from exc
    whole = type(store) is type(number) is type(cents) is int
    if not (whole and abs(store) <= MAX_INTEGER and abs(number) <= MAX_INTEGER and 0 <= cents <= MAX_INTEGER):
        raise ValueError(f"store {store!r}, id {number!r}, cents {cents!r}")
    if not (type(day) in (int, float) and -MAX_DAY < day < MAX_DAY):
        raise ValueError(f"dateTime {day!r}")
    return Order(
        intended_us, store, number, day, products, cents, loader, sequence, document if keep else NOT_KEPT
    )
