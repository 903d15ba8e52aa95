"""What a batch becomes as arguments of the Redis script: the sums of its orders, one entry a customer and product."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from kapture_tui.model.ledger import GroupHalf
from kapture_tui.workload.ledger_json import decode_group
from kapture_tui.workload.sinks.base import Batch
from kapture_tui.workload.sinks.redis import RECENT, arguments
from kapture_tui.workload.sinks.urls import without_password
from kapture_tui.workload.transaction import NOT_KEPT, Order

orders = st.lists(
    st.builds(
        Order,
        intended_us=st.integers(0, 1 << 51),
        customer=st.integers(0, 5),
        number=st.integers(0, 1 << 50),
        day=st.floats(0, 1e5),
        products=st.lists(st.sampled_from(["a", "b b", "ç"]), max_size=3).map(tuple),
        cents=st.integers(0, 10**6),
        document=st.just(NOT_KEPT),
        store=st.sampled_from(["", "Store_0", "Store_1", "Store_2"]),
    ),
    max_size=24,
)


@dataclass
class Parsed:
    """The arguments, by the layout that the script documents."""

    head: list[Any]
    customers: list[tuple[int, int, int]]
    products: list[tuple[int, str]]
    stores: list[tuple[int, str]]
    recent: list[bytes]


def parsed(argv: list[Any]) -> Parsed:
    numbers = iter(map(int, argv[8].split()))
    customers = list(zip(numbers, numbers, numbers, strict=True))
    rest = iter(argv[11:])
    products, stores = ([(next(rest), next(rest)) for _ in range(number)] for number in argv[9:11])
    return Parsed(argv[:8], customers, products, stores, list(rest))


def batch(found: list[Order]) -> Batch:
    half = GroupHalf("etl-redis", "transactions.MA/3", "etl-redis-0", 100 + len(found), 1.0)
    return Batch(("transactions.MA", 3), 100, half, found)


@settings(max_examples=50)
@given(orders)
def test_sums(found: list[Order]) -> None:
    of = parsed(arguments(batch(found)))
    items = sum(len(o.products) for o in found)
    key, start, stop, half, *sums = of.head
    assert (key, start, stop) == ("transactions.MA/3", 100, 100 + len(found))
    assert decode_group(half) == batch(found).half
    assert sums == ["MA", len(found), items, sum(o.cents for o in found)]


@settings(max_examples=50)
@given(orders)
def test_customers_products_and_stores_have_one_entry_each(found: list[Order]) -> None:
    of = parsed(arguments(batch(found)))
    spend: Counter[int] = Counter()
    for order in found:
        spend[order.customer] += order.cents
    bought = Counter(o.customer for o in found)
    assert sorted(of.customers) == sorted((who, bought[who], spend[who]) for who in bought)
    sold = Counter(name for o in found for name in o.products)
    assert sorted(of.products) == sorted((count, name) for name, count in sold.items())
    visited = Counter(o.store for o in found if o.store)
    assert sorted(of.stores) == sorted((count, name) for name, count in visited.items())


@settings(max_examples=50)
@given(orders)
def test_the_latest_orders_come_oldest_first(found: list[Order]) -> None:
    recent = [json.loads(text) for text in parsed(arguments(batch(found))).recent]
    assert [(o["customer"], o["id"], o["cents"], o["products"], o["store"]) for o in recent] == [
        (o.customer, o.number, o.cents, list(o.products), o.store) for o in found[-RECENT:]
    ]


def test_no_password_is_shown() -> None:
    assert without_password("redis://user:secret@host:6379/1") == "redis://host:6379/1"
    assert without_password("redis://:se@cret@host:6379") == "redis://host:6379"
    assert without_password("redis://host:6379/0") == "redis://host:6379/0"
