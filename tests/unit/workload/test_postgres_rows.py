"""Rows in COPY's binary format, taken apart again as PostgreSQL documents it; rates from its counters."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator, Sequence
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from kapture_tui.workload.petstore.products import PRODUCTS
from kapture_tui.workload.sinks.postgres_rows import Known, first_id, product_row, rows_of
from kapture_tui.workload.sinks.postgres_statistics import Counters, PostgresRates
from kapture_tui.workload.transaction import Order, parse

SECONDS_TO_2000 = 946_684_800


def fields(rows: bytes) -> Iterator[list[bytes | None]]:
    """Tuples of a COPY without header and trailer: a 16-bit number of fields, of each a 32-bit length and itself."""
    at = 0
    while at < len(rows):
        (count,) = struct.unpack_from(">h", rows, at)
        at += 2
        found: list[bytes | None] = []
        for _ in range(count):
            (length,) = struct.unpack_from(">i", rows, at)
            at += 4
            found.append(None if length == -1 else rows[at : at + length])
            at += max(0, length)
        yield found


def numbers(row: Sequence[bytes | None]) -> list[int | None]:
    return [None if field is None else int.from_bytes(field, "big", signed=True) for field in row]


def order(number: int, customer: int, store: int | None, basket: Sequence[int], intended_us: int) -> Order:
    document: dict[str, Any] = {
        "id": number,
        "customer": {"id": customer},
        "dateTime": 1.5,
        "products": [dict(PRODUCTS[index].fields) for index in basket],
    }
    if store is not None:
        document["store"] = {"id": store}
    return parse(json.dumps(document).encode(), intended_us)


orders = st.lists(
    st.builds(
        order,
        st.integers(0, 1 << 50),
        st.integers(-5, 5),
        st.none() | st.integers(0, 3),
        st.lists(st.integers(0, len(PRODUCTS) - 1), max_size=3),
        st.integers(0, (1 << 62) - 1),
    ),
    max_size=8,
)


def knows(found: Sequence[Order]) -> Known:
    """Everything that they refer to, as a sink that has written it."""
    new = rows_of([(0, found)], Known())
    ids = {key: number for number, key in enumerate(new.new_products, 100)}
    return Known(set(new.new_customers), set(new.new_stores), ids)


@given(orders, st.integers(1, 32767), st.integers(0, 1 << 39))
def test_rows_say_what_the_orders_say(found: list[Order], partition: int, offset: int) -> None:
    known = knows(found)
    first = first_id(partition, offset)
    rows = rows_of([(first, found)], known)
    assert rows.is_complete
    assert rows.counts == [(len(found), sum(len(each.products) for each in found))]
    for number, (row, each) in enumerate(zip(fields(bytes(rows.orders)), found, strict=True), first):
        store = each.document.get("store", {}).get("id")
        day = struct.unpack(">d", row[4] or b"")[0]
        assert numbers(row[:4]) == [number, each.customer, each.number, store]
        assert day == each.day
        assert numbers(row[5:]) == [each.intended_us - SECONDS_TO_2000 * 10**6, each.cents]
    bought = [
        (number, line, known.products[tuple(product.items())])
        for number, each in enumerate(found, first)
        for line, product in enumerate(each.document["products"])
    ]
    assert [tuple(numbers(row)) for row in fields(bytes(rows.items))] == bought


@given(orders)
def test_what_is_not_known_to_be_written_is_told(found: list[Order]) -> None:
    rows = rows_of([(0, found)], Known())
    assert set(rows.new_customers) == {each.customer for each in found}
    assert set(rows.new_stores) == {
        each.document["store"]["id"] for each in found if "store" in each.document
    }
    assert sorted(product_row(said)[:2] for said in rows.new_products.values()) == sorted(
        {(name, price) for each in found for name, price in zip(each.products, prices(each), strict=True)}
    )
    assert rows.is_complete is not bool(found)


def prices(order: Order) -> list[int]:
    return [round(100 * p["size"] * p["per_unit_cost"]) for p in order.document["products"]]


@given(st.integers(1, 32766), st.integers(0, (1 << 40) - 1))
def test_ids_of_a_partition_lie_between_those_of_its_neighbours(partition: int, place: int) -> None:
    assert first_id(partition, 0) <= first_id(partition, place) < first_id(partition + 1, 0) < 1 << 63


def counters(since: str = "a", **counted: int) -> Counters:
    return Counters(since, *(counted.get(name, 0) for name in ("commits", "inserted", "hits", "reads")))


def test_rates_are_differences() -> None:
    rates = PostgresRates()
    assert rates.figures(0.0, counters(commits=100)) == {
        "commits_per_s": None,
        "inserted_per_s": None,
        "cache_hit_ratio": None,
    }
    assert rates.figures(2.0, counters(commits=110, inserted=50, hits=30, reads=10)) == {
        "commits_per_s": 5.0,
        "inserted_per_s": 25.0,
        "cache_hit_ratio": 0.75,
    }
    quiet = rates.figures(3.0, counters(commits=110, inserted=50, hits=30, reads=10))
    assert quiet["cache_hit_ratio"] == 0.75, "that of the last blocks that were asked for"


def test_a_restarted_server_begins_anew() -> None:
    rates = PostgresRates()
    rates.figures(0.0, counters(commits=100, hits=5))
    rates.figures(1.0, counters(commits=200, hits=9))
    after = rates.figures(2.0, counters("b", commits=300))
    assert set(after.values()) == {None}
    assert rates.figures(3.0, counters("b", commits=310))["commits_per_s"] == 10
