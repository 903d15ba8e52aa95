"""The Postgres sink before a real server: what it stores, and what can happen to it and to the server meanwhile."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kapture_tui.model.errors import Unreachable, UsageError
from kapture_tui.model.ledger import GroupHalf
from kapture_tui.targets.local.postgres import check_there, clear
from kapture_tui.workload.petstore.products import PRODUCTS
from kapture_tui.workload.sinks.base import Batch, SinkUnavailable
from kapture_tui.workload.sinks.postgres import PostgresSink
from kapture_tui.workload.transaction import Order, parse
from tests.local.postgres_server import PostgresServer, needs_postgres, orphans

pytestmark = needs_postgres

MA, RI = ("transactions.MA", 0), ("transactions.RI", 2)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    server = PostgresServer(tmp_path_factory.mktemp("postgres"))
    server.start()
    yield server
    server.remove()


@pytest.fixture
def server(running: PostgresServer) -> PostgresServer:
    """The server without any data."""
    running.start()
    clear(running.url)
    return running


@pytest.fixture
def sink(server: PostgresServer) -> Iterator[PostgresSink]:
    with contextlib.closing(sink_at(server)) as made:
        yield made


def sink_at(server: PostgresServer) -> PostgresSink:
    made = PostgresSink(server.url)
    made.prepare()
    return made


def place(zipcode: str, state: str) -> dict[str, Any]:
    where = {"first": 42.5, "second": -71.25}
    income = {"medianHouseholdIncome": 50000.5, "population": 1234}
    return {"zipcode": zipcode, "coordinates": where, "city": "Town", "state": state, **income}


def order(number: int, customer: int = 7, store: int = 3, basket: Sequence[int] = (0, 1, 1)) -> Order:
    document = {
        "id": number,
        "customer": {"id": customer, "name": {"first": "Ada", "second": "L"}, "location": place("1", "MA")},
        "store": {"id": store, "name": f"Store_{store}", "location": place("2", "RI")},
        "dateTime": 1.5,
        "products": [dict(PRODUCTS[index].fields) for index in basket],
    }
    return parse(json.dumps(document).encode(), 1_700_000_000_123_456, 5, number)


def batch(
    start: int, orders: Sequence[Order], partition: tuple[str, int] = MA, end: int | None = None
) -> Batch:
    offset = start + len(orders) if end is None else end
    half = GroupHalf("etl-postgres", f"{partition[0]}/{partition[1]}", "etl-postgres-0", offset, 1.0)
    return Batch(partition, start, half, orders)


def counts(server: PostgresServer) -> dict[str, int]:
    tables = ("customers", "stores", "products", "orders", "items")
    (row,) = server.ask("SELECT " + ", ".join(f"(SELECT count(*) FROM kapture.{t})" for t in tables))
    return dict(zip(tables, row, strict=True))


def test_transactions_become_rows_that_refer_to_each_other(
    server: PostgresServer, sink: PostgresSink
) -> None:
    assert sink.write([batch(0, [order(0), order(1, store=4)]), batch(9, [], RI)]) == {MA: 2, RI: 0}
    assert counts(server) == {"customers": 1, "stores": 2, "products": 2, "orders": 2, "items": 6}
    assert server.ask("SELECT id, first_name, last_name, zipcode, city, state FROM kapture.customers") == [
        (7, "Ada", "L", "1", "Town", "MA")
    ]
    assert server.ask("SELECT name, latitude, longitude, population FROM kapture.stores ORDER BY id")[1] == (
        "Store_4",
        42.5,
        -71.25,
        1234,
    )
    first, second = (dict(PRODUCTS[index].fields) for index in (0, 1))
    bought = server.ask(
        "SELECT o.number, i.line, p.category, p.brand, p.size, p.per_unit_cost, o.day,"
        " extract(epoch FROM o.intended_at)::numeric::text FROM kapture.orders o"
        " JOIN kapture.items i ON i.order_id = o.id JOIN kapture.products p ON p.id = i.product_id"
        " WHERE o.number = 1 ORDER BY i.line"
    )
    columns = ("category", "brand", "size", "per_unit_cost")
    assert bought == [
        (1, line, *(of[name] for name in columns), 1.5, "1700000000.123456")
        for line, of in enumerate((first, second, second))
    ]
    assert server.totals() == {7: (2, 2 * order(0).cents)}
    assert orphans(server.url) == 0


def test_a_batch_again_and_a_batch_of_a_lost_partition_change_nothing(
    server: PostgresServer, sink: PostgresSink
) -> None:
    first = batch(0, [order(0), order(1)])
    assert sink.write([first]) == {MA: 2}
    before = counts(server)
    assert sink.write([first]) == {MA: 2}
    with contextlib.closing(sink_at(server)) as rival:
        assert rival.restore([MA, RI]) == {MA: first.half}
        assert rival.write([batch(2, [order(2)])]) == {MA: 3}
    # We do not know that somebody else has it by now; of what else is written with it nothing is lost.
    late = [batch(2, [order(5), order(6), order(7)]), batch(0, [order(0, customer=8)], RI)]
    assert sink.write(late) == {MA: 3, RI: 1}
    assert counts(server) == before | {"customers": 2, "orders": before["orders"] + 2, "items": 12}
    assert {
        number for (number,) in server.ask("SELECT number FROM kapture.orders WHERE customer_id = 7")
    } == {
        0,
        1,
        2,
    }


def test_several_processes_may_begin_at_once(server: PostgresServer) -> None:
    sinks = [PostgresSink(server.url) for _ in range(4)]
    failed: list[Exception] = []

    def begin(number: int, sink: PostgresSink) -> None:
        try:
            sink.prepare()
            mine = (f"transactions.{['MA', 'RI', 'NY', 'TX'][number]}", 0)
            baskets = [order(n, number, store=(n * 7 + number) % 50, basket=[n % 55]) for n in range(300)]
            for start in range(0, 300, 50):
                sink.write([batch(start, baskets[start : start + 50], mine)])
        except Exception as exc:
            failed.append(exc)

    threads = [threading.Thread(target=begin, args=each) for each in enumerate(sinks)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for sink in sinks:
        sink.close()
    assert not failed
    assert counts(server) == {"customers": 4, "stores": 50, "products": 55, "orders": 1200, "items": 1200}
    assert orphans(server.url) == 0


def test_emptied_tables_are_noticed_and_filled_again(server: PostgresServer, sink: PostgresSink) -> None:
    before = sink.identity()
    assert sink.identity() == before
    sink.write([batch(0, [order(0)])])
    clear(server.url)
    with pytest.raises(SinkUnavailable, match="UndefinedTable"):
        sink.write([batch(1, [order(1)])])
    assert sink.write([batch(1, [order(1)])]) == {MA: 0}, "it should say that it knows nothing"
    assert sink.identity() != before
    assert sink.restore([MA]) == {}
    assert sink.write([batch(0, [order(0), order(1)])]) == {MA: 2}
    assert server.totals() == {7: (2, 2 * order(0).cents)}
    assert orphans(server.url) == 0


def test_truncated_tables_are_noticed(server: PostgresServer, sink: PostgresSink) -> None:
    sink.write([batch(0, [order(0)])])
    before = sink.identity()
    everything = "memory, partitions, stores, customers, products, orders, items"
    server.ask("TRUNCATE " + ", ".join(f"kapture.{table}" for table in everything.split(", ")))
    assert sink.identity() != before
    assert sink.restore([MA]) == {}
    sink.write([batch(0, [order(0)])])
    assert orphans(server.url) == 0


def test_a_server_killed_in_the_middle_of_it_all(server: PostgresServer, sink: PostgresSink) -> None:
    offset = 0
    for round_ in range(3):
        (offset,) = sink.write([batch(offset, [order(n) for n in range(offset, offset + 200)])]).values()
        server.kill()
        with pytest.raises(SinkUnavailable):
            sink.write([batch(offset, [order(offset)])])
        with pytest.raises(SinkUnavailable):
            sink.identity()
        server.start()
        restored = sink.restore([MA])
        assert restored[MA].offset == offset == 200 * (round_ + 1)
    assert server.totals() == {7: (600, 600 * order(0).cents)}


def test_a_server_that_stands_still_is_waited_for(server: PostgresServer, sink: PostgresSink) -> None:
    sink.write([batch(0, [order(0)])])
    (backend,) = server.ask("SELECT pid FROM pg_stat_activity WHERE application_name = 'etl-postgres'")[0]
    os.kill(backend, signal.SIGSTOP)
    waker = threading.Timer(0.5, os.kill, (backend, signal.SIGCONT))
    waker.start()
    assert sink.write([batch(1, [order(1)])]) == {MA: 2}
    assert server.totals() == {7: (2, 2 * order(0).cents)}


scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**64), 2**64)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5)
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
)
names = st.sampled_from(
    ["name", "location", "first", "second", "zipcode", "coordinates", "population", "city"]
)
things = st.dictionaries(names, values | st.dictionaries(names, values, max_size=3), max_size=5)
odd_products = st.fixed_dictionaries(
    {
        "brand": scalars,
        "category": scalars,
        "size": st.integers(0, 100) | st.floats(0, 100),
        "per_unit_cost": st.integers(0, 9) | st.booleans(),
    },
    optional={"flavor": scalars, "fieldNames": st.lists(st.text(max_size=2), max_size=2), "color": scalars},
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "id": st.integers(-(2**64), 2**64),
                "customer": st.tuples(things, st.integers(-(2**64), 2**64)).map(
                    lambda t: t[0] | {"id": t[1]}
                ),
                "dateTime": st.integers(-(10**10), 10**10) | st.floats(-1e9, 1e9) | st.booleans(),
                "products": st.lists(odd_products, max_size=3),
            },
            optional={"store": values | st.tuples(things, scalars).map(lambda t: t[0] | {"id": t[1]})},
        ),
        max_size=4,
    ),
    st.integers(0, 2**62 - 1),
)
def test_whatever_is_read_as_a_transaction_can_be_stored(
    running: PostgresServer, documents: list[dict[str, Any]], intended_us: int
) -> None:
    orders = []
    for document in documents:
        with contextlib.suppress(ValueError):
            orders.append(parse(json.dumps(document).encode(), intended_us))
    running.start()
    clear(running.url)
    with contextlib.closing(sink_at(running)) as sink:
        assert sink.write([batch(0, orders)]) == {MA: len(orders)}
    found = running.ask("SELECT customer_id, number, cents FROM kapture.orders ORDER BY id")
    assert found == [(o.customer, o.number, o.cents) for o in orders]
    assert counts(running)["items"] == sum(len(o.products) for o in orders)
    assert orphans(running.url) == 0


def test_statistics(server: PostgresServer, sink: PostgresSink) -> None:
    empty = PostgresSink(server.url)
    clear(server.url)
    assert empty.statistics().figures["rows"] is None
    assert set(empty.statistics().unavailable) >= {"rows", "size_bytes"}
    sink.close()
    sink.prepare()
    offset = 0
    with contextlib.closing(empty):
        for _ in range(50):
            (offset,) = sink.write([batch(offset, [order(n) for n in range(offset, offset + 20)])]).values()
            seen = empty.statistics().figures
        assert seen["rows"] == 4 * offset
        assert seen["connections"] >= 2
        assert seen["size_bytes"] > 8192
        assert set(seen) == {
            "commits_per_s",
            "rows",
            "inserted_per_s",
            "size_bytes",
            "connections",
            "cache_hit_ratio",
        }
        server.kill()
        with pytest.raises(Unreachable):
            empty.statistics()


def test_a_server_elsewhere_is_looked_at_before_it_is_used(server: PostgresServer) -> None:
    assert check_there(server.url).startswith("PostgreSQL ")
    with contextlib.closing(sink_at(server)):
        pass
    with pytest.raises(UsageError, match="another run"):
        check_there(server.url)
    clear(server.url)
    head, _, tail = server.url.partition("@")
    with pytest.raises(UsageError, match="authentication") as refused:
        check_there(f"{head}wrong@{tail}")
    assert head.rpartition(":")[2] not in str(refused.value)
    server.ask("DROP ROLE IF EXISTS reader")
    server.ask("CREATE ROLE reader LOGIN PASSWORD 'r'")
    with pytest.raises(UsageError, match="create a schema"):
        check_there(f"postgresql://reader:r@{tail}")


def test_tables_of_a_later_release_are_left_alone(server: PostgresServer, sink: PostgresSink) -> None:
    server.ask("INSERT INTO kapture.migrations (version) VALUES (99)")
    with contextlib.closing(PostgresSink(server.url)) as other, pytest.raises(SinkUnavailable, match="99"):
        other.prepare()


def test_halves_come_back_as_they_were(server: PostgresServer, sink: PostgresSink) -> None:
    one = batch(0, [order(0)])
    half = replace(one.half, redelivered=3, foreign=2, expired=1)
    sink.write([replace(one, half=half)])
    assert sink.restore([MA]) == {MA: half}


@pytest.mark.parametrize("text", ["postgresql://u:secret@127.0.0.1:1/db", "nonsense"])
def test_nobody_there_is_said_without_the_password(text: str, tmp_path: Path) -> None:
    with pytest.raises(SinkUnavailable) as unavailable:
        PostgresSink(text).prepare()
    with pytest.raises(Unreachable) as unreachable:
        PostgresSink(text).statistics()
    assert "secret" not in f"{unavailable.value} {unreachable.value}"
