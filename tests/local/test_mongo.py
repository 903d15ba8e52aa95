"""The Mongo sink before a real server: what it stores, and what can happen to it and to the server meanwhile."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import pytest

from kapture_tui.model.errors import Unreachable, UsageError
from kapture_tui.model.ledger import GroupHalf
from kapture_tui.targets.local.mongo import MongoServer as LocalServer
from kapture_tui.workload.sinks.base import Batch, SinkUnavailable
from kapture_tui.workload.sinks.mongo import MongoSink
from kapture_tui.workload.transaction import Order
from tests.local.mongo_server import MongoServer, needs_mongo

pytestmark = needs_mongo

PARTITION = ("transactions.MA", 0)
OTHER = ("transactions.RI", 2)


def sink_at(mongo: MongoServer) -> MongoSink:
    sink = MongoSink(mongo.url)
    sink.prepare()
    return sink


def order(sequence: int, **more: Any) -> Order:
    document = {
        "id": sequence,
        "customer": {"id": 7, "name": {"first": "Ada"}},
        "dateTime": 1.5,
        "products": [],
    }
    return Order(0, 7, sequence, 1.5, (), 0, 0xABC, sequence, {**document, **more})


def batch(
    start: int, end: int, partition: tuple[str, int] = PARTITION, orders: list[Order] | None = None
) -> Batch:
    half = GroupHalf("etl-mongo", f"{partition[0]}/{partition[1]}", "etl-mongo-0", end, 1.0)
    return Batch(
        partition, start, half, orders if orders is not None else [order(n) for n in range(start, end)]
    )


def stored(mongo: MongoServer) -> dict[str, Any]:
    """All documents by `_id`, asked by a client of the test's own."""
    with mongo.client as client:
        return {str(found["_id"]): found for found in client.pets.transactions.find()}


def test_documents_are_stored_as_they_are(mongo: MongoServer) -> None:
    sink = sink_at(mongo)
    sink.restore([PARTITION, OTHER])
    assert sink.write([batch(0, 3), batch(0, 2, OTHER)]) == {PARTITION: 3, OTHER: 2}
    found = stored(mongo)
    assert set(found) == {f"MA/0/0000000000000abc/{n}" for n in range(3)} | {
        f"RI/2/0000000000000abc/{n}" for n in range(2)
    }
    assert found["MA/0/0000000000000abc/1"] == {**order(1).document, "_id": "MA/0/0000000000000abc/1"}
    assert {p: half.offset for p, half in sink.restore([PARTITION, OTHER]).items()} == {
        PARTITION: 3,
        OTHER: 2,
    }


def test_a_batch_that_is_written_again_changes_nothing(mongo: MongoServer) -> None:
    sink = sink_at(mongo)
    sink.restore([PARTITION])
    for first in (batch(0, 3), batch(3, 8)):
        assert sink.write([first]) == {PARTITION: first.half.offset}
        before = stored(mongo)
        assert sink.write([first]) == {PARTITION: first.half.offset}
        assert stored(mongo) == before


def test_as_many_partitions_as_one_process_may_have(mongo: MongoServer) -> None:
    partitions = [("transactions.MA", number) for number in range(160)]
    sink = sink_at(mongo)
    sink.restore(partitions)
    for start, end in ((0, 1), (1, 2)):
        written = sink.write([batch(start, end, partition) for partition in partitions])
        assert written == dict.fromkeys(partitions, end)
    assert len(sink.restore(partitions)) == 160


def test_a_member_that_lost_its_partition_is_told_and_changes_nothing(mongo: MongoServer) -> None:
    old, new = sink_at(mongo), sink_at(mongo)
    old.restore([PARTITION])
    old.write([batch(0, 3)])
    assert new.restore([PARTITION])[PARTITION].offset == 3
    assert new.write([batch(3, 9)]) == {PARTITION: 9}
    before = stored(mongo)
    assert old.write([batch(3, 5)]) == {PARTITION: 9}
    assert stored(mongo) == before
    assert new.write([batch(9, 10)]) == {PARTITION: 10}


def test_two_members_at_the_start_of_a_partition(mongo: MongoServer) -> None:
    old, new = sink_at(mongo), sink_at(mongo)
    assert (old.restore([PARTITION]), new.restore([PARTITION])) == ({}, {})
    assert new.write([batch(0, 4)]) == {PARTITION: 4}
    assert old.write([batch(0, 2), batch(0, 2, OTHER)]) == {PARTITION: 4, OTHER: 2}
    assert len(stored(mongo)) == 6


def test_a_database_that_was_emptied_is_another_one(mongo: MongoServer) -> None:
    sink = sink_at(mongo)
    sink.restore([PARTITION])
    before = sink.identity()
    sink.write([batch(0, 3)])
    assert sink.identity() == before
    with mongo.client as client:
        client.drop_database("pets")
    assert sink.write([batch(3, 5)]) == {}
    assert sink.identity() != before
    assert sink.restore([PARTITION]) == {}


@pytest.mark.parametrize("collection", ["transactions", "kapture.positions"])
def test_a_collection_that_was_dropped_is_filled_again(mongo: MongoServer, collection: str) -> None:
    sink = sink_at(mongo)
    sink.restore([PARTITION])
    sink.write([batch(0, 3)])
    with mongo.client as client:
        client.pets.drop_collection(collection)
    assert sink.restore([PARTITION]) == {}
    assert sink.write([batch(0, 3)]) == {PARTITION: 3}
    assert len(stored(mongo)) == 3


@pytest.mark.parametrize(
    "more",
    [{"text": "\ud800"}, {"number": 2**70}, {"nul\0": 1}, {"deep": {"$where": 1}, "far": float("inf")}],
    ids=["half a character", "too large", "a NUL in a name", "of the server's own taste"],
)
def test_a_document_that_cannot_be_stored_is_kept_as_text(mongo: MongoServer, more: dict[str, Any]) -> None:
    sink = sink_at(mongo)
    sink.restore([PARTITION])
    orders = [order(0), order(1, **more), order(2)]
    for _ in range(2):
        assert sink.write([batch(0, 3, orders=orders)]) == {PARTITION: 3}
        found = stored(mongo)
        assert len(found) == 3
        odd = found["MA/0/0000000000000abc/1"]
        assert odd["customer"]["id"] == 7
        assert "json" in odd or odd == {**orders[1].document, "_id": odd["_id"]}


def test_statistics(mongo: MongoServer) -> None:
    sink = sink_at(mongo)
    sink.restore([PARTITION])
    sink.write([batch(0, 100)])
    found = sink.statistics()
    assert found.figures["documents"] == 100
    assert found.figures["size_bytes"] > 0
    assert {name for name, figure in found.figures.items() if figure is None} == set(found.unavailable)
    sink.write([batch(100, 200)])
    assert sink.statistics().figures["commands"]["insert"] > 0


def test_a_server_without_users_takes_anybody(mongo: MongoServer) -> None:
    with mongo.client as client:
        if "ferretdbVersion" not in client.admin.command("buildInfo"):
            pytest.skip("MongoDB has users")
    sink = MongoSink(f"mongodb://kapture:secret@127.0.0.1:{mongo.port}/pets?authSource=admin")
    sink.prepare()
    sink.restore([PARTITION])
    assert sink.write([batch(0, 1)]) == {PARTITION: 1}
    assert sink.statistics().figures["documents"] == 1


def test_a_server_that_is_away_is_waited_for(tmp_path: Path) -> None:
    server = MongoServer(tmp_path)
    sink = MongoSink(server.url.replace("//", "//kapture:hunter2@"))
    for asked in (sink.prepare, sink.identity, lambda: sink.restore([PARTITION])):
        with pytest.raises(SinkUnavailable, match=r"refused") as told:
            asked()
        assert "hunter2" not in str(told.value)
    with pytest.raises(Unreachable, match="refused"):
        sink.statistics()
    with contextlib.closing(sink):
        server.start()
        try:
            sink.prepare()
            sink.restore([PARTITION])
            sink.write([batch(0, 2)])
            server.kill()
            with pytest.raises(SinkUnavailable):
                sink.write([batch(2, 4)])
            server.start()
            assert sink.write([batch(2, 4)]) == {PARTITION: 4}
            assert len(stored(server)) == 4
        finally:
            server.kill()


def test_a_url_that_is_none() -> None:
    with pytest.raises(SinkUnavailable) as told:
        MongoSink("mongodb://kapture:hunter2@host:port/pets").prepare()
    assert "hunter2" not in str(told.value)


def test_the_local_target_wants_an_empty_database_and_empties_it(mongo: MongoServer) -> None:
    ours = LocalServer()
    assert "127.0.0.1" in ours.check(mongo.url)
    sink = sink_at(mongo)
    sink.restore([PARTITION])
    sink.write([batch(0, 2)])
    with pytest.raises(UsageError, match="of somebody else"):
        ours.check(mongo.url)
    ours.clear(mongo.url)
    ours.check(mongo.url)
    with pytest.raises(UsageError, match=r"no server that could be started.*--mongo-url"):
        ours.describe()
    with pytest.raises(UsageError, match="refused"):
        ours.check("mongodb://127.0.0.1:1/pets")
