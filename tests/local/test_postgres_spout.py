"""Postgres as the spout's source: what it takes, what it remembers, and what it takes again."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator, Sequence

import pytest

from kapture_tui.targets.local.postgres import clear
from kapture_tui.workload.petstore.products import PRODUCTS
from kapture_tui.workload.restock import Restock
from kapture_tui.workload.sinks.base import SinkUnavailable
from kapture_tui.workload.sinks.postgres import PostgresSink
from kapture_tui.workload.sinks.postgres_spout import MOST, PostgresSource
from kapture_tui.workload.spout import Books, Rollup
from tests.local.postgres_server import PostgresServer, needs_postgres
from tests.local.test_postgres import MA, RI, batch, order

pytestmark = needs_postgres


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    made = PostgresServer(tmp_path_factory.mktemp("postgres"))
    made.start()
    yield made
    made.remove()


@pytest.fixture
def sink(server: PostgresServer) -> Iterator[PostgresSink]:
    clear(server.url)
    with contextlib.closing(PostgresSink(server.url)) as made:
        made.prepare()
        yield made


@pytest.fixture
def source(server: PostgresServer, sink: PostgresSink) -> Iterator[PostgresSource]:
    with contextlib.closing(PostgresSource(server.url)) as made:
        yield made


def settle(source: PostgresSource, rollup: Rollup) -> None:
    books = source.books()
    assert books is not None
    sequences = Counter(dict(books.sequences)) + Counter(restock.state for restock in rollup.restocks)
    source.settle(Books(books.incarnation, books.orders + rollup.orders, sequences))


def names(basket: Sequence[int]) -> Counter[str]:
    return Counter(order(0, basket=basket).products)


def test_orders_are_rolled_up_by_store(sink: PostgresSink, source: PostgresSource) -> None:
    assert source.next() is None
    a, b, c = (
        order(0, store=3, basket=(0, 1, 1)),
        order(1, store=3, basket=(1,)),
        order(2, store=5, basket=(2,)),
    )
    sink.write([batch(0, [a, b], MA), batch(0, [c], RI)])
    source.begin(0)
    rollup = source.next()
    assert rollup == Rollup(
        3,
        a.intended_us,
        (
            Restock("MA", 3, 2, a.cents + b.cents, 1.5, names((0, 1, 1, 1))),
            Restock("RI", 5, 1, c.cents, 1.5, names((2,))),
        ),
    )


def test_what_is_at_work_stays_the_same_until_it_is_settled(
    server: PostgresServer, sink: PostgresSink, source: PostgresSource
) -> None:
    source.begin(0)
    sink.write([batch(0, [order(0), order(1)])])
    first = source.next()
    assert first is not None
    sink.write([batch(2, [order(2, store=9)]), batch(0, [order(3)], RI)])
    with contextlib.closing(PostgresSource(server.url)) as successor:
        again = successor.next()
        assert again is not None
        assert (again.orders, again.restocks, again.more) == (first.orders, first.restocks, True)
        settle(successor, again)
        assert successor.books() == Books(0, 2, {"MA": 1})
    second = source.next()
    assert second is not None
    assert [(r.state, r.store, r.orders) for r in second.restocks] == [("MA", 9, 1), ("RI", 3, 1)]
    settle(source, second)
    assert source.books() == Books(0, 4, {"MA": 2, "RI": 1})
    assert source.next() is None


def test_a_backlog_comes_in_pieces(sink: PostgresSink, source: PostgresSource) -> None:
    source.begin(0)
    everything = [
        order(number, store=number % 4, basket=(number % len(PRODUCTS),)) for number in range(MOST + 500)
    ]
    sink.write([batch(0, everything)])
    pieces = []
    while rollup := source.next():
        pieces.append(rollup)
        settle(source, rollup)
    assert [(piece.orders, piece.more) for piece in pieces] == [(MOST, True), (500, False)]
    sold: Counter[str] = Counter()
    for piece in pieces:
        for restock in piece.restocks:
            sold.update(restock.products)
    assert sold == Counter(name for each in everything for name in each.products)
    assert sum(r.cents for p in pieces for r in p.restocks) == sum(each.cents for each in everything)


def test_offsets_without_orders_are_passed_over(sink: PostgresSink, source: PostgresSource) -> None:
    source.begin(0)
    sink.write([batch(0, [], MA, end=3)])
    rollup = source.next()
    assert rollup == Rollup(0, None, ())
    settle(source, rollup)
    assert source.next() is None


def test_books_go_with_the_orders(server: PostgresServer, sink: PostgresSink, source: PostgresSource) -> None:
    assert source.books() is None
    assert source.begin(4) == Books(4)
    assert source.begin(9) == Books(4), "somebody has begun them already"
    sink.write([batch(0, [order(0)])])
    assert source.next() is not None
    clear(server.url)
    with pytest.raises(SinkUnavailable):
        source.settle(Books(4, 1, {"MA": 1}))
    assert source.books() is None
    assert source.begin(5) == Books(5)
    with pytest.raises(SinkUnavailable, match="gone, or others"):
        source.settle(Books(4, 1, {"MA": 1}))
