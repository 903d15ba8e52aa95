"""The Elasticsearch sink on the consume loop: whatever goes wrong, each transaction is one document.

There are no transactions over documents, so documents may be ahead of the stored offset; never may they be behind it.
"""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kapture_tui.workload.header import loader_id
from kapture_tui.workload.kafka import TopicPartition
from kapture_tui.workload.sinks.base import Batch, SinkUnavailable
from kapture_tui.workload.sinks.elasticsearch import ElasticsearchSink
from kapture_tui.workload.sinks.elasticsearch_bulk import BODY_BYTES, send
from kapture_tui.workload.sinks.elasticsearch_documents import document_id
from tests.unit.workload.memory import Event, Faults, Rival, World, run_loop
from tests.unit.workload.search_server import Connection, SearchServer
from tests.unit.workload.test_consume import (
    FOUR,
    MA,
    TX,
    Records,
    assert_truthful,
    batch_records,
    batch_s,
    events,
    logs,
    once,
    partition,
    records_of,
    says,
    scripts,
)

URL = "http://127.0.0.1:9"
GROUP = "etl-elasticsearch"

faults = st.lists(st.sampled_from(["ok", "ok", "down", "half", "mute", "busy"]), max_size=15)


def sink_of(server: SearchServer, wrong: list[str]) -> ElasticsearchSink:
    """A sink whose indices are there."""
    ElasticsearchSink(URL, Connection(server)).prepare()
    return ElasticsearchSink(URL, Connection(server, Faults(wrong)))


def world_of(
    records: Records, server: SearchServer, wrong: list[str], batch: int = 1000, seconds: float = 0.0
) -> World:
    sink = sink_of(server, wrong)
    sink.batch_records, sink.batch_s = batch, seconds

    def up_to(p: TopicPartition) -> int:
        half = server.half(p)
        return half.offset if half else 0

    return World(records, sink, Rival(records, sink_of(server, [])), up_to)


def expected(records: Records, stop: dict[TopicPartition, int]) -> dict[str, set[str]]:
    """By state, the ids of the transactions below these offsets."""
    found: dict[str, set[str]] = {}
    for p, offset in stop.items():
        ids = found.setdefault(p[0].rpartition(".")[2], set())
        ids.update(document_id(order, p[1]) for order in once(GROUP, p, records[p], offset)[1])
    return found


def stored(server: SearchServer, records: Records) -> dict[TopicPartition, int]:
    """The stored offsets, whose halves say what reading up to them gives."""
    offsets = {}
    for p in records:
        half = server.half(p)
        offsets[p] = half.offset if half else 0
        assert half is None or says(half) == says(once(GROUP, p, records[p], offsets[p])[0])
    return offsets


def ids(server: SearchServer, records: Records) -> dict[str, set[str]]:
    states = (p[0].rpartition(".")[2] for p in records)
    return {state: set(server.documents(state)) for state in states}


@settings(max_examples=150)
@given(logs, scripts, faults, batch_records, batch_s)
def test_every_transaction_is_one_document(
    records: Records, script: list[Event], wrong: list[str], batch: int, seconds: float
) -> None:
    server = SearchServer()
    run = run_loop(world_of(records, server, wrong, batch, seconds), script)
    everything = {p: len(records[p]) for p in records}
    assert stored(server, records) == everything
    assert ids(server, records) == expected(records, everything)
    assert_truthful(run, records, GROUP)


@settings(max_examples=100)
@given(logs, scripts, faults, batch_records, batch_s, st.integers(0, 25))
def test_stopped_at_any_time_nothing_below_the_offset_is_missing(
    records: Records, script: list[Event], wrong: list[str], batch: int, seconds: float, at: int
) -> None:
    server = SearchServer()
    run_loop(
        world_of(records, server, wrong, batch, seconds),
        [*script[: at + 1], Event("stop"), *script[at + 1 :]],
    )
    everything = expected(records, {p: len(records[p]) for p in records})
    below = expected(records, stored(server, records))
    for state, found in ids(server, records).items():
        assert below[state] <= found <= everything[state]
    run_loop(world_of(records, server, []), [])
    assert ids(server, records) == everything


@settings(max_examples=50)
@given(logs, st.lists(events, max_size=10), st.lists(events, max_size=10), batch_records)
def test_an_emptied_server_is_filled_again(
    records: Records, before: list[Event], after: list[Event], batch: int
) -> None:
    server = SearchServer()
    run_loop(world_of(records, server, [], batch), [Event("join", tuple(records)), *before, Event("stop")])
    world = world_of(records, server, [], batch)
    server.wipe()  # after the sink has prepared it
    run_loop(world, after)
    everything = {p: len(records[p]) for p in records}
    assert stored(server, records) == everything
    assert ids(server, records) == expected(records, everything)


def test_an_emptied_server_is_another_one_with_its_mappings() -> None:
    server = SearchServer()
    sink = sink_of(server, [])
    first = sink.identity()
    assert sink.identity() == first
    server.wipe()
    assert sink.identity() != first
    assert len(server.templates) == 2


def test_what_was_removed_under_a_write_is_made_again_before_it_is_tried_again() -> None:
    server = SearchServer()
    sink = sink_of(server, [])
    batch = batch_of(records_of(FOUR), MA)
    sink.restore([MA])
    server.wipe()
    with pytest.raises(SinkUnavailable, match="no such alias"):
        sink.write([batch])
    assert sink.write([batch]) == {MA: 4}
    server.wipe()
    with pytest.raises(SinkUnavailable, match="no such index"):
        sink.restore([MA])
    assert sink.restore([MA]) == {}


def batch_of(records: Records, p: TopicPartition, start: int = 0) -> Batch:
    half, orders = once(GROUP, p, records[p], len(records[p]))
    return Batch(p, start, half, orders[start:])


def test_a_batch_from_before_is_not_stored_and_says_where_the_partition_is() -> None:
    records = records_of(FOUR, FOUR)
    server = SearchServer()
    assert sink_of(server, []).write([batch_of(records, MA)]) == {MA: 4}
    before = dict(server.indices["kapture-positions"])
    late = batch_of(records_of(FOUR[:2]), MA)
    # Another partition in the same call is stored all the same.
    assert sink_of(server, []).write([late, batch_of(records, TX)]) == {MA: 4, TX: 4}
    assert server.indices["kapture-positions"].items() > before.items()


def test_an_owner_that_does_not_know_of_its_loss_cannot_set_the_partition_back() -> None:
    records = records_of(FOUR)
    server = SearchServer()
    old, new = sink_of(server, []), sink_of(server, [])
    old.restore([MA])  # nothing is stored yet, as far as it knows
    new.write([batch_of(records, MA)])
    assert old.write([batch_of(records_of(FOUR[:1]), MA)]) == {MA: 4}
    assert len(server.documents("MA")) == 4


def test_a_document_that_is_refused_is_kept_as_text_with_the_reason() -> None:
    records = records_of(partition((1, 0), (1, 1)))
    server = SearchServer(refuse={1})
    assert sink_of(server, []).write([batch_of(records, MA)]) == {MA: 2}
    fine, kept = (server.documents("MA")[f"{loader_id(1)}-0-{sequence}"] for sequence in (0, 1))
    assert "refused" not in fine
    assert "malformed" in kept["refused"]
    assert kept["customer"]["id"] == 1
    assert json.loads(kept["text"]) == json.loads(records[MA][1].value or b"")


@pytest.mark.parametrize("fault", ["busy", "down", "half", "mute"])
def test_no_offset_is_stored_before_its_documents_are(fault: str) -> None:
    server = SearchServer()
    sink = sink_of(server, ["ok", fault])  # reading the position, writing the documents
    batch = batch_of(records_of(FOUR), MA)
    with pytest.raises(SinkUnavailable):
        sink.write([batch])
    assert server.half(MA) is None
    assert sink.write([batch]) == {MA: 4}
    assert len(server.documents("MA")) == 4


def test_a_lost_answer_to_the_offset_is_no_loss_of_the_partition() -> None:
    server = SearchServer()
    sink = sink_of(server, ["ok", "ok", "mute"])
    batch = batch_of(records_of(FOUR), MA)
    with pytest.raises(SinkUnavailable):
        sink.write([batch])
    assert sink.write([batch]) == {MA: 4}


@settings(max_examples=30)
@given(st.lists(st.integers(1, BODY_BYTES // 2), max_size=12))
def test_requests_are_bounded_and_no_action_is_left_out(sizes: list[int]) -> None:
    server = SearchServer(indices={"a": {}})
    connection = Connection(server)
    actions = [
        b'{"create":{"_index":"a","_id":"%d"}}\n"%s"\n'.replace(b'"%s"', b'{"x":"%s"}') % (at, b"x" * size)
        for at, size in enumerate(sizes)
    ]
    assert list(send(connection, actions)) == []
    assert sorted(map(int, server.indices["a"])) == list(range(len(sizes)))
    assert all(size <= BODY_BYTES for size in connection.bodies)
    # Once more, each has its own answer.
    assert [(place, item.exists) for place, item in send(connection, actions)] == [
        (place, True) for place in range(len(sizes))
    ]
