"""Kafka and databases in memory, and a world that goes wrong by a script: fakes of the workload's own protocols."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from kapture_tui.model.ledger import GroupHalf
from kapture_tui.workload.consume import ConsumeLoop, take
from kapture_tui.workload.etl import TAIL, Etl
from kapture_tui.workload.kafka import GroupListener, Lane, OnDelivery, Record, TopicPartition
from kapture_tui.workload.ledger import PartitionLog, partition_of
from kapture_tui.workload.ledger_json import decode, decode_group, encode
from kapture_tui.workload.process import StopSignal
from kapture_tui.workload.rollups import Checkpoint, newest_valid
from kapture_tui.workload.rollups import decode as decode_checkpoint
from kapture_tui.workload.rollups import encode as encode_checkpoint
from kapture_tui.workload.sinks.base import Batch, Sink, SinkUnavailable
from kapture_tui.workload.transaction import Order

Logs = Mapping[TopicPartition, Sequence[Record]]

STUCK = 300
"""Polls in a healthy world after which a loop that has not read everything never will."""


class ImpatientStop(StopSignal):
    """Waits for nothing."""

    def wait(self, timeout_s: float) -> bool:
        return bool(self)


@dataclass
class Faults:
    """What happens to the calls to come; once all are used up the world is healthy.

    Each is "ok", "down" (nothing done), "half" (the first batch done, then down) or "mute" (all done, no answer).
    """

    script: list[str] = field(default_factory=list)

    def next(self) -> str:
        return self.script.pop(0) if self.script else "ok"


# --- a database that stores offset and data together ----------------------------------------------------------------


@dataclass
class Table:
    """What is stored: by partition the ledger half as text, and the orders that took effect."""

    halves: dict[TopicPartition, bytes] = field(default_factory=dict)
    orders: dict[TopicPartition, list[Order]] = field(default_factory=dict)
    wiped: int = 0

    def wipe(self) -> None:
        """Come back without anything, as a database whose disk went with it."""
        self.halves.clear()
        self.orders.clear()
        self.wiped += 1

    def half(self, partition: TopicPartition) -> GroupHalf | None:
        text = self.halves.get(partition)
        return decode_group(text) if text else None


class TableSink:
    """One connection to a `Table`."""

    group = "etl-redis"
    documents = True

    def __init__(self, table: Table, faults: Faults, batch_records: int = 1000, batch_s: float = 0.0) -> None:
        self.table = table
        self.faults = faults
        self.batch_records = batch_records
        self.batch_s = batch_s
        self.closed = False

    def prepare(self) -> None:
        """A table is there."""

    def restore(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, GroupHalf]:
        if self.faults.next() in ("down", "half"):
            raise SinkUnavailable("reading")
        return {p: half for p in partitions if (half := self.table.half(p))}

    def write(self, batches: Sequence[Batch]) -> dict[TopicPartition, int]:
        fault = self.faults.next()
        if fault == "down":
            raise SinkUnavailable("writing")
        found = {
            batch.partition: self._store(batch) for batch in (batches[:1] if fault == "half" else batches)
        }
        if fault in ("half", "mute"):
            raise SinkUnavailable("writing", "no answer")
        return found

    def _store(self, batch: Batch) -> int:
        half = self.table.half(batch.partition)
        stored = half.offset if half else 0
        if stored != batch.start:
            return stored
        self.table.halves[batch.partition] = encode(batch.half)
        self.table.orders.setdefault(batch.partition, []).extend(batch.orders)
        return batch.half.offset

    def identity(self) -> str:
        if self.faults.script[:1] == ["down"]:  # what is scripted is for reading and writing
            raise SinkUnavailable("asking")
        return str(self.table.wiped)

    def close(self) -> None:
        self.closed = True


# --- the rollups topic ----------------------------------------------------------------------------------------------


@dataclass
class RollupsTopic:
    """Records of every partition, as text."""

    records: dict[TopicPartition, list[bytes]] = field(default_factory=dict)

    def newest(self, partition: TopicPartition) -> Checkpoint | None:
        tail = self.records.get(partition, [])[-TAIL:]
        return newest_valid(found for found in map(decode_checkpoint, tail) if found)


class RollupsLink:
    """One connection to a `RollupsTopic`."""

    def __init__(self, topic: RollupsTopic, faults: Faults) -> None:
        self.topic = topic
        self.faults = faults

    def newest(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, Checkpoint]:
        if self.faults.next() in ("down", "half"):
            raise SinkUnavailable("reading")
        return {p: found for p in partitions if (found := self.topic.newest(p))}

    def append(self, checkpoints: Mapping[TopicPartition, Checkpoint]) -> dict[TopicPartition, int]:
        fault = self.faults.next()
        if fault == "down":
            raise SinkUnavailable("writing")
        offsets = {}
        for partition, checkpoint in list(checkpoints.items())[: 1 if fault == "half" else None]:
            records = self.topic.records.setdefault(partition, [])
            offsets[partition] = len(records)
            records.append(encode_checkpoint(checkpoint))
        if fault in ("half", "mute"):
            raise SinkUnavailable("writing", "no answer")
        return offsets

    def close(self) -> None:
        pass


class QuickEtl(Etl):
    """The ETL with small batches."""

    def __init__(self, link: RollupsLink, owner: str, batch_records: int, batch_s: float) -> None:
        super().__init__(link, owner)
        self.batch_records = batch_records
        self.batch_s = batch_s


# --- other members of the group ---------------------------------------------------------------------------------------


class Rival:
    """Another consumer, which may hold a partition it was given, or has lost and does not know yet."""

    def __init__(self, logs: Logs, sink: Sink) -> None:
        self._logs = logs
        self._sink = sink
        self._owned: dict[TopicPartition, PartitionLog] = {}

    def claim(self, partition: TopicPartition) -> None:
        """Take a partition over."""
        half = self._sink.restore([partition]).get(partition)
        self._owned[partition] = PartitionLog(self._sink.group, partition, half)

    def write(self, partition: TopicPartition, most: int) -> None:
        """Store the next records, if it thinks that the partition is its own."""
        log = self._owned.get(partition)
        if log is None:
            return
        start = log.offset
        orders = take(log, self._logs[partition][start : start + most], 0)
        batch = Batch(partition, start, log.half("rival", 1.0), orders)
        if self._sink.write([batch]).get(partition) != log.offset:
            del self._owned[partition]


@dataclass
class World:
    """Everything around a consume loop.

    Attributes:
        logs: the partitions' records, whose offsets count from 0 without gaps.
        sink: the loop's.
        rival: somebody else in the group.
        stored: up to which offset a partition is stored now.
    """

    logs: Logs
    sink: Sink
    rival: Rival
    stored: Callable[[TopicPartition], int]

    def is_drained(self) -> bool:
        """Whether everything is stored."""
        return all(self.stored(p) == len(records) for p, records in self.logs.items())


# --- the group ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Event:
    """One thing that happens while the loop polls.

    Attributes:
        kind: "records", "late" (records in spite of a pause), "leave", "join", "claim" or "store" (by the rival),
            "stop".
        partitions: to which.
        most: how many records.
    """

    kind: str
    partitions: tuple[TopicPartition, ...] = ()
    most: int = 0


class ScriptedGroup:
    """A `GroupConsumer` in whose polls a script happens; then the world is healthy until everything is stored."""

    def __init__(
        self, listener: GroupListener, world: World, script: Iterable[Event], stop: StopSignal
    ) -> None:
        self.committed: dict[TopicPartition, int] = {}
        self.positions: dict[TopicPartition, int] = {}
        self.paused: set[TopicPartition] = set()
        self.left = False
        self._listener = listener
        self._world = world
        self._logs = world.logs
        self._script = list(script)
        self._stop = stop
        self._healthy_polls = 0

    def poll(self, max_records: int, timeout_s: float) -> dict[TopicPartition, list[Record]]:
        while self._script:
            event = self._script.pop(0)
            if event.kind in ("records", "late"):
                return self._fetch(min(max_records, event.most), event.kind == "late")
            if event.kind == "stop":
                self._stop.set()
                return {}
            self._happen(event)
        return self._poll_in_health(max_records)

    def _poll_in_health(self, max_records: int) -> dict[TopicPartition, list[Record]]:
        if self._healthy_polls == 0:
            self._world.sink.batch_s = 0.0
            self._leave(tuple(self.positions))
            self._join(tuple(self._logs))
        elif self._world.is_drained():
            self._stop.set()
            return {}
        self._healthy_polls += 1
        assert self._healthy_polls < STUCK, f"positions {self.positions}, paused {self.paused}"
        return self._fetch(max_records, late=False)

    def _happen(self, event: Event) -> None:
        if event.kind == "leave":
            self._leave(event.partitions)
        elif event.kind == "join":
            self._join(event.partitions)
        for partition in event.partitions:
            if event.kind == "claim":
                self._world.rival.claim(partition)
            elif event.kind == "store":
                self._world.rival.write(partition, event.most)

    def _leave(self, partitions: Iterable[TopicPartition]) -> None:
        mine = [p for p in partitions if p in self.positions]
        self._listener.revoked(mine)
        for partition in mine:  # it stays paused, as with librdkafka
            del self.positions[partition]

    def _join(self, partitions: Iterable[TopicPartition]) -> None:
        new = [p for p in partitions if p not in self.positions]
        starts = self._listener.assigned(new)
        assert starts.keys() <= set(new)
        self.positions.update({p: starts.get(p, 0) for p in new})

    def _fetch(self, most: int, late: bool) -> dict[TopicPartition, list[Record]]:
        found = {}
        for partition in sorted(self.positions):
            if partition in self.paused and not late:
                continue
            at = self.positions[partition]
            records = list(self._logs[partition][at : at + most])
            if records:
                found[partition] = records
                self.positions[partition] += len(records)
                most -= len(records)
        return found

    def seek(self, partition: TopicPartition, offset: int) -> None:
        assert partition in self.positions
        self.positions[partition] = offset

    def commit(self, offsets: Mapping[TopicPartition, int]) -> None:
        assert offsets.keys() <= self.positions.keys()
        assert all(offset <= self._world.stored(p) for p, offset in offsets.items())
        self.committed.update(offsets)

    def pause(self, partitions: Iterable[TopicPartition]) -> None:
        assert set(partitions) <= self.positions.keys()
        self.paused |= set(partitions)

    def resume(self, partitions: Iterable[TopicPartition]) -> None:
        assert set(partitions) <= self.positions.keys()  # kafka-python insists
        self.paused -= set(partitions)

    def close(self) -> None:
        self._leave(list(self.positions))
        self.left = True


class LedgerTopic:
    """A `Producer` whose every record is a published half, of what is stored already."""

    def __init__(self, world: World) -> None:
        self.published: list[GroupHalf] = []
        self._world = world

    def lane(self, topic: str, partition: int, on_delivery: OnDelivery | None) -> Lane:
        assert (topic, partition, on_delivery) == ("kapture.ledger", 0, None)

        def send(key: bytes | None, value: bytes, header: bytes | None) -> bool:
            half = decode(key, value)
            assert isinstance(half, GroupHalf)
            assert half.offset <= self._world.stored(partition_of(half.partition))
            self.published.append(half)
            return True

        return send

    def poll(self, timeout_s: float) -> None:
        pass

    def in_flight(self) -> int:
        return 0

    def flush(self, timeout_s: float) -> int:
        return 0


@dataclass
class Run:
    """A finished run of a consume loop."""

    group: ScriptedGroup
    ledger: LedgerTopic


def run_loop(world: World, script: Iterable[Event]) -> Run:
    """Run a consume loop through a script, and on until everything is stored or the script says stop."""
    stop, ledger, groups = ImpatientStop(), LedgerTopic(world), []

    def join(listener: GroupListener) -> ScriptedGroup:
        groups.append(ScriptedGroup(listener, world, script, stop))
        return groups[0]

    ConsumeLoop("me", world.sink, stop, join, ledger).run()
    return Run(groups[0], ledger)
