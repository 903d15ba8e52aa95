"""Transactions as they are written are read; anything else is refused with ValueError and nothing else."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kapture_tui.workload.petstore.products import PRODUCTS
from kapture_tui.workload.petstore.records import MESSAGE, BasketSerializer
from kapture_tui.workload.rollups import roll_up
from kapture_tui.workload.transaction import NOT_KEPT, Order, parse, store_of

PEOPLE = b',"customer":{"id":42},"store":{"id":3},"dateTime":'

baskets = st.lists(st.integers(0, len(PRODUCTS) - 1), min_size=1, max_size=5).map(tuple)
scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
json_values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
)


def record(basket: tuple[int, ...], compat: bool = False, number: int = 7, day: float = 1.25) -> bytes:
    """A transaction as the loader writes it."""
    return MESSAGE % (number, PEOPLE, day, BasketSerializer(compat)(basket))


def is_refused(value: bytes | None) -> bool:
    """Whether a value is refused; if it is not, it can be rolled up."""
    try:
        order = parse(value, 1)
    except ValueError:
        return True
    roll_up([order])
    return False


@given(baskets, st.integers(0, 1 << 40), st.floats(0, 1e6))
def test_full_records(basket: tuple[int, ...], number: int, day: float) -> None:
    order = parse(record(basket, number=number, day=day), 99)
    fields = [dict(PRODUCTS[index].fields) for index in basket]
    assert order[:4] == Order(99, 42, number, day, (), 0)[:4]
    assert parse(record(basket, number=number, day=day), 99, keep=False) == order._replace(document=NOT_KEPT)
    assert order.cents == sum(round(100 * f["size"] * f["per_unit_cost"]) for f in fields)
    assert [str(f["brand"]) in name for f, name in zip(fields, order.products, strict=True)] == [True] * len(
        basket
    )


@given(baskets)
def test_names_only_records(basket: tuple[int, ...]) -> None:
    order = parse(record(basket, compat=True), 99, 5, 6)
    assert order == Order(99, 42, 7, 1.25, ("(names only)",) * len(basket), 0, 5, 6, order.document)
    assert order.document["store"] == {"id": 3}


def test_every_product_has_a_name_of_its_own() -> None:
    names = parse(record(tuple(range(len(PRODUCTS)))), 1).products
    assert len(set(names)) == len(PRODUCTS)


PRODUCT: dict[str, Any] = {"brand": "B", "category": "c", "size": 2.5, "per_unit_cost": 1.5}


def changed(**changes: Any) -> bytes:
    """A transaction with some fields replaced, or left out where the change is `...`."""
    document = {"id": 1, "customer": {"id": 2}, "store": {}, "dateTime": 1.5, "products": [PRODUCT]} | changes
    return json.dumps({name: value for name, value in document.items() if value is not ...}).encode()


def test_a_product_without_flavour_or_colour() -> None:
    assert parse(changed(), 1).products == ("B c 2.5",)
    assert parse(changed(), 1).cents == 375


@pytest.mark.parametrize(
    "value",
    [
        None,
        b"",
        b"{",
        b"null",
        b"[]",
        b"3",
        b"\xff\xfe",
        b"[" * 100_000,
        changed(id=...),
        changed(id="1"),
        changed(id=1.0),
        changed(id=True),
        changed(customer=...),
        changed(customer=2),
        changed(customer={}),
        changed(customer={"id": [2]}),
        changed(customer={"id": "2"}),
        changed(dateTime=...),
        changed(dateTime="1.5"),
        changed(dateTime=None),
        changed(dateTime=[1.5]),
        changed(dateTime=1e300),
        changed(dateTime=-1e300),
        changed(products=...),
        changed(products=3),
        changed(products="ab"),
        changed(products=["fieldNames"]),
        changed(products=[["fieldNames"]]),
        changed(products=[{}]),
        changed(products=[PRODUCT | {"size": "2"}]),
        changed(products=[PRODUCT | {"size": [2]}]),
        changed(products=[PRODUCT | {"size": 1e308, "per_unit_cost": 1e308}]),
        changed(products=[PRODUCT | {"size": 1e200}]),
        changed(products=[PRODUCT | {"size": -2}]),
        changed(products=[PRODUCT | {"brand": "\ud800"}]),
    ],
)
def test_what_is_no_transaction_is_refused(value: bytes | None) -> None:
    assert is_refused(value)


@given(st.binary(max_size=40))
def test_any_bytes(value: bytes) -> None:
    assert is_refused(value)


@given(st.sampled_from(["id", "customer", "dateTime", "products"]), json_values)
def test_any_value_in_any_field(name: str, value: Any) -> None:
    is_refused(changed(**{name: value}))


@given(
    st.sampled_from(["brand", "category", "flavor", "color", "size", "per_unit_cost", "fieldNames"]),
    json_values,
)
def test_any_value_in_any_field_of_a_product(name: str, value: Any) -> None:
    is_refused(changed(products=[PRODUCT | {name: value}]))


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ({"id": 7, "name": "Store_7"}, "Store_7"),
        ({"name": "half \ud83d a pair"}, "half ? a pair"),
        ({"name": 7}, ""),
        ({}, ""),
        ("Store_7", ""),
        (None, ""),
    ],
)
def test_a_store_is_what_a_transaction_says_of_it(said: object, name: str) -> None:
    assert store_of({"store": said}) == name
