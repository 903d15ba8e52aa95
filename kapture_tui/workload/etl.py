"""The ETL: rolls up each state's transactions into `rollups.XX`.

Each checkpoint record carries the totals so far, what the minutes gained since the last one, the input offset it stands
for and the ledger half: all stored by one write, so there is nothing to get out of step. Whoever takes a partition over
finds the newest valid checkpoint, writes a claim (the same state under a higher epoch) and goes on from it. What a
predecessor that does not know yet still writes has a lower epoch and counts for nobody.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from kapture_tui.model.ledger import GroupHalf
from kapture_tui.model.spec import Component
from kapture_tui.model.states import rollups_topic
from kapture_tui.workload.consume import Batch, ConsumeLoop, SinkUnavailable, client_settings
from kapture_tui.workload.fastjson import dumps, loads
from kapture_tui.workload.kafka import (
    ClientSettings,
    KafkaError,
    Reader,
    Record,
    TopicPartition,
    open_producer,
    open_reader,
)
from kapture_tui.workload.ledger_json import group_wire, read_group
from kapture_tui.workload.process import StopSignal
from kapture_tui.workload.settings import Settings
from kapture_tui.workload.transaction import Order

log = logging.getLogger(__name__)

TAIL = 50
"""Records looked at from the end of a rollups partition: more than a predecessor writes before it learns it is one."""

ANSWER_S = 30.0

MINUTES_A_DAY = 1440
US_A_MINUTE = 60_000_000


class Tally(NamedTuple):
    """Orders, items in them, and what they cost, in cents."""

    orders: int = 0
    items: int = 0
    cents: int = 0


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """One record of a rollups partition.

    Attributes:
        epoch: grows with each owner of the partition.
        owner: name of the process that wrote it.
        start: the input offset of the checkpoint before; equal to `half.offset` for a claim.
        half: the ledger half; `half.offset` is the input offset this stands for.
        total: of all transactions below that offset.
        simulated: what was added since `start`, by minute of simulated time.
        real: what was added since `start`, by minute of real time (intended send time) since the epoch.
    """

    epoch: int
    owner: str
    start: int
    half: GroupHalf
    total: Tally = Tally()
    simulated: Mapping[int, Tally] = field(default_factory=dict)
    real: Mapping[int, Tally] = field(default_factory=dict)


def encode(checkpoint: Checkpoint) -> bytes:
    """A checkpoint as JSON; a tally is [orders, items, cents]."""
    return dumps(
        {
            "epoch": checkpoint.epoch,
            "owner": checkpoint.owner,
            "start": checkpoint.start,
            "half": group_wire(checkpoint.half),
            "total": list(checkpoint.total),
            "simulated": {minute: list(tally) for minute, tally in checkpoint.simulated.items()},
            "real": {minute: list(tally) for minute, tally in checkpoint.real.items()},
        }
    )


def decode(value: bytes | None) -> Checkpoint | None:
    """The checkpoint in a record; None if it is none (nobody else should write there)."""
    try:
        wire = loads(value or b"")
        return Checkpoint(
            epoch=int(wire["epoch"]),
            owner=str(wire["owner"]),
            start=int(wire["start"]),
            half=read_group(wire["half"]),
            total=Tally(*wire["total"]),
            simulated={int(minute): Tally(*tally) for minute, tally in wire["simulated"].items()},
            real={int(minute): Tally(*tally) for minute, tally in wire["real"].items()},
        )
    except (AttributeError, KeyError, TypeError, ValueError):
        return None


def roll_up(orders: Iterable[Order]) -> tuple[Tally, dict[int, Tally], dict[int, Tally]]:
    """(all together, by minute of simulated time, by minute of real time)."""
    simulated: dict[int, list[int]] = {}
    real: dict[int, list[int]] = {}
    for order in orders:
        items, cents = len(order.products), order.cents
        for tallies, minute in (
            (simulated, int(order.day * MINUTES_A_DAY)),
            (real, order.intended_us // US_A_MINUTE),
        ):
            tally = tallies.get(minute)
            if tally is None:
                tallies[minute] = [1, items, cents]
            else:
                tally[0] += 1
                tally[1] += items
                tally[2] += cents
    by_minute = {minute: Tally(*tally) for minute, tally in real.items()}
    return add(*by_minute.values()), {m: Tally(*t) for m, t in simulated.items()}, by_minute


def add(*tallies: Tally) -> Tally:
    """The sum of tallies."""
    return Tally(*(sum(column) for column in zip(*tallies, strict=True))) if tallies else Tally()


def newest_valid(checkpoints: Iterable[Checkpoint]) -> Checkpoint | None:
    """The checkpoint to go on from, of a partition's last ones in order; None without any.

    A higher epoch takes over; of two owners that claim the same epoch the first one has it; lower epochs are ignored.
    """
    newest: Checkpoint | None = None
    for checkpoint in checkpoints:
        same = newest is not None and (checkpoint.epoch, checkpoint.owner) == (newest.epoch, newest.owner)
        if same or newest is None or checkpoint.epoch > newest.epoch:
            newest = checkpoint
    return newest


class Etl:
    """The sink of group `etl`: see `Sink`."""

    group = Component.ETL.value
    batch_records = 10_000
    batch_s = 0.25

    def __init__(self, client: ClientSettings, owner: str) -> None:
        self._client = client
        self._owner = owner
        self._producer = open_producer(client)
        self._acked = 0
        self._owned: dict[TopicPartition, Checkpoint] = {}

    def restore(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, GroupHalf]:
        """See `Sink`: claim the partitions until the claim is the newest valid checkpoint."""
        open_claims = list(partitions)
        try:
            while open_claims:
                newest = _read_newest(self._client, open_claims)
                mine = {p: self._claim(p, newest.get(p)) for p in open_claims}
                self._publish(mine)
                stands = _read_newest(self._client, open_claims)
                for partition in open_claims:
                    if stands.get(partition) == mine[partition]:
                        self._owned[partition] = mine[partition]
                open_claims = [p for p in open_claims if stands.get(p) != mine[p]]
        except KafkaError as exc:
            raise SinkUnavailable("reading checkpoints", str(exc)) from exc
        return {p: self._owned[p].half for p in partitions if self._owned[p].half.offset > 0}

    def _claim(self, partition: TopicPartition, newest: Checkpoint | None) -> Checkpoint:
        if newest is None:
            nothing = GroupHalf(self.group, f"{partition[0]}/{partition[1]}", self._owner, 0, time.time())
            return Checkpoint(1, self._owner, 0, nothing)
        return replace(
            newest, epoch=newest.epoch + 1, owner=self._owner, start=newest.half.offset, simulated={}, real={}
        )

    def write(self, batches: Sequence[Batch]) -> dict[TopicPartition, int]:
        """See `Sink`: one checkpoint a partition."""
        following = {batch.partition: self._advance(self._owned[batch.partition], batch) for batch in batches}
        self._publish(following)
        self._owned |= following
        return {partition: checkpoint.half.offset for partition, checkpoint in following.items()}

    def _advance(self, before: Checkpoint, batch: Batch) -> Checkpoint:
        if before.half.offset == batch.half.offset:  # a retry of what was stored after all
            return before
        gained, simulated, real = roll_up(batch.orders)
        return Checkpoint(
            before.epoch, self._owner, batch.start, batch.half, add(before.total, gained), simulated, real
        )

    def _publish(self, checkpoints: Mapping[TopicPartition, Checkpoint]) -> None:
        self._acked = 0
        for (topic, number), checkpoint in checkpoints.items():
            send = self._producer.lane(rollups_topic(topic.rpartition(".")[2]), number, self._on_ack)
            send(None, encode(checkpoint), None)
        self._producer.flush(ANSWER_S)
        if self._acked < len(checkpoints):
            missing = len(checkpoints) - self._acked
            raise SinkUnavailable(
                "writing checkpoints", f"{missing} of {len(checkpoints)} were not acknowledged"
            )

    def _on_ack(self, acknowledged: bool, _offset: int, _header: bytes | None) -> None:
        self._acked += acknowledged

    def close(self) -> None:
        """See `Sink`."""
        self._producer.flush(ANSWER_S)


def _read_newest(
    client: ClientSettings, partitions: Sequence[TopicPartition]
) -> dict[TopicPartition, Checkpoint]:
    """The newest valid checkpoint of each input partition; those without one are left out."""
    rollups = {
        (rollups_topic(topic.rpartition(".")[2]), number): (topic, number) for topic, number in partitions
    }
    reader = open_reader(client, {})
    try:
        tails = read_tails(reader, list(rollups), TAIL)
    finally:
        reader.close()
    found = {}
    for rollup, records in tails.items():
        newest = newest_valid(filter(None, (decode(record.value) for record in records)))
        if newest:
            found[rollups[rollup]] = newest
    return found


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
    etl = Etl(client_settings(settings), settings.name)
    ConsumeLoop(settings, etl, StopSignal().install()).run()
