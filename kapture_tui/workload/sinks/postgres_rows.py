"""From transactions to rows: orders and items as COPY's binary format has them, the rest as plain values.

Binary, because every field has a fixed size there: a row is one call of a Struct, and the server parses no numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from struct import Struct
from typing import Any

from kapture_tui.workload.sinks.postgres_schema import PLACE_BITS
from kapture_tui.workload.transaction import MAX_INTEGER, NAMES_ONLY, Order, describe

HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
TRAILER = b"\xff\xff"
"""What a COPY in binary format begins and ends with (PostgreSQL's documentation of COPY, "Binary Format")."""

# The number of fields, then of each field its length and itself; a length of -1 is NULL.
_ORDER = Struct(">h iq iq iq iq id iq iq").pack
_ORDER_WITHOUT_STORE = Struct(">h iq iq iq i id iq iq").pack
_ITEM = Struct(">h iq ii ii").pack

_EPOCH_US = 946_684_800_000_000
"""Postgres counts microseconds from the year 2000."""

KNOWN = 1_000_000
"""Customers and stores that are remembered as written: some 100 MB at most."""

ProductKey = tuple[Any, ...]
_NAMES_ONLY_KEY: ProductKey = ()


@dataclass(slots=True)
class Known:
    """What this process knows to be in the tables already.

    Attributes:
        products: by their fields, the product's id.
    """

    customers: set[int] = field(default_factory=set)
    stores: set[int] = field(default_factory=set)
    products: dict[ProductKey, int] = field(default_factory=dict)

    def clear(self) -> None:
        """Forget it: the tables may be others."""
        for memory in (self.customers, self.stores, self.products):
            memory.clear()


@dataclass(slots=True)
class Rows:
    """Rows of orders and their items.

    Attributes:
        new_customers, new_stores: id to what the transaction says of them, of those not known to be written.
        new_products: the same by the product's fields; their items are not in `items`.
        counts: orders and items of each batch.
    """

    orders: bytearray = field(default_factory=bytearray)
    items: bytearray = field(default_factory=bytearray)
    new_customers: dict[int, Mapping[str, Any]] = field(default_factory=dict)
    new_stores: dict[int, Mapping[str, Any]] = field(default_factory=dict)
    new_products: dict[ProductKey, Mapping[str, Any]] = field(default_factory=dict)
    counts: list[tuple[int, int]] = field(default_factory=list)

    @property
    def is_complete(self) -> bool:
        """Whether everything that is referred to is known to be there."""
        return not (self.new_customers or self.new_stores or self.new_products)


def first_id(partition_id: int, offset: int) -> int:
    """The id of the order at an offset of a partition, and the least one of those behind it."""
    return partition_id << PLACE_BITS | offset


def rows_of(batches: Iterable[tuple[int, Sequence[Order]]], known: Known) -> Rows:
    """The rows of some batches, each with the id of its first order; ids count on from there."""
    rows = Rows()
    for first, orders in batches:
        _add(rows, first, orders, known)
    return rows


def _add(rows: Rows, first: int, orders: Sequence[Order], known: Known) -> None:
    pack_order, pack_item = _ORDER, _ITEM
    customers, stores, products = known.customers, known.stores, known.products
    items = 0
    for number, order in enumerate(orders, first):
        document = order.document
        customer = order.customer
        if customer not in customers:
            rows.new_customers[customer] = document["customer"]
        store = _whole(_mapping(document.get("store")).get("id"))
        intended = order.intended_us - _EPOCH_US
        if store is None:
            rows.orders += _ORDER_WITHOUT_STORE(
                7, 8, number, 8, customer, 8, order.number, -1, 8, order.day, 8, intended, 8, order.cents
            )
        else:
            if store not in stores:
                rows.new_stores[store] = document["store"]
            rows.orders += pack_order(
                7,
                8,
                number,
                8,
                customer,
                8,
                order.number,
                8,
                store,
                8,
                order.day,
                8,
                intended,
                8,
                order.cents,
            )
        line = 0
        for product in document["products"]:
            key = _NAMES_ONLY_KEY if product.get("fieldNames") else tuple(product.items())
            known_id = products.get(key)
            if known_id is None:
                rows.new_products[key] = product
            else:
                rows.items += pack_item(3, 8, number, 4, line, 4, known_id)
            line += 1
        items += line
    rows.counts.append((len(orders), items))


# --- what orders refer to -----------------------------------------------------------------------------------------


def customer_row(number: int, said: Mapping[str, Any]) -> tuple[Any, ...]:
    """Columns of `customers`."""
    name = _mapping(said.get("name"))
    return number, _text(name.get("first")), _text(name.get("second")), *_place(said)


def store_row(number: int, said: Mapping[str, Any]) -> tuple[Any, ...]:
    """Columns of `stores`."""
    return number, _text(said.get("name")), *_place(said)


def product_row(said: Mapping[str, Any]) -> tuple[Any, ...]:
    """Columns of `products` after the id; the first two tell products apart."""
    if said.get("fieldNames"):
        return (*NAMES_ONLY, None, None, None, None, None, None)
    name, cents = describe(said)
    texts = (_text(said.get(column)) for column in ("category", "brand", "flavor", "color"))
    return (_text(name), cents, *texts, _real(said.get("size")), _real(said.get("per_unit_cost")))


def _place(said: Mapping[str, Any]) -> tuple[Any, ...]:
    location = _mapping(said.get("location"))
    coordinates = _mapping(location.get("coordinates"))
    return (
        *(_text(location.get(column)) for column in ("zipcode", "city", "state")),
        _real(coordinates.get("first")),
        _real(coordinates.get("second")),
        _real(location.get("medianHouseholdIncome")),
        _whole(location.get("population")),
    )


# Outsiders may write to the topics: what does not fit a column is left out there.


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str | None:
    """Without what Postgres takes in no text: NUL, and half a surrogate pair."""
    return None if value is None else str(value).replace("\0", "").encode(errors="replace").decode()


def _whole(value: Any) -> int | None:
    return value if type(value) is int and -MAX_INTEGER <= value <= MAX_INTEGER else None


def _real(value: Any) -> float | None:
    try:
        return float(value) if type(value) in (int, float) else None
    except OverflowError:
        return None
