"""The ETL: rolls up each state's transactions into `rollups.XX`, and restocks into `rollups.restock`.

Each checkpoint record carries the totals so far, what the minutes gained since the last one, the input offset it stands
for and the ledger half: all stored by one write, so there is nothing to get out of step. Whoever takes a partition over
finds the newest valid checkpoint, writes a claim (the same state under a higher epoch) and goes on from it. What a
predecessor that does not know yet still writes has a lower epoch and counts for nobody. It learns so from the offsets
of its records: they have gaps where somebody else wrote.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from kapture_tui.model.ledger import GroupHalf
from kapture_tui.model.spec import Component, spout_source
from kapture_tui.model.states import (
    RESTOCK_ROLLUPS_TOPIC,
    STATES,
    is_restock,
    restock_topic,
    rollups_topic,
)
from kapture_tui.workload.consume import TRANSACTIONS, client_settings, run_sink
from kapture_tui.workload.kafka import (
    ClientSettings,
    KafkaError,
    Lane,
    Reader,
    Record,
    TopicPartition,
    open_producer,
    open_reader,
)
from kapture_tui.workload.ledger import partition_key
from kapture_tui.workload.process import StopSignal
from kapture_tui.workload.rollups import Checkpoint, add, decode, encode, newest_valid, roll_up
from kapture_tui.workload.settings import Settings
from kapture_tui.workload.sinks.base import Batch, SinkUnavailable
from kapture_tui.workload.topics import wait_for_topics

TAIL = 50
"""Records looked at from the end of a rollups partition: more than a predecessor writes before it learns it is one."""

ANSWER_S = 30.0


class Rollups(Protocol):
    """The log of checkpoints, by input partition. Whoever appends cannot know who else does."""

    def newest(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, Checkpoint]:
        """The newest valid checkpoint of each; those without one are left out. Raises SinkUnavailable."""
        ...

    def append(self, checkpoints: Mapping[TopicPartition, Checkpoint]) -> Mapping[TopicPartition, int]:
        """Write one checkpoint to each.

        Returns: the offset each was written at; -1 if the brokers did not say.
        Raises: SinkUnavailable: it is not known which of them were written.
        """
        ...

    def close(self) -> None:
        """Let go of the connections."""
        ...


class Etl:
    """The sink of group `etl`: see `Sink`."""

    group = Component.ETL.value
    documents = False
    batch_records = 10_000
    batch_s = 0.25

    def __init__(self, rollups: Rollups, owner: str) -> None:
        self._rollups = rollups
        self._owner = owner
        self._owned: dict[TopicPartition, Checkpoint] = {}
        self._written_at: dict[TopicPartition, int] = {}

    def prepare(self) -> None:
        """See `Sink`: its topics are there before it starts."""

    def restore(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, GroupHalf]:
        """See `Sink`: claim the partitions until the claim is the newest valid checkpoint."""
        open_claims = list(partitions)
        while open_claims:
            newest = self._rollups.newest(open_claims)
            mine = {p: self._claim(p, newest.get(p)) for p in open_claims}
            self._written_at.update(self._rollups.append(mine))
            stands = self._rollups.newest(open_claims)
            self._owned |= mine
            open_claims = [p for p in open_claims if stands.get(p) != mine[p]]
        return {p: self._owned[p].half for p in partitions if self._owned[p].half.offset > 0}

    def _claim(self, partition: TopicPartition, newest: Checkpoint | None) -> Checkpoint:
        if newest is None:
            nothing = GroupHalf(self.group, partition_key(partition), self._owner, 0, time.time())
            return Checkpoint(1, self._owner, 0, nothing)
        return replace(
            newest, epoch=newest.epoch + 1, owner=self._owner, start=newest.half.offset, simulated={}, real={}
        )

    def write(self, batches: Sequence[Batch]) -> dict[TopicPartition, int]:
        """See `Sink`: one checkpoint a partition."""
        following = {
            batch.partition: self._advance(self._owned[batch.partition], batch)
            for batch in batches
            if batch.start == self._owned[batch.partition].half.offset < batch.half.offset
        }
        lost = self._append(following) if following else set()
        self._owned |= following
        return {b.partition: self._owned[b.partition].half.offset for b in batches if b.partition not in lost}

    def _append(self, following: Mapping[TopicPartition, Checkpoint]) -> set[TopicPartition]:
        """Write these; the partitions that are somebody else's by now."""
        written_at = self._rollups.append(following)
        doubtful = [p for p, offset in written_at.items() if offset != self._written_at[p] + 1]
        stands = self._rollups.newest(doubtful) if doubtful else {}
        self._written_at.update(written_at)  # not before the doubt is settled: a retry must have it too
        return {p for p in doubtful if stands.get(p) != following[p]}

    def _advance(self, before: Checkpoint, batch: Batch) -> Checkpoint:
        gained, simulated, real = roll_up(batch.orders)
        return Checkpoint(
            before.epoch, self._owner, batch.start, batch.half, add(before.total, gained), simulated, real
        )

    def identity(self) -> str:
        """See `Sink`: what it knows lies where its input lies, and lives as long."""
        return ""

    def close(self) -> None:
        """See `Sink`."""
        self._rollups.close()


class KafkaRollups:
    """The topics `rollups.XX`: see `Rollups`."""

    def __init__(self, client: ClientSettings) -> None:
        self._client = client
        self._producer = open_producer(client)

    def newest(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, Checkpoint]:
        """See `Rollups`."""
        try:
            reader = open_reader(self._client, {})
            try:
                tails = read_tails(reader, [rollups_of(p) for p in partitions], TAIL)
            finally:
                reader.close()
        except KafkaError as exc:
            raise SinkUnavailable("reading checkpoints", str(exc)) from exc
        found = {
            p: newest_valid(filter(None, (decode(record.value) for record in tails[rollups_of(p)])))
            for p in partitions
        }
        return {p: checkpoint for p, checkpoint in found.items() if checkpoint}

    def append(self, checkpoints: Mapping[TopicPartition, Checkpoint]) -> Mapping[TopicPartition, int]:
        """See `Rollups`."""
        # Answers to an earlier call that was given up still come: they must not be taken for answers to this one.
        acked: dict[TopicPartition, int] = {}
        for partition, checkpoint in checkpoints.items():
            self._lane(partition, acked)(None, encode(checkpoint), None)
        self._producer.flush(ANSWER_S)
        if missing := len(checkpoints) - len(acked):
            raise SinkUnavailable(
                "writing checkpoints", f"{missing} of {len(checkpoints)} were not acknowledged"
            )
        return acked

    def _lane(self, partition: TopicPartition, acked: dict[TopicPartition, int]) -> Lane:
        def on_delivery(acknowledged: bool, offset: int, _header: bytes | None) -> None:
            if acknowledged:
                acked[partition] = offset

        return self._producer.lane(*rollups_of(partition), on_delivery)

    def close(self) -> None:
        """See `Rollups`."""
        self._producer.flush(ANSWER_S)


def rollups_of(partition: TopicPartition) -> TopicPartition:
    """Where the checkpoints of a partition of transactions or restocks are."""
    topic, number = partition
    state = topic.rpartition(".")[2]
    return (
        (RESTOCK_ROLLUPS_TOPIC, STATES.index(state)) if is_restock(topic) else (rollups_topic(state), number)
    )


def topics_of(settings: Settings) -> tuple[str, ...]:
    """What the ETL reads: transactions, and what the spout brings back, if there is one."""
    return TRANSACTIONS + (tuple(map(restock_topic, STATES)) if spout_source(settings.groups) else ())


def read_tails(
    reader: Reader, partitions: Sequence[TopicPartition], most: int
) -> dict[TopicPartition, list[Record]]:
    """The last records, at most `most`, of each partition as they are now.

    Raises: KafkaError: the brokers did not deliver them in time.
    """
    bounds = {partition: reader.bounds(partition) for partition in partitions}
    reader.assign({p: max(oldest, end - most) for p, (oldest, end) in bounds.items() if end > oldest})
    tails: dict[TopicPartition, list[Record]] = {p: [] for p in partitions}
    missing = {p for p, (oldest, end) in bounds.items() if end > oldest}
    deadline = time.monotonic() + ANSWER_S
    while missing:
        if time.monotonic() > deadline:
            raise KafkaError(
                "reading checkpoints", f"{len(missing)} partitions did not answer in {ANSWER_S:.0f} s"
            )
        for partition, records in reader.poll(1000, 0.2).items():
            tails[partition] += records
            if records[-1].offset >= bounds[partition][1] - 1:
                missing.discard(partition)
    return tails


def main(settings: Settings) -> None:
    """Run one ETL process until SIGTERM."""
    stop = StopSignal().install()
    if wait_for_topics(settings, stop):
        etl = Etl(KafkaRollups(client_settings(settings)), settings.name)
        run_sink(settings, etl, stop, topics_of(settings), keeps_dead=True)
