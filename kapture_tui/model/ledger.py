"""The ledger: what loaders say they sent, what consumer groups say they read, and the verdict on both.

A message is identified by (loader, topic partition, sequence). Sequences count 0, 1, 2, … within a partition. Both
halves are sets of them, so that each lost message is found even where another one was written twice.

All functions here are pure; keeping the halves up to date is the workload's job.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum

from kapture_tui.model.histogram import Histogram
from kapture_tui.model.intervals import IntervalSet, Range

LoaderId = str
"""16 hexadecimal digits: which loader process, counting each restart as a new one; travels in every header."""

PartitionKey = str
"""A partition as "TOPIC/NUMBER", for example "transactions.MA/0"."""


class LoaderState(Enum):
    """What may still come from a loader."""

    LIVE = "live"
    """It runs: what it has not reported yet is in flight, which is neither lost nor unexpected."""
    DONE = "done"
    """Its last report is complete: nothing else was ever attempted."""
    DEAD = "dead"
    """It went without a last report: what it sent after the one we have is indeterminate."""


@dataclass(frozen=True, slots=True)
class Sent:
    """What one loader sent to one partition.

    Attributes:
        attempted: sequences 0 … attempted - 1 were handed to the client.
        acked: ranges of sequences all in-sync replicas acknowledged.
        failed: ranges of sequences the client gave up on; the broker may have them all the same.
    """

    attempted: int = 0
    acked: tuple[Range, ...] = ()
    failed: tuple[Range, ...] = ()


@dataclass(frozen=True, slots=True)
class LoaderHalf:
    """One loader's half of the ledger, as it last reported it.

    Attributes:
        loader: name of its process or pod.
        id: see `LoaderId`.
        incarnation: 0 for the first process of that name in this run, 1 after its first restart, …
        time_s: when this was reported, seconds since the epoch by the loader's clock.
        state: LIVE or DONE as it says itself; a reader turns LIVE into DEAD when it knows.
        partitions: what was sent where; partitions nothing was sent to are left out.
        offered: transactions that were due by the schedule so far; without a rate, those attempted. Of the spout: the
            orders that are in what was acknowledged.
        slip_s: how far it is behind its schedule now, seconds; 0 when on time, None without a schedule.
        rate: transactions a second it is asked for; None: as fast as the brokers take them.
        held_back: how many partitions wait for their slowest consumer group (embedded broker only).
        limited_by: what holds this loader back now, in a few words; "" if nothing does.
        ack_latency: from the intended time to the acknowledgement, microseconds, whole run.
        paused: a person paused it.
        waiting: a consumer group does not read yet, and nothing is sent before all do.
        component: what it is: a loader, or another sender that follows no schedule and no order, as the webapp.
    """

    loader: str
    id: LoaderId
    incarnation: int
    time_s: float
    state: LoaderState
    partitions: Mapping[PartitionKey, Sent] = field(default_factory=dict)
    offered: int = 0
    slip_s: float | None = None
    rate: float | None = None
    held_back: int = 0
    limited_by: str = ""
    ack_latency: Histogram = field(default_factory=Histogram)
    paused: bool = False
    waiting: bool = False
    component: str = "data-loader"

    @property
    def attempted(self) -> int:
        """Messages handed to the client, all partitions."""
        return sum(sent.attempted for sent in self.partitions.values())

    @property
    def acked(self) -> int:
        """Messages acknowledged, all partitions."""
        return sum(stop - start for sent in self.partitions.values() for start, stop in sent.acked)


@dataclass(frozen=True, slots=True)
class Read:
    """What a consumer group read of one loader in one partition.

    Attributes:
        end: one more than the highest sequence seen.
        holes: ranges below `end` that were not seen.
        duplicated: how often a sequence already seen came at another offset.
        reordered: how often a sequence came after a higher one (and was no duplicate).
    """

    end: int = 0
    holes: tuple[Range, ...] = ()
    duplicated: int = 0
    reordered: int = 0

    @property
    def delivered(self) -> IntervalSet:
        """The sequences seen."""
        return IntervalSet.until(self.end) - IntervalSet(self.holes)


@dataclass(frozen=True, slots=True)
class GroupHalf:
    """A consumer group's half of the ledger for one partition: stored with what was built from the same records.

    Attributes:
        group: the consumer group.
        partition: see `PartitionKey`.
        owner: name of the consumer that reported it.
        offset: every record below it is contained in what follows.
        time_s: when this was reported, seconds since the epoch by the consumer's clock.
        loaders: what was read, by loader.
        redelivered: records whose offset had been read before (a replay); they had no effect.
        foreign: records without our header, or that cannot be parsed; they had no effect.
        expired: offsets that the brokers had deleted before they were read.
        latency: from the intended time until stored, microseconds, whole run.
    """

    group: str
    partition: PartitionKey
    owner: str
    offset: int
    time_s: float
    loaders: Mapping[LoaderId, Read] = field(default_factory=dict)
    redelivered: int = 0
    foreign: int = 0
    expired: int = 0
    latency: Histogram = field(default_factory=Histogram)


@dataclass(frozen=True, slots=True)
class GroupLedger:
    """The verdict on one consumer group: numbers of messages.

    Attributes:
        delivered: different messages read and stored.
        lost: acknowledged, and can no longer be delivered.
        duplicated: written twice: the same message at a second offset.
        redelivered: read twice: the same offset again. No fault of anybody's.
        reordered: came after a later message of the same loader and partition.
        recovered: delivered although never acknowledged.
        unexpected: delivered although never attempted.
    """

    delivered: int = 0
    lost: int = 0
    duplicated: int = 0
    redelivered: int = 0
    reordered: int = 0
    recovered: int = 0
    unexpected: int = 0


@dataclass(frozen=True, slots=True)
class RestockLedger:
    """Both halves compared of what the spout brings back, which only the ETL reads: fields as those of `Ledger`."""

    attempted: int = 0
    acked: int = 0
    indeterminate: int = 0
    expired: int = 0
    groups: Mapping[str, GroupLedger] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Ledger:
    """Both halves compared.

    Attributes:
        attempted: messages handed to the client by all loaders, as reported.
        acked: of these, acknowledged.
        indeterminate: attempted, and no acknowledgement will come; may or may not have been written.
        expired: records the brokers deleted before some group had read them (the most of any group).
        groups: the verdict for each consumer group.
        restock: the same of what the spout brings back; None: there is no spout.
    """

    attempted: int = 0
    acked: int = 0
    indeterminate: int = 0
    expired: int = 0
    groups: Mapping[str, GroupLedger] = field(default_factory=dict)
    restock: RestockLedger | None = None


FAULTS = ("lost", "duplicated", "unexpected")
"""What must not happen to a transaction."""

RESTOCK_FAULTS = ("lost", "unexpected")
"""What must not happen to a restock: they come at least once."""


RESTOCK = "restock"
"""The line of what the spout brings back, which one group reads."""


def verdicts(ledger: Ledger) -> dict[str, GroupLedger]:
    """Every line of the ledger: that of each group, and `RESTOCK`, if there is a spout."""
    lines = dict(ledger.groups)
    for verdict in ledger.restock.groups.values() if ledger.restock else ():
        lines[RESTOCK] = verdict
    return lines


def faults(ledger: Ledger) -> Iterator[tuple[str, str, int]]:
    """What the ledger holds against the run: (line, fault, number of messages)."""
    for name, verdict in verdicts(ledger).items():
        for fault in RESTOCK_FAULTS if name == RESTOCK else FAULTS:
            if number := int(getattr(verdict, fault)):
                yield name, fault, number


def indeterminate(half: LoaderHalf, sent: Sent) -> IntervalSet:
    """Sequences that were attempted and of which nobody will ever know more than the log itself.

    A live loader's open requests do not count; those of one that is gone do.
    """
    if half.state is LoaderState.LIVE:
        return IntervalSet.of(sent.failed)
    return IntervalSet.until(sent.attempted) - IntervalSet.of(sent.acked)


def judge(
    loaders: Iterable[LoaderHalf],
    groups: Mapping[str, Mapping[PartitionKey, GroupHalf]],
    drained: Mapping[str, frozenset[PartitionKey]],
) -> Ledger:
    """Compare the halves.

    Args:
        loaders: one half a loader id.
        groups: by group, one half a partition.
        drained: by group, the partitions it has read to an end that was looked up *after* the loaders' halves were
            received. Only there an acknowledged message beyond the last one read is lost; elsewhere it is lag.
    """
    halves = {half.id: half for half in loaders}
    sent = [(half, part) for half in halves.values() for part in half.partitions.values()]
    return Ledger(
        attempted=sum(part.attempted for _, part in sent),
        acked=sum(half.acked for half in halves.values()),
        indeterminate=sum(len(indeterminate(half, part)) for half, part in sent),
        expired=max((sum(p.expired for p in parts.values()) for parts in groups.values()), default=0),
        groups={
            group: _judge_group(halves, parts, drained.get(group, frozenset()))
            for group, parts in groups.items()
        },
    )


def _judge_group(
    halves: Mapping[LoaderId, LoaderHalf],
    parts: Mapping[PartitionKey, GroupHalf],
    drained: frozenset[PartitionKey],
) -> GroupLedger:
    delivered = lost = duplicated = reordered = recovered = 0
    unexpected = sum(part.foreign for part in parts.values())
    for key, part in parts.items():
        for loader, read in part.loaders.items():
            seen = read.delivered
            delivered += len(seen)
            duplicated += read.duplicated
            reordered += read.reordered
            more_recovered, more_unexpected = _surprises(halves.get(loader), key, seen)
            recovered += more_recovered
            unexpected += more_unexpected
    for half in halves.values():
        for key, sent in half.partitions.items():
            group_half = parts.get(key)
            lost += _lost(sent, group_half.loaders.get(half.id) if group_half else None, key in drained)
    redelivered = sum(part.redelivered for part in parts.values())
    return GroupLedger(delivered, lost, duplicated, redelivered, reordered, recovered, unexpected)


def _surprises(half: LoaderHalf | None, key: PartitionKey, seen: IntervalSet) -> tuple[int, int]:
    """How many of the delivered are (recovered, unexpected)."""
    if half is None:
        return 0, len(seen)
    sent = half.partitions.get(key, Sent())
    beyond = len(seen - IntervalSet.until(sent.attempted))
    known = len(seen & indeterminate(half, sent))
    if half.state is LoaderState.LIVE:
        return known, 0
    if half.state is LoaderState.DEAD:
        return known + beyond, 0
    return known, beyond


def _lost(sent: Sent, read: Read | None, drained: bool) -> int:
    """How many acknowledged messages can no longer be delivered: passed over, or behind the end of what there is."""
    acked = IntervalSet.of(sent.acked)
    if drained:
        return len(acked - read.delivered) if read else len(acked)
    return len(acked & IntervalSet(read.holes)) if read else 0
