"""The one consume loop that the ETL and every sink run on.

It reads a consumer group's partitions, keeps the group's half of the ledger and hands batches to a `Sink`, which stores
them *together with* the offset they reach to and the ledger half that includes them. After a restart or a rebalance the
loop goes on from what the sink has stored, not from what was committed: so every record takes effect exactly once, and
what the committed offset is good for is showing lag.
"""

from __future__ import annotations

import logging
import struct
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from kapture_tui.model.errors import KaptureError
from kapture_tui.model.ledger import GroupHalf
from kapture_tui.model.states import LEDGER_TOPIC, STATES, transactions_topic
from kapture_tui.workload import header
from kapture_tui.workload.kafka import (
    ClientSettings,
    GroupConsumer,
    Record,
    TopicPartition,
    open_consumer,
    open_producer,
)
from kapture_tui.workload.ledger import PartitionLog
from kapture_tui.workload.ledger_json import encode, key_of
from kapture_tui.workload.process import StopSignal, say_ready
from kapture_tui.workload.settings import Settings
from kapture_tui.workload.transaction import Order, parse

log = logging.getLogger(__name__)

REPORT_S = 1.0
REPORT_ALL_S = 30.0
"""How often even unchanged halves are published: a broker with little room forgets old records."""

BACKOFF_S = (0.1, 0.2, 0.5, 1.0)
"""Waiting between tries at a database that is away; the last one repeats."""


class SinkUnavailable(KaptureError):
    """The database does not take the batch now. The loop pauses its partitions and tries the same batch again."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Records of one partition to be stored at once.

    Attributes:
        start: the offset that must be stored so far; if another one is, somebody else owns the partition.
        half: the group's ledger half including this batch; `half.offset` is the offset to be stored.
        orders: the transactions, without those that were written twice or are none.
    """

    partition: TopicPartition
    start: int
    half: GroupHalf
    orders: Sequence[Order]


class Sink(Protocol):
    """Where a consumer group's records go."""

    group: str
    """The consumer group; also names the component."""

    batch_records: int
    batch_s: float
    """A batch is written when it has so many records, or so many seconds after its first one arrived."""

    def restore(self, partitions: Sequence[TopicPartition]) -> Mapping[TopicPartition, GroupHalf]:
        """Take these partitions over: what is stored for each; those with nothing stored are left out.

        Raises: SinkUnavailable.
        """
        ...

    def write(self, batches: Sequence[Batch]) -> Mapping[TopicPartition, int]:
        """Store batches, each all or nothing; calling it again with the same batches changes nothing.

        Returns: the offset stored for each partition now. One that is not the batch's own means that somebody else
            has stored since, and this batch was not.
        Raises: SinkUnavailable: it is not known whether all of them were stored.
        """
        ...

    def close(self) -> None:
        """Let go of the connections."""
        ...


class ConsumeLoop:
    """One member of a sink's consumer group."""

    def __init__(self, settings: Settings, sink: Sink, stop: StopSignal) -> None:
        self._settings = settings
        self._sink = sink
        self._stop = stop
        self._logs: dict[TopicPartition, PartitionLog] = {}
        self._pending: dict[TopicPartition, list[Record]] = {}
        self._pending_since: float | None = None
        self._read_to: dict[TopicPartition, int] = {}
        self._publisher = _Publisher(client_settings(settings), settings.name)
        self._consumer: GroupConsumer = open_consumer(
            client_settings(settings), sink.group, [transactions_topic(state) for state in STATES], self
        )
        self._joined = False

    def run(self) -> None:
        """Consume until asked to stop; then store, commit and leave the group."""
        while not self._stop:
            self._read()
            if self._due():
                self._store()
            self._publisher.publish_due(self._logs)
        self._store()
        self._publisher.publish(self._logs)
        self._consumer.close()
        self._publisher.close()
        self._sink.close()

    def _read(self) -> None:
        waiting = sum(map(len, self._pending.values()))
        for partition, records in self._consumer.poll(
            max(1, self._sink.batch_records - waiting), 0.05
        ).items():
            if partition in self._logs:
                self._pending.setdefault(partition, []).extend(records)
        if self._pending and self._pending_since is None:
            self._pending_since = time.monotonic()

    def _due(self) -> bool:
        if self._pending_since is None:
            return False
        full = sum(map(len, self._pending.values())) >= self._sink.batch_records
        return full or time.monotonic() - self._pending_since >= self._sink.batch_s

    # --- owning partitions --------------------------------------------------------------------------------------

    def assigned(self, partitions: Sequence[TopicPartition]) -> Mapping[TopicPartition, int]:
        """See `GroupListener`: start where the sink's own memory ends."""
        self._take_over(partitions)
        if not self._joined:
            self._joined = True
            say_ready(self._settings.ready_file, group=self._sink.group)
        return {p: self._logs[p].offset for p in partitions if p in self._logs and self._logs[p].offset > 0}

    def revoked(self, partitions: Sequence[TopicPartition]) -> None:
        """See `GroupListener`: store what was read, then forget it."""
        mine = set(partitions) & self._pending.keys()
        if mine:
            batches = [self._batch(p, self._pending.pop(p)) for p in mine]
            try:
                self._settle(batches, self._sink.write(batches), seek=False)
            except SinkUnavailable as exc:
                log.warning("%s", exc)
                self._abandon(batches)
        self._publisher.publish({p: self._logs[p] for p in partitions if p in self._logs})
        for partition in partitions:
            for owned in (self._logs, self._pending, self._read_to):
                owned.pop(partition, None)

    def _take_over(self, partitions: Sequence[TopicPartition]) -> None:
        stored = self._patiently_restore(partitions)
        for partition in partitions:
            self._logs[partition] = PartitionLog(self._sink.group, partition, stored.get(partition))
            self._pending.pop(partition, None)

    def _patiently_restore(self, partitions: Sequence[TopicPartition]) -> Mapping[TopicPartition, GroupHalf]:
        tries = 0
        while True:
            try:
                return self._sink.restore(partitions)
            except SinkUnavailable as exc:
                log.warning("%s", exc)
                if self._wait(tries):
                    return {}  # nothing will be read any more
                tries += 1

    def _wait(self, tries: int) -> bool:
        return self._stop.wait(BACKOFF_S[min(tries, len(BACKOFF_S) - 1)])

    # --- storing --------------------------------------------------------------------------------------------------

    def _store(self) -> None:
        """Write what is pending; while the database is away, wait with it and stay in the group."""
        batches = [self._batch(partition, records) for partition, records in self._pending.items()]
        self._pending = {}
        self._pending_since = None
        tries = 0
        while batches:
            try:
                self._settle(batches, self._sink.write(batches))
                break
            except SinkUnavailable as exc:
                log.warning("%s", exc)
            if self._wait(tries):
                self._abandon(batches)
                break
            tries += 1
            self._stay_in_group()
            batches = [batch for batch in batches if self._still_owns(batch)]
        if tries:
            self._consumer.resume(list(self._logs))

    def _stay_in_group(self) -> None:
        # A poll serves rebalances; it may still bring a record that was fetched before the pause.
        self._consumer.pause(list(self._logs))
        for partition, records in self._consumer.poll(1, 0.0).items():
            if partition in self._logs:
                self._pending.setdefault(partition, []).extend(records)

    def _still_owns(self, batch: Batch) -> bool:
        # A partition that left and came back was restored to what is stored: the batch's records come again.
        owned = self._logs.get(batch.partition)
        return owned is not None and owned.offset == batch.half.offset

    def _abandon(self, batches: list[Batch]) -> None:
        log.warning("%s partitions have records unstored: the next owner reads them again", len(batches))
        for batch in batches:
            self._logs.pop(batch.partition, None)

    def _batch(self, partition: TopicPartition, records: list[Record]) -> Batch:
        half_log = self._logs[partition]
        start = half_log.offset
        orders = take(half_log, records, self._read_to.get(partition, 0))
        self._read_to[partition] = max(self._read_to.get(partition, 0), half_log.offset)
        return Batch(partition, start, half_log.half(self._settings.name, time.time()), orders)

    def _settle(self, batches: list[Batch], stored: Mapping[TopicPartition, int], seek: bool = True) -> None:
        now_us = time.time_ns() // 1000
        done: dict[TopicPartition, int] = {}
        for batch in batches:
            if stored.get(batch.partition) == batch.half.offset:
                done[batch.partition] = batch.half.offset
                self._logs[batch.partition].latency.add_all(
                    now_us - order.intended_us for order in batch.orders
                )
                self._publisher.changed(batch.partition)
            else:
                self._lost_ownership(batch.partition, stored.get(batch.partition), seek)
        self._consumer.commit(done)

    def _lost_ownership(self, partition: TopicPartition, offset: int | None, seek: bool) -> None:
        log.warning("%s/%d was stored up to %s by somebody else: going on from there", *partition, offset)
        self._logs.pop(partition, None)
        if seek:
            self._take_over([partition])
            self._consumer.seek(partition, self._logs[partition].offset)


def take(half_log: PartitionLog, records: Sequence[Record], read_to: int) -> list[Order]:
    """Enter records into the ledger half; what is left of them are the orders that shall take effect.

    Args:
        half_log: the partition's log; its offset moves behind the records.
        read_to: offsets below this one were read before by this process.
    """
    orders: list[Order] = []
    add_order, unpack = orders.append, header.unpack
    expected = half_log.offset
    last_loader, read_log = -1, None
    for offset, _, value, packed in records:
        if offset != expected:
            if offset < expected:  # stored already: a replay without effect
                half_log.redelivered += 1
                continue
            half_log.expired += offset - expected
        expected = offset + 1
        if offset < read_to:
            half_log.redelivered += 1
        try:
            loader, sequence, intended_us = unpack(packed or b"")
            order = parse(value, intended_us)
        except (struct.error, ValueError) as exc:
            log.warning("%s at offset %d is no transaction of ours: %s", half_log.key, offset, exc)
            half_log.foreign += 1
            continue
        if loader != last_loader or read_log is None:
            last_loader, read_log = loader, half_log.log_of(loader)
        if read_log.add(sequence):
            add_order(order)
    half_log.offset = expected
    return orders


class _Publisher:
    """Sends the halves of owned partitions to `kapture.ledger`: changed ones each second, all every half minute."""

    def __init__(self, settings: ClientSettings, owner: str) -> None:
        self._producer = open_producer(settings)
        self._send = self._producer.lane(LEDGER_TOPIC, 0, None)
        self._owner = owner
        self._changed: set[TopicPartition] = set()
        self._next_s = 0.0
        self._next_all_s = 0.0

    def changed(self, partition: TopicPartition) -> None:
        """This partition's half is not the published one any more."""
        self._changed.add(partition)

    def publish_due(self, logs: Mapping[TopicPartition, PartitionLog]) -> None:
        """Publish if a second is over."""
        now = time.monotonic()
        if now < self._next_s:
            return
        self._next_s = now + REPORT_S
        if now >= self._next_all_s:
            self._next_all_s = now + REPORT_ALL_S
            self._changed |= logs.keys()
        self.publish(logs)

    def publish(self, logs: Mapping[TopicPartition, PartitionLog]) -> None:
        """Publish the changed ones of these now."""
        now_s = time.time()
        for partition in self._changed & logs.keys():
            half = logs[partition].half(self._owner, now_s)
            self._send(key_of(half), encode(half), None)
        self._changed -= logs.keys()
        self._producer.poll(0.0)

    def close(self) -> None:
        """Wait until everything is published, for a while."""
        left = self._producer.flush(10.0)
        if left:
            log.warning("%d ledger reports of %s were not acknowledged", left, self._owner)


def client_settings(settings: Settings) -> ClientSettings:
    """How this process reaches Kafka."""
    return ClientSettings(
        bootstrap=settings.bootstrap,
        client_id=settings.name,
        embedded=settings.embedded,
        compression=settings.compression,
        client=settings.client,
    )
