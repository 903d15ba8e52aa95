"""Whatever goes wrong around the consume loop, every record takes effect exactly once and its ledger half says so.

The worlds here lose answers, rebalance in the middle of an outage, have another owner store behind our back, and ask to
stop at the worst time. What must come out is what reading each partition once from its start gives.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kapture_tui.model.ledger import GroupHalf
from kapture_tui.workload import consume, header
from kapture_tui.workload.consume import ConsumeLoop, take
from kapture_tui.workload.kafka import GroupListener, Record, TopicPartition
from kapture_tui.workload.ledger import PartitionLog, partition_of
from kapture_tui.workload.process import Readiness
from kapture_tui.workload.rollups import roll_up
from kapture_tui.workload.sinks.base import Batch, Sink, SinkUnavailable
from kapture_tui.workload.transaction import Order
from tests.unit.workload.memory import (
    Event,
    Faults,
    ImpatientStop,
    LedgerTopic,
    QuickEtl,
    Rival,
    RollupsLink,
    RollupsTopic,
    Run,
    ScriptedGroup,
    Table,
    TableSink,
    World,
    run_loop,
)

MA, TX, WY = PARTITIONS = [("transactions.MA", 0), ("transactions.TX", 0), ("transactions.WY", 1)]


def record(offset: int, loader: int, sequence: int) -> Record:
    """A transaction whose customer is its place in the log."""
    value = b'{"id":%d,"customer":{"id":%d},"dateTime":%d.5,"products":[]}' % (sequence, offset, sequence)
    return Record(offset, None, value, header.pack(loader, sequence, 1000 * offset))


def partition(*messages: tuple[int, int]) -> list[Record]:
    """A partition of (loader, sequence); loader 0 stands for a record that is none of ours."""
    return [
        record(at, *message) if message[0] else Record(at, None, b"?", None)
        for at, message in enumerate(messages)
    ]


logs = st.fixed_dictionaries(
    {
        p: st.lists(st.tuples(st.integers(0, 2), st.integers(0, 6)), max_size=9).map(lambda m: partition(*m))
        for p in PARTITIONS
    }
)
some = st.sets(st.sampled_from(PARTITIONS), min_size=1).map(lambda chosen: tuple(sorted(chosen)))
events = st.one_of(
    st.builds(Event, st.sampled_from(["records", "records", "late"]), most=st.integers(1, 6)),
    st.builds(Event, st.sampled_from(["join", "join", "leave"]), some),
    st.builds(Event, st.sampled_from(["claim", "store"]), some, st.integers(1, 4)),
)
scripts = st.lists(events, max_size=25).map(lambda script: [Event("join", tuple(PARTITIONS)), *script])
faults = st.lists(st.sampled_from(["ok", "ok", "down", "half", "mute"]), max_size=15)
batch_records = st.integers(1, 8)
batch_s = st.sampled_from([0.0, 1e9])

Records = dict[TopicPartition, list[Record]]


def once(group: str, p: TopicPartition, records: list[Record], stop: int) -> tuple[GroupHalf, list[Order]]:
    """What reading a partition once, from its start to an offset, gives."""
    log = PartitionLog(group, p)
    orders = take(log, records[:stop], 0)
    return log.half("", 0.0), orders


def says(half: GroupHalf) -> tuple[object, ...]:
    """A half without what depends on who read it, when and how often."""
    return half.group, half.partition, half.offset, dict(half.loaders), half.foreign, half.expired


def assert_truthful(run: Run, records: Records, group: str) -> None:
    """Whatever was published is what reading up to its offset gives."""
    for half in run.ledger.published:
        p = partition_of(half.partition)
        assert says(half) == says(once(group, p, records[p], half.offset)[0])


# --- a database with offset and data in one transaction ---------------------------------------------------------------


def table_world(
    records: Records, wrong: list[str], batch: int = 1000, seconds: float = 0.0, table: Table | None = None
) -> tuple[World, Table]:
    """A world around a new table, or one that was there already."""
    stored = table or Table()

    def up_to(p: TopicPartition) -> int:
        half = stored.half(p)
        return half.offset if half else 0

    sink = TableSink(stored, Faults(wrong), batch, seconds)
    return World(records, sink, Rival(records, TableSink(stored, Faults())), up_to), stored


def assert_exact(table: Table, records: Records) -> dict[TopicPartition, int]:
    """What is stored is exactly what lies below the stored offsets, which are returned."""
    offsets = {}
    for p in records:
        half = table.half(p)
        offsets[p] = half.offset if half else 0
        expected, orders = once("etl-redis", p, records[p], offsets[p])
        assert table.orders.get(p, []) == orders
        assert half is None or says(half) == says(expected)
    return offsets


@settings(max_examples=150)
@given(logs, scripts, faults, batch_records, batch_s)
def test_every_record_takes_effect_once(
    records: Records, script: list[Event], wrong: list[str], batch: int, seconds: float
) -> None:
    world, table = table_world(records, wrong, batch, seconds)
    run = run_loop(world, script)
    assert assert_exact(table, records) == {p: len(records[p]) for p in records}
    assert_truthful(run, records, "etl-redis")
    assert run.group.left
    assert not run.group.paused


@settings(max_examples=100)
@given(logs, scripts, faults, batch_records, batch_s, st.integers(0, 25))
def test_stopping_at_any_time_loses_and_doubles_nothing(
    records: Records, script: list[Event], wrong: list[str], batch: int, seconds: float, at: int
) -> None:
    world, table = table_world(records, wrong, batch, seconds)
    run = run_loop(world, [*script[: at + 1], Event("stop"), *script[at + 1 :]])
    stored = assert_exact(table, records)
    assert_truthful(run, records, "etl-redis")
    assert all(half.offset <= stored[partition_of(half.partition)] for half in run.ledger.published)
    assert all(offset <= stored[p] for p, offset in run.group.committed.items())
    # Whoever comes next finishes it.
    run_loop(table_world(records, [], table=table)[0], [])
    assert assert_exact(table, records) == {p: len(records[p]) for p in records}


FOUR = partition((1, 0), (1, 1), (1, 2), (1, 3))
JOIN = Event("join", (MA,))


def records_of(*partitions: list[Record]) -> Records:
    return dict(zip(PARTITIONS, partitions, strict=False))


def test_in_health_everything_is_stored_committed_and_published() -> None:
    records = records_of(FOUR, partition((1, 0), (2, 0)))
    world, table = table_world(records, [])
    run = run_loop(world, [])
    assert assert_exact(table, records) == {MA: 4, TX: 2}
    assert run.group.committed == {MA: 4, TX: 2}
    newest = {half.partition: half for half in run.ledger.published}
    assert {key: half.offset for key, half in newest.items()} == {
        "transactions.MA/0": 4,
        "transactions.TX/0": 2,
    }
    assert all((half.owner, half.redelivered) == ("me", 0) for half in newest.values())
    assert newest["transactions.MA/0"].latency.total == 4
    assert world.sink.closed  # type: ignore[attr-defined]


def test_a_commit_that_was_refused_is_made_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consume, "CHECK_S", 0.0)
    refused: set[tuple[TopicPartition, int]] = set()
    commit = ScriptedGroup.commit

    def refuse_once(group: ScriptedGroup, offsets: Mapping[TopicPartition, int]) -> None:
        commit(group, {p: offset for p, offset in offsets.items() if (p, offset) in refused})
        refused.update(offsets.items())

    monkeypatch.setattr(ScriptedGroup, "commit", refuse_once)
    world, _ = table_world(records_of(FOUR, partition((1, 0), (2, 0))), [])
    run = run_loop(world, [])
    assert run.group.committed == {MA: 4, TX: 2}


def test_an_outage_is_waited_for_inside_the_group() -> None:
    world, table = table_world(records_of(FOUR), ["ok", "down", "mute", "half", "down"])
    run = run_loop(world, [JOIN, Event("records", most=4), *[Event("late", most=1)] * 4, Event("stop")])
    assert assert_exact(table, records_of(FOUR)) == {MA: 4}
    assert not run.group.paused


def test_a_partition_that_left_during_an_outage_is_read_when_it_comes_back() -> None:
    two = partition((1, 0), (1, 1))
    script = [
        Event("join", (MA, TX)),
        Event("records", most=6),
        Event("leave", (MA,)),
        Event("records", most=1),
    ]
    world, table = table_world(records_of(FOUR, two), ["ok", "down", "down"])
    run = run_loop(world, [*script, Event("records", most=1), Event("join", (MA,)), Event("records", most=4)])
    assert assert_exact(table, records_of(FOUR, two)) == {MA: 4, TX: 2}
    assert not run.group.paused


def test_what_came_after_an_unstored_batch_is_not_stored_without_it() -> None:
    # The batch [0, 2) is not stored; record 2 arrives while the loop waits; then the partition goes.
    world, table = table_world(records_of(FOUR), ["ok", "down", "down"])
    script = [JOIN, Event("records", most=2), Event("late", most=1), Event("leave", (MA,)), Event("stop")]
    run = run_loop(world, script)
    assert assert_exact(table, records_of(FOUR)) == {MA: 0}
    assert [half.offset for half in run.ledger.published if half.offset] == []


def test_stopping_in_an_outage_with_a_late_record_ends_in_order() -> None:
    world, table = table_world(records_of(FOUR), ["ok", *["down"] * 9])
    run = run_loop(world, [JOIN, Event("records", most=2), Event("late", most=1), Event("stop")])
    assert run.group.left
    assert assert_exact(table, records_of(FOUR)) == {MA: 0}
    assert run.group.committed == {}


def test_a_half_is_not_published_before_it_is_stored() -> None:
    # Records 0 and 1 are stored; 2 is not when the partition goes: what is said last must end at 2.
    world, table = table_world(records_of(FOUR), ["ok", "ok", "ok", "down", "down"])
    script = [JOIN, *[Event("records", most=1)] * 3, Event("records"), Event("leave", (MA,)), Event("stop")]
    run = run_loop(world, script)
    assert assert_exact(table, records_of(FOUR)) == {MA: 2}
    assert run.ledger.published[-1].offset <= 2


def test_nothing_is_read_again_after_a_restart() -> None:
    world, table = table_world(records_of(FOUR), [])
    run_loop(world, [JOIN, Event("records", most=2), Event("stop")])
    assert assert_exact(table, records_of(FOUR)) == {MA: 2}
    run_loop(table_world(records_of(FOUR), [], table=table)[0], [JOIN])
    assert assert_exact(table, records_of(FOUR)) == {MA: 4}
    half = table.half(MA)
    assert half
    assert half.redelivered == 0


def test_somebody_else_stored_first() -> None:
    """We hold records 0 to 2 when another owner stores 0 and 1: go on from 2, which counts as read again."""
    world, table = table_world(records_of(FOUR), [], batch=4, seconds=1e9)
    script = [
        JOIN,
        Event("records", most=3),
        Event("claim", (MA,)),
        Event("store", (MA,), 2),
        Event("records", most=1),
        Event("records", most=4),
        Event("stop"),
    ]
    run = run_loop(world, script)
    assert assert_exact(table, records_of(FOUR)) == {MA: 4}
    half = table.half(MA)
    assert half
    assert half.redelivered == 2
    assert run.group.committed == {MA: 4}


def test_a_database_that_forgot_its_tail_gets_it_again() -> None:
    """As after a fail-over to a replica that lagged: the stored offset is lower than ours."""
    world, table = table_world(records_of(FOUR), [])

    class FailsOver(TableSink):
        failed_over = False

        def write(self, batches: Sequence[Batch]) -> dict[TopicPartition, int]:
            if table.half(MA) and not self.failed_over:
                self.failed_over = True
                table.halves.clear()
                table.orders.clear()
            return super().write(batches)

    world.sink = sink = FailsOver(table, Faults())
    run_loop(world, [JOIN, Event("records", most=2), Event("records", most=2)])
    assert sink.failed_over
    assert assert_exact(table, records_of(FOUR)) == {MA: 4}


@pytest.mark.parametrize("silent", [False, True], ids=["it said who it was", "it never said"])
def test_a_database_that_came_back_empty_gets_everything_again(
    monkeypatch: pytest.MonkeyPatch, silent: bool
) -> None:
    """Also of partitions in which nothing more comes: no batch of theirs would ever notice."""
    monkeypatch.setattr(consume, "CHECK_S", 0.0)
    world, table = table_world(records_of(FOUR), [])

    class Wiped(TableSink):
        def write(self, batches: Sequence[Batch]) -> dict[TopicPartition, int]:
            stored = super().write(batches)
            if not table.wiped:
                table.wipe()
            return stored

        def identity(self) -> str:
            if silent and not table.wiped:
                raise SinkUnavailable("asking")
            return super().identity()

    world.sink = Wiped(table, Faults())
    world.stored = lambda p: len(records_of(FOUR)[p])  # what was published and committed before was true then
    run_loop(
        world, [JOIN, Event("records", most=4), Event("records", most=4), Event("records"), Event("stop")]
    )
    assert table.wiped
    assert assert_exact(table, records_of(FOUR)) == {MA: 4}


def test_ready_once_the_group_is_joined(tmp_path: Path) -> None:
    world, _ = table_world(records_of(FOUR), [])
    ready, stop = tmp_path / "ready", ImpatientStop()

    def join(listener: GroupListener) -> ScriptedGroup:
        return ScriptedGroup(listener, world, [JOIN, Event("stop")], stop)

    loop = ConsumeLoop("me", world.sink, stop, join, LedgerTopic(world), Readiness(ready))
    assert not ready.exists()
    loop.run()
    assert json.loads(ready.read_text()) == {"group": "etl-redis"}


# --- the ETL, whose memory is a log that anybody may append to ------------------------------------------------------


def rollups_world(
    records: Records, wrong: list[str], batch: int, seconds: float
) -> tuple[World, RollupsTopic]:
    topic = RollupsTopic()
    etl: Sink = QuickEtl(RollupsLink(topic, Faults(wrong)), "me", batch, seconds)
    rival = Rival(records, QuickEtl(RollupsLink(topic, Faults()), "rival", 1000, 0.0))

    def up_to(p: TopicPartition) -> int:
        newest = topic.newest(p)
        return newest.half.offset if newest else 0

    return World(records, etl, rival, up_to), topic


def assert_rolled_up(topic: RollupsTopic, records: Records) -> dict[TopicPartition, int]:
    """The newest valid checkpoints are exactly what lies below their offsets, which are returned."""
    offsets = {}
    for p in records:
        newest = topic.newest(p)
        offsets[p] = newest.half.offset if newest else 0
        expected, orders = once("etl", p, records[p], offsets[p])
        if newest:
            assert newest.total == roll_up(orders)[0]
            assert says(newest.half) == says(expected)
    return offsets


@settings(max_examples=150)
@given(logs, scripts, faults, batch_records, batch_s)
def test_rollups_are_exact(
    records: Records, script: list[Event], wrong: list[str], batch: int, seconds: float
) -> None:
    world, topic = rollups_world(records, wrong, batch, seconds)
    run = run_loop(world, script)
    assert assert_rolled_up(topic, records) == {p: len(records[p]) for p in records}
    assert_truthful(run, records, "etl")
    assert not run.group.paused


@settings(max_examples=100)
@given(logs, scripts, faults, batch_records, batch_s, st.integers(0, 25))
def test_rollups_are_exact_after_stopping_at_any_time(
    records: Records, script: list[Event], wrong: list[str], batch: int, seconds: float, at: int
) -> None:
    world, topic = rollups_world(records, wrong, batch, seconds)
    run = run_loop(world, [*script[: at + 1], Event("stop"), *script[at + 1 :]])
    assert_rolled_up(topic, records)
    assert_truthful(run, records, "etl")


def test_rollups_do_not_skip_a_batch_whose_fate_is_unknown() -> None:
    world, topic = rollups_world(records_of(FOUR), ["ok"] * 3 + ["down"] * 2, 1000, 0.0)
    script = [JOIN, Event("records", most=2), Event("late", most=1), Event("leave", (MA,)), Event("stop")]
    run_loop(world, script)
    assert assert_rolled_up(topic, records_of(FOUR)) == {MA: 0}


def test_stopping_before_the_sink_could_tell_where_to_start_stores_nothing() -> None:
    world, topic = rollups_world(records_of(FOUR), ["down"], 1000, 0.0)

    class StopsAtOnce(ScriptedGroup):
        def _join(self, partitions: Iterable[TopicPartition]) -> None:
            self._stop.set()
            super()._join(partitions)

    stop, ledger = ImpatientStop(), LedgerTopic(world)

    def join(listener: GroupListener) -> StopsAtOnce:
        return StopsAtOnce(listener, world, [JOIN, Event("records", most=4)], stop)

    ConsumeLoop("me", world.sink, stop, join, ledger).run()
    assert topic.records == {}
    assert ledger.published == []
