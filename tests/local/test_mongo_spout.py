"""Mongo as the spout's source: what it takes, what it remembers, and what it takes again."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kapture_tui.model.intervals import IntervalSet
from kapture_tui.model.ledger import GroupHalf, Read
from kapture_tui.workload.petstore.products import PRODUCTS
from kapture_tui.workload.sinks import mongo_spout
from kapture_tui.workload.sinks.base import Batch, SinkUnavailable
from kapture_tui.workload.sinks.mongo import MongoSink
from kapture_tui.workload.sinks.mongo_spout import MongoSource, first, together
from kapture_tui.workload.spout import Books
from kapture_tui.workload.transaction import Order, describe
from tests.local.mongo_server import MongoServer, needs_mongo

MA, RI = ("transactions.MA", 0), ("transactions.RI", 2)
LOADER = "0000000000000abc"


@pytest.fixture
def sink(mongo: MongoServer) -> Iterator[MongoSink]:
    with contextlib.closing(MongoSink(mongo.url)) as made:
        made.prepare()
        yield made


@pytest.fixture
def source(mongo: MongoServer, sink: MongoSink) -> Iterator[MongoSource]:
    with contextlib.closing(MongoSource(mongo.url)) as made:
        yield made


def order(sequence: int, store: int | None = 3, basket: Sequence[int] = (0, 1)) -> Order:
    document: dict[str, Any] = {
        "id": sequence,
        "customer": {"id": 7},
        "dateTime": 1.5,
        "products": [dict(PRODUCTS[index].fields) for index in basket],
    }
    if store is not None:
        document["store"] = {"id": store}
    return Order(0, 7, sequence, 1.5, (), 0, 0xABC, sequence, document)


def batch(start: int, orders: Sequence[Order], read: Read, partition: tuple[str, int] = MA) -> Batch:
    half = GroupHalf(
        "etl-mongo", f"{partition[0]}/{partition[1]}", "me", start + len(orders), 1.0, {LOADER: read}
    )
    return Batch(partition, start, half, orders)


def cents(*baskets: Sequence[int]) -> int:
    return sum(describe(dict(PRODUCTS[index].fields))[1] for basket in baskets for index in basket)


@needs_mongo
def test_orders_are_rolled_up_and_stay_the_same_until_they_are_settled(
    mongo: MongoServer, sink: MongoSink, source: MongoSource
) -> None:
    sink.restore([MA, RI])
    assert source.books() is None
    assert source.begin(4) == source.begin(9) == Books(4)
    assert source.next() is None
    sink.write(
        [batch(0, [order(0), order(2, store=5)], Read(3, ((1, 2),))), batch(0, [order(0)], Read(1), RI)]
    )
    rollup = source.next()
    assert rollup is not None
    assert (rollup.orders, rollup.more) == (3, False)
    assert [(r.state, r.store, r.orders, r.cents) for r in rollup.restocks] == [
        ("MA", 3, 1, cents((0, 1))),
        ("MA", 5, 1, cents((0, 1))),
        ("RI", 3, 1, cents((0, 1))),
    ]
    # One that was late fills the hole; it belongs to the next rollup.
    sink.write([batch(2, [order(1, store=None)], Read(3))])
    with contextlib.closing(MongoSource(mongo.url)) as successor:
        again = successor.next()
        assert again is not None
        assert (again.orders, again.restocks) == (3, rollup.restocks)
        successor.settle(Books(4, 3, {"MA": 2, "RI": 1}))
    assert source.books() == Books(4, 3, {"MA": 2, "RI": 1})
    late = source.next()
    assert late is not None
    assert (late.orders, late.restocks) == (1, ()), "an order without a store restocks none"
    source.settle(Books(4, 4, {"MA": 2, "RI": 1}))
    assert source.next() is None


@needs_mongo
def test_a_backlog_comes_in_pieces(
    sink: MongoSink, source: MongoSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mongo_spout, "MOST", 40)
    sink.restore([MA])
    everything = [order(number, number % 4, (number % len(PRODUCTS),)) for number in range(100)]
    sink.write([batch(0, everything, Read(100))])
    source.begin(0)
    sold: Counter[str] = Counter()
    pieces = []
    while rollup := source.next():
        pieces.append((rollup.orders, rollup.more))
        for restock in rollup.restocks:
            sold.update(restock.products)
        source.settle(Books(0, sum(orders for orders, _ in pieces)))
    assert pieces == [(40, True), (40, True), (20, False)]
    assert sold == Counter(describe(p)[0] for each in everything for p in each.document["products"])


@needs_mongo
def test_books_go_with_the_documents(mongo: MongoServer, sink: MongoSink, source: MongoSource) -> None:
    sink.restore([MA])
    source.begin(4)
    with mongo.client as client:
        client.drop_database("pets")
    with pytest.raises(SinkUnavailable, match="none yet"):
        source.books()
    sink.prepare()
    assert source.books() is None
    with pytest.raises(SinkUnavailable, match="gone, or others"):
        source.settle(Books(4, 1))


ranges = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=3).map(
    lambda pairs: IntervalSet.of(pairs).ranges
)
sequences = st.dictionaries(st.sampled_from("abc"), ranges.filter(bool))


def numbers(of: Any) -> set[tuple[str, int]]:
    return {(key, number) for key, some in of.items() for number in IntervalSet(some)}


@given(sequences, sequences, st.integers(0, 12))
def test_sets_of_sequences(one: Any, other: Any, most: int) -> None:
    assert numbers(together(one, other)) == numbers(one) | numbers(other)
    taken = numbers(first(one, most))
    assert taken <= numbers(one)
    assert len(taken) == min(most, len(numbers(one)))
