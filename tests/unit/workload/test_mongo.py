"""The Mongo sink's pure parts: documents and their names, what failed bulk writes say, statistics from real answers."""

from __future__ import annotations

import json
from typing import Any

import pytest
from bson import encode
from hypothesis import given
from hypothesis import strategies as st
from pymongo.errors import BulkWriteError

from kapture_tui.model.ledger import GroupHalf
from kapture_tui.workload.sinks.base import Batch
from kapture_tui.workload.sinks.mongo import as_text, documents, failures, refused
from kapture_tui.workload.sinks.mongo_link import without_user
from kapture_tui.workload.sinks.mongo_statistics import MongoRates, counters_of, sizes_of
from kapture_tui.workload.transaction import Order

FERRETDB: dict[str, Any] = {
    "host": "vm",
    "version": "7.0.42",
    "process": "ferretdb",
    "pid": 17222,
    "uptime": 1.602341045,
    "metrics": {
        "commands": {
            "update": {"total": 4, "failed": 1},
            "insert": {"total": 6, "failed": 0},
            "serverStatus": {"total": 1, "failed": 0},
        }
    },
    "ferretdbVersion": "unknown",
    "catalogStats": {"collections": 0},
    "ok": 1.0,
}
"""FerretDB 1.24 on SQLite, shortened."""

MONGODB: dict[str, Any] = {
    "host": "mongo-0",
    "version": "8.0.4",
    "process": "mongod",
    "pid": 1,
    "connections": {"current": 9, "available": 51191, "totalCreated": 31, "active": 4},
    "opcounters": {"insert": 1200, "query": 90, "update": 40, "delete": 0, "getmore": 0, "command": 310},
    "metrics": {
        "commands": {
            "<UNKNOWN>": 0,
            "insert": {"failed": 0, "total": 30},
            "update": {"arrayFilters": 0, "failed": 0, "pipeline": 0, "total": 40},
        }
    },
    "ok": 1.0,
}
"""MongoDB 8.0 by its manual, shortened: `<UNKNOWN>` is a number among mappings."""

orders = st.lists(
    st.builds(
        Order,
        intended_us=st.just(0),
        customer=st.integers(0, 5),
        number=st.integers(0, 1 << 50),
        day=st.floats(0, 1e5),
        products=st.just(()),
        cents=st.just(0),
        loader=st.integers(0, (1 << 62) - 1),
        sequence=st.integers(0, (1 << 62) - 1),
        document=st.fixed_dictionaries(
            {"id": st.integers(0, 9), "customer": st.just({"id": 3}), "dateTime": st.floats(0, 9)},
            optional={"_id": st.text(max_size=3), "note": st.text(max_size=5)},
        ),
    ),
    max_size=12,
)


def batch(found: list[Order], partition: tuple[str, int] = ("transactions.MA", 3)) -> Batch:
    half = GroupHalf("etl-mongo", f"{partition[0]}/{partition[1]}", "etl-mongo-0", len(found), 1.0)
    return Batch(partition, 0, half, found)


@given(orders)
def test_a_documents_name_is_that_of_its_transaction_and_of_no_other(found: list[Order]) -> None:
    before = [dict(order.document) for order in found]
    stored = documents(batch(found))
    assert [dict(order.document) for order in found] == before
    assert documents(batch(found)) == stored
    names = {(order.loader, order.sequence) for order in found}
    assert len({document["_id"] for document in stored}) == len(names)
    elsewhere = documents(batch(found, ("transactions.MA", 4)))
    assert not {d["_id"] for d in stored} & {d["_id"] for d in elsewhere}
    for order, document in zip(found, stored, strict=True):
        assert {k: v for k, v in document.items() if k != "_id"} == {
            k: v for k, v in order.document.items() if k != "_id"
        }


@given(
    st.recursive(
        st.none() | st.integers() | st.floats(allow_nan=False) | st.text(st.characters()),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters()), inner),
        max_leaves=8,
    )
)
def test_what_bson_cannot_hold_it_holds_as_text(odd: Any) -> None:
    document = {"_id": "MA/0/7/1", "id": 4, "customer": {"id": 3, "odd": odd}, "dateTime": 1, "odd": odd}
    text = as_text(document)
    encode(text)  # raises for what BSON has no form for
    assert (text["_id"], text["id"], text["customer"], text["dateTime"]) == ("MA/0/7/1", 4, {"id": 3}, 1.0)
    assert json.loads(text["json"]) == {name: value for name, value in document.items() if name != "_id"}


def error(*codes: int, concern: bool = False) -> BulkWriteError:
    """What pymongo raises when items failed with these codes."""
    details: dict[str, Any] = {
        "writeErrors": [
            {"index": 2 * place, "code": code, "errmsg": "…"} for place, code in enumerate(codes)
        ],
        "writeConcernErrors": [{"code": 64, "errmsg": "waiting for replication timed out"}]
        if concern
        else [],
    }
    return BulkWriteError(details)


def test_duplicates_are_nothing_and_what_is_refused_is_named() -> None:
    assert failures(error(11000, 2)) == {0: 11000, 2: 2}
    assert refused(error(11000, 11000)) == []
    assert refused(error(11000, 2, 52)) == [2, 4]


@pytest.mark.parametrize(
    "failed", [error(11000, 10107), error(14031), error(11000, concern=True), error(concern=True), error()]
)
def test_any_other_failure_is_never_passed_over(failed: BulkWriteError) -> None:
    with pytest.raises(BulkWriteError):
        refused(failed)


def test_counters_of_both_servers() -> None:
    assert counters_of(MONGODB).inserts == 1200
    assert counters_of(MONGODB).calls == {"insert": 30, "update": 40}
    assert counters_of(FERRETDB).inserts is None
    assert counters_of(FERRETDB).calls == {"update": 4, "insert": 6, "serverStatus": 1}


def test_inserts_as_the_server_counts_them() -> None:
    rates = MongoRates()
    rates.add(10.0, counters_of(MONGODB))
    assert (rates.inserts_per_s, rates.commands) == (None, {})
    later = {
        **MONGODB,
        "opcounters": {"insert": 1500},
        "metrics": {"commands": {"insert": {"total": 36}, "update": {"total": 40}}},
    }
    rates.add(12.0, counters_of(later))
    assert (rates.inserts_per_s, rates.commands) == (150.0, {"insert": 3.0})


def test_inserts_where_only_commands_are_counted_are_what_the_documents_grow_by() -> None:
    rates = MongoRates()
    for now_s, documents_there in ((1.0, 100), (6.0, 350)):
        rates.add(now_s, counters_of(FERRETDB))
        rates.add_sizes(now_s, sizes_of({"objects": documents_there, "totalSize": 9}, 0))
    assert rates.inserts_per_s == 50.0
    rates.add_sizes(11.0, sizes_of({"objects": 20, "totalSize": 9}, 0))
    assert rates.inserts_per_s is None


def test_a_server_that_was_restarted_begins_anew() -> None:
    rates = MongoRates()
    rates.add(1.0, counters_of(MONGODB))
    rates.add(2.0, counters_of({**MONGODB, "pid": 2}))
    assert rates.inserts_per_s is None
    rates.add(3.0, counters_of({**MONGODB, "pid": 2, "metrics": {"commands": {"insert": {"total": 3}}}}))
    assert rates.inserts_per_s is None, "in a pod each server process has the same number"


def test_sizes() -> None:
    sizes = sizes_of({"objects": 152, "storageSize": 4096, "indexSize": 1024, "totalSize": 5120}, 52)
    assert (sizes.documents, sizes.size_bytes) == (100, 5120)
    assert sizes_of({"objects": 3, "storageSize": 4096, "indexSize": 1024}, 5).size_bytes == 5120


def test_a_url_without_its_user() -> None:
    url = "mongodb://kapture:p%40ss@mongo:27017,b:1/pets?authSource=admin&w=1&authMechanism=PLAIN"
    assert without_user(url) == "mongodb://mongo:27017,b:1/pets?w=1"
    assert without_user("mongodb://kapture:x@mongo:27017/?authSource=admin") == "mongodb://mongo:27017/"
