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
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from kapture_tui.model.ledger import GroupHalf
from kapture_tui.model.states import LEDGER_TOPIC, STATES, is_restock, transactions_topic
from kapture_tui.workload import header, restock
from kapture_tui.workload.container import ContainerReporter
from kapture_tui.workload.dead_letters import DeadLetters
from kapture_tui.workload.kafka import (
    ClientSettings,
    GroupConsumer,
    GroupListener,
    Producer,
    Record,
    TopicPartition,
    open_consumer,
    open_producer,
)
from kapture_tui.workload.ledger import PartitionLog
from kapture_tui.workload.ledger_json import encode, key_of
from kapture_tui.workload.process import NOBODY_ASKS, Readiness, StopSignal, collect_seldom
from kapture_tui.workload.settings import Settings
from kapture_tui.workload.sinks.base import Batch, Sink, SinkUnavailable
from kapture_tui.workload.transaction import Order, parse

log = logging.getLogger(__name__)

REPORT_S = 1.0
REPORT_ALL_S = 30.0
"""How often even unchanged halves are published: a broker with little room forgets old records."""

CHECK_S = 2.0
"""How often to see whether the sink's memory is still the same one, and to commit again, seconds."""

BACKOFF_S = (0.1, 0.2, 0.5, 1.0)
"""Waiting between tries at a database that is away; the last one repeats."""

Join = Callable[[GroupListener], GroupConsumer]
"""Joins the sink's consumer group: the listener is told about partitions while the consumer polls."""


class ConsumeLoop:
    """One member of a sink's consumer group.

    Args:
        name: of this process, as the owner of what it reads.
        sink: where the records go.
        stop: set when it is time to store, commit and leave.
        join: how to become a member of the sink's group.
        producer: for the ledger halves, which nobody waits for.
        readiness: told once the group is joined.
        dead: keeps what is no transaction of ours; None: another group does.
        container: tells what its container uses; None: nobody wants to know.
    """

    def __init__(
        self,
        name: str,
        sink: Sink,
        stop: StopSignal,
        join: Join,
        producer: Producer,
        readiness: Readiness = NOBODY_ASKS,
        dead: DeadLetters | None = None,
        container: ContainerReporter | None = None,
    ) -> None:
        self._name = name
        self._sink = sink
        self._stop = stop
        self._readiness = readiness
        self._dead = dead
        self._container = container
        self._logs: dict[TopicPartition, PartitionLog] = {}
        self._pending: dict[TopicPartition, list[Record]] = {}
        self._pending_since: float | None = None
        self._writing: dict[TopicPartition, Batch] = {}
        self._paused: set[TopicPartition] = set()
        self._read_to: dict[TopicPartition, int] = {}
        self._commit_again: dict[TopicPartition, int] = {}
        self._identity: str | None = None
        self._check_at = 0.0
        self._publisher = _Publisher(producer, name)
        self._joined = False
        self._consumer = join(self)

    def run(self) -> None:
        """Consume until asked to stop; then store, commit and leave the group."""
        while not self._stop:
            self._check_due()
            self._read()
            if self._due():
                self._store()
            if self._container is not None:
                self._container.report_due()
            self._publisher.publish_due(self._logs)
        self._store()
        self._publisher.publish(self._logs)
        self._consumer.close()
        self._publisher.close()
        self._sink.close()

    def _read(self) -> None:
        waiting = sum(map(len, self._pending.values()))
        self._poll(max(1, self._sink.batch_records - waiting), 0.05)
        if self._pending and self._pending_since is None:
            self._pending_since = time.monotonic()

    def _poll(self, most: int, timeout_s: float) -> None:
        for partition, records in self._consumer.poll(most, timeout_s).items():
            if partition in self._logs:
                self._pending.setdefault(partition, []).extend(records)

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
            self._readiness.say(group=self._sink.group)
        return {p: self._logs[p].offset for p in partitions if p in self._logs and self._logs[p].offset > 0}

    def revoked(self, partitions: Sequence[TopicPartition]) -> None:
        """See `GroupListener`: store what was read, then forget it."""
        # Of a batch that waits for its database nobody knows whether it was stored: what was read after it must not be
        # stored on top of it, and a half that contains it is no truth to publish.
        self._forget(self._writing.keys() & set(partitions))
        self._store_last([p for p in partitions if p in self._pending])
        # librdkafka keeps a partition paused over a rebalance: should it come back, nothing would be read of it.
        self._resume(self._paused & set(partitions))
        self._publisher.publish({p: self._logs[p] for p in partitions if p in self._logs})
        self._forget(partitions)
        for partition in partitions:
            self._read_to.pop(partition, None)

    def _store_last(self, partitions: Sequence[TopicPartition]) -> None:
        batches = [self._batch(p, self._pending.pop(p)) for p in partitions]
        if not batches:
            return
        try:
            self._settle(batches, self._written(batches), seek=False)
        except SinkUnavailable as exc:
            self._abandon(partitions, exc)

    def _take_over(self, partitions: Sequence[TopicPartition]) -> None:
        self._forget(partitions)
        stored = self._patiently_restore(partitions)
        if stored is None:
            return
        for partition in partitions:
            half = stored.get(partition)
            self._logs[partition] = PartitionLog(self._sink.group, partition, half)
            if half:
                self._commit_again[partition] = half.offset
            self._publisher.changed(partition)

    def _patiently_restore(
        self, partitions: Sequence[TopicPartition]
    ) -> Mapping[TopicPartition, GroupHalf] | None:
        """What is stored for these; None: asked to stop before the sink could tell, so they are not ours to read."""
        tries = 0
        while True:
            try:
                return self._sink.restore(partitions)
            except SinkUnavailable as exc:
                log.warning("%s", exc)
                if self._wait(tries):
                    return None
                tries += 1

    def _forget(self, partitions: Iterable[TopicPartition]) -> None:
        for partition in list(partitions):
            for memory in (self._logs, self._pending, self._writing, self._commit_again):
                memory.pop(partition, None)

    def _wait(self, tries: int) -> bool:
        return self._stop.wait(BACKOFF_S[min(tries, len(BACKOFF_S) - 1)])

    # --- storing --------------------------------------------------------------------------------------------------

    def _store(self) -> None:
        """Write what is pending; while the database is away, wait with it and stay in the group."""
        self._writing = {p: self._batch(p, records) for p, records in self._pending.items()}
        self._pending = {}
        self._pending_since = None
        tries = 0
        # A partition that goes meanwhile takes its batch along: whoever has it next reads those records again.
        while self._writing:
            try:
                batches = list(self._writing.values())
                self._settle(batches, self._written(batches))
                self._writing = {}
            except SinkUnavailable as exc:
                log.warning("%s", exc)
                if self._wait(tries):
                    self._abandon(self._writing, exc)
                    break
                tries += 1
                self._stay_in_group()
        self._resume(self._paused)

    def _written(self, batches: Sequence[Batch]) -> Mapping[TopicPartition, int]:
        if self._dead is not None:
            self._dead.settle()
        return self._sink.write(batches)

    def _stay_in_group(self) -> None:
        # A poll serves rebalances; it may still bring a record that was fetched before the pause.
        running = self._logs.keys() - self._paused
        if running:
            self._consumer.pause(running)
            self._paused |= running
        self._poll(1, 0.0)

    def _resume(self, partitions: set[TopicPartition]) -> None:
        if partitions:
            self._consumer.resume(partitions)
            self._paused = self._paused - partitions

    def _abandon(self, partitions: Collection[TopicPartition], exc: SinkUnavailable) -> None:
        log.warning(
            "%s; %d partitions have records unstored, which their next owner reads again",
            exc,
            len(partitions),
        )
        self._forget(partitions)

    def _check_due(self) -> None:
        if time.monotonic() < self._check_at:
            return
        self._check_at = time.monotonic() + CHECK_S
        # Nobody waits for a commit's answer, and one in the middle of a rebalance is refused: without a second one the
        # lag of a partition in which nothing more comes would stay, and a loader that goes by it would wait for ever.
        self._consumer.commit(self._commit_again)
        self._commit_again = {}
        self._check_memory()

    def _check_memory(self) -> None:
        """Should the database have lost what it knew, start every partition anew from what it knows now.

        A batch would notice it by itself, but partitions in which nothing more comes would never be written again.
        """
        try:
            identity = self._sink.identity()
        except SinkUnavailable:
            return  # the next batch will tell
        known, self._identity = self._identity, identity
        if identity == known or not self._logs:
            return
        stored = self._patiently_restore(list(self._logs)) or {}
        for partition, half_log in list(self._logs.items()):
            offset = stored[partition].offset if partition in stored else 0
            if offset != half_log.offset:
                self._lost_ownership(partition, offset, seek=True)

    def _batch(self, partition: TopicPartition, records: list[Record]) -> Batch:
        half_log = self._logs[partition]
        start = half_log.offset
        read_to = self._read_to.get(partition, 0)
        orders = take(half_log, records, read_to, self._keep_dead, self._sink.documents)
        self._read_to[partition] = max(self._read_to.get(partition, 0), half_log.offset)
        return Batch(partition, start, half_log.half(self._name, time.time()), orders)

    def _keep_dead(self, partition: TopicPartition, record: Record, reason: str) -> None:
        if self._dead is not None:
            self._dead.keep(partition, record, reason)

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
        self._commit_again |= done

    def _lost_ownership(self, partition: TopicPartition, offset: int | None, seek: bool) -> None:
        where = "somewhere else" if offset is None else f"to offset {offset}"
        log.warning("%s/%d was stored %s by somebody else: going on from there", *partition, where)
        self._forget([partition])
        if seek:
            self._take_over([partition])
            if partition in self._logs:
                self._consumer.seek(partition, self._logs[partition].offset)


Refuse = Callable[[TopicPartition, Record, str], None]
"""Told of each record that is no transaction of ours, with the reason."""


def _pass_over(_partition: TopicPartition, _record: Record, _reason: str) -> None:
    """The log has a line of it, and somebody else keeps it."""


def take(
    half_log: PartitionLog,
    records: Sequence[Record],
    read_to: int,
    refuse: Refuse = _pass_over,
    documents: bool = True,
) -> list[Order]:
    """Enter records into the ledger half; what is left of them are the orders that shall take effect.

    Args:
        half_log: the partition's log; its offset moves behind the records.
        read_to: offsets below this one were read before by this process.
        refuse: told of what is none of ours.
        documents: whether the orders are to have theirs.
    """
    orders: list[Order] = []
    add_order, unpack = orders.append, header.unpack
    expected = half_log.offset
    last_loader, read_log = -1, None
    read = restock.parse if is_restock(half_log.partition[0]) else parse
    for record in records:
        offset, _, value, packed = record
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
            if (sequence | intended_us) >> header.BITS:
                raise ValueError("its header has a number that no loader gets to")
            order = read(value, intended_us, loader, sequence, documents)
        except (struct.error, ValueError) as exc:
            log.warning("%s at offset %d is no transaction of ours: %s", half_log.key, offset, exc)
            half_log.foreign += 1
            refuse(half_log.partition, record, str(exc))
            continue
        if loader != last_loader or read_log is None:
            last_loader, read_log = loader, half_log.log_of(loader)
        if read_log.add(sequence):
            add_order(order)
    half_log.offset = expected
    return orders


class _Publisher:
    """Sends the halves of owned partitions to `kapture.ledger`: changed ones each second, all every half minute."""

    def __init__(self, producer: Producer, owner: str) -> None:
        self._producer = producer
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


TRANSACTIONS = tuple(map(transactions_topic, STATES))


def run_sink(
    settings: Settings,
    sink: Sink,
    stop: StopSignal,
    topics: Sequence[str] = TRANSACTIONS,
    keeps_dead: bool = False,
) -> None:
    """Run one process of a sink until told to stop. The topics must be there.

    Args:
        topics: what it reads.
        keeps_dead: keep what is no transaction of ours, which one group does for all.
    """
    collect_seldom()
    client = client_settings(settings)

    def join(listener: GroupListener) -> GroupConsumer:
        return open_consumer(client, sink.group, topics, listener)

    producer = open_producer(client)
    dead = DeadLetters(producer) if keeps_dead else None
    container = ContainerReporter(settings, producer)
    ConsumeLoop(settings.name, sink, stop, join, producer, settings.readiness, dead, container).run()


def client_settings(settings: Settings) -> ClientSettings:
    """How this process reaches Kafka."""
    return ClientSettings(
        bootstrap=settings.bootstrap,
        client_id=settings.name,
        embedded=settings.embedded,
        compression=settings.compression,
        client=settings.client,
    )
