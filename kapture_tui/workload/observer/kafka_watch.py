"""Kafka as one source of the report: the ledger, then committed offsets, then end offsets, in this order."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from kapture_tui.model.histogram import Histogram
from kapture_tui.model.ledger import (
    GroupHalf,
    Ledger,
    LoaderHalf,
    LoaderState,
    PartitionKey,
    RestockLedger,
    judge,
)
from kapture_tui.model.snapshot import FlowView, KafkaView, LoaderRow
from kapture_tui.model.spec import Component, spout_source
from kapture_tui.model.states import LEDGER_TOPIC, STATES, is_restock, restock_topic
from kapture_tui.workload.kafka import (
    Admin,
    ClientSettings,
    KafkaError,
    Lane,
    Producer,
    Reader,
    Record,
    TopicPartition,
    open_admin,
    open_producer,
    open_reader,
)
from kapture_tui.workload.ledger import partition_key
from kapture_tui.workload.ledger_json import decode
from kapture_tui.workload.observer.flow import FlowHistory
from kapture_tui.workload.observer.ledger_book import Keeper, LedgerBook, ListeningClock
from kapture_tui.workload.observer.offsets import OffsetHistory, Offsets
from kapture_tui.workload.waiting import NotThereYet, TopicsLook

LEDGER: TopicPartition = (LEDGER_TOPIC, 0)
RESTOCK: tuple[TopicPartition, ...] = tuple((restock_topic(state), 0) for state in STATES)

READ_S = 0.5
"""How long a tick reads the ledger at most, seconds. A long one takes several ticks; until then there is no verdict."""

POLL_RECORDS = 500

BROKERS_S = 5.0
"""How often the brokers are counted, seconds."""


@dataclass(frozen=True, slots=True)
class KafkaPart:
    """What one look at Kafka adds to the report.

    Attributes:
        flow, ledger: None while the ledger is not read to its end yet.
        histograms: latency of the whole run, by group.
        unavailable: reasons for what is missing.
    """

    kafka: KafkaView
    flow: FlowView | None = None
    ledger: Ledger | None = None
    loaders: tuple[LoaderRow, ...] = ()
    drained: bool = False
    histograms: Mapping[str, Histogram] = field(default_factory=dict)
    unavailable: Mapping[str, str] = field(default_factory=dict)


class KafkaWatch:
    """Looks at Kafka once a call. Connects at the first one; the clients reconnect by themselves.

    Args:
        settings: how to reach the brokers.
        groups: the consumer groups of the transactions.
        partitions: of each transactions topic.
        clock: monotonic seconds.
        awaited: what must be there before the first look; None: it is.
    """

    def __init__(
        self,
        settings: ClientSettings,
        groups: tuple[str, ...],
        partitions: int,
        clock: Callable[[], float] = time.monotonic,
        awaited: TopicsLook | None = None,
    ) -> None:
        self._awaited = awaited
        self._settings = settings
        self._groups = groups
        self._source = spout_source(groups)
        self._clock = clock
        self._ledger = _LedgerReader(settings, clock)
        self._admin: Admin | None = None
        self._offsets = OffsetHistory(groups, partitions)
        self._flow = FlowHistory(groups)
        self._brokers: int | None = None
        self._brokers_due_s = 0.0

    def look(self) -> KafkaPart:
        """One look. Raises KafkaError when the brokers do not answer."""
        self._await_topics()
        admin = self._admin = self._admin or open_admin(self._settings)
        behind = self._ledger.catch_up(admin.end_offsets([LEDGER])[LEDGER])
        committed, reasons = self._committed(admin)
        # Everything read from the ledger until here was written before these: see `judge` on what is drained.
        ends = admin.end_offsets(self._offsets.partitions)
        restock_ends = admin.end_offsets(RESTOCK) if self._source else {}
        now_s = self._clock()
        self._offsets.add(now_s, Offsets(committed, ends))
        kafka, vague = self._offsets.view(now_s, self._count_brokers(admin, now_s))
        if vague:
            reasons["lag_s"] = (
                "some records are older than this observer: their age is at least what is shown"
            )
        if behind:
            reasons["ledger"] = reasons["flow"] = f"still reading the ledger, {behind:,} records to go"
            return KafkaPart(kafka, unavailable=reasons)
        return self._compare(kafka, ends, restock_ends, reasons, now_s)

    def _await_topics(self) -> None:
        """Raises NotThereYet while there is something to wait for before the first look."""
        if self._awaited is None:
            return
        if missing := self._awaited.missing():
            raise NotThereYet("waiting for Kafka and its topics", missing)
        self._awaited.close()
        self._awaited = None

    def close(self) -> None:
        """Let go of the connections."""
        self._ledger.close()
        if self._admin:
            self._admin.close()

    def _committed(self, admin: Admin) -> tuple[dict[str, dict[TopicPartition, int]], dict[str, str]]:
        committed: dict[str, dict[TopicPartition, int]] = {}
        reasons: dict[str, str] = {}
        for group in self._groups:
            try:
                committed[group] = admin.committed(group, self._offsets.partitions)
            except KafkaError as exc:
                reasons[f"lag of {group}"] = str(exc)
        return committed, reasons

    def _count_brokers(self, admin: Admin, now_s: float) -> int | None:
        if now_s >= self._brokers_due_s:
            self._brokers_due_s = now_s + BROKERS_S
            self._brokers = admin.brokers()
        return self._brokers

    def _compare(
        self,
        kafka: KafkaView,
        ends: Mapping[TopicPartition, int],
        restock_ends: Mapping[TopicPartition, int],
        reasons: dict[str, str],
        now_s: float,
    ) -> KafkaPart:
        senders, halves = self._ledger.halves(self._groups)
        loaders = [half for half in senders if half.component != Component.SPOUT.value]
        groups = {name: of_topics(parts, restock=False) for name, parts in halves.items()}
        drained = {group: drained_partitions(groups[group], ends) for group in self._groups}
        self._flow.add(now_s, loaders, groups)
        if not loaders:
            reasons["flow"] = "no loader has reported yet"
        ledger = judge(loaders, groups, drained)
        is_over = is_drained(loaders, drained, len(ends))
        if self._source:
            restock, brought_back = judge_restock(senders, halves[READS_RESTOCK], restock_ends)
            ledger = replace(ledger, restock=restock)
            is_over = is_over and brought_back == ledger.groups[self._source].delivered
        return KafkaPart(
            kafka, self._flow.view(), ledger, self._flow.rows(), is_over, self._flow.histograms(), reasons
        )


READS_RESTOCK = Component.ETL.value
"""The one group that reads what the spout brings back."""


def of_topics(halves: Mapping[PartitionKey, GroupHalf], restock: bool) -> Mapping[PartitionKey, GroupHalf]:
    """A group's halves of transactions only, or of restocks only."""
    return {key: half for key, half in halves.items() if is_restock(key) is restock}


def judge_restock(
    senders: Sequence[LoaderHalf],
    halves: Mapping[PartitionKey, GroupHalf],
    ends: Mapping[TopicPartition, int],
) -> tuple[RestockLedger, int | None]:
    """The ledger of what the spout brings back, and how many orders came back for good.

    Args:
        senders: all halves of senders.
        halves: of the group that reads restocks, by partition.
        ends: of the restocks' partitions, looked up after the ledger was read.

    Returns: None as the number while some restocks are not read yet.
    """
    spouts = [half for half in senders if half.component == Component.SPOUT.value]
    read = of_topics(halves, restock=True)
    drained = drained_partitions(read, ends)
    judged = judge(spouts, {READS_RESTOCK: read}, {READS_RESTOCK: drained})
    ledger = RestockLedger(
        judged.attempted, judged.acked, judged.indeterminate, judged.expired, judged.groups
    )
    # Of several books the newest ones: those before them went with their orders, which came again.
    newest = max(spouts, key=lambda half: half.incarnation, default=None)
    whole = newest is not None and len(drained) == len(ends)
    return ledger, newest.offered if newest and whole else None


def drained_partitions(
    halves: Mapping[PartitionKey, GroupHalf], ends: Mapping[TopicPartition, int]
) -> frozenset[PartitionKey]:
    """The partitions a group has read to their end; one without records is, without a half of its own.

    Args:
        halves: the group's, by partition.
        ends: end offsets, looked up after the ledger was read.
    """
    keys = {partition_key(partition): end for partition, end in ends.items()}
    return frozenset(k for k, end in keys.items() if end <= (halves[k].offset if k in halves else 0))


def is_drained(
    loaders: list[LoaderHalf], drained: Mapping[str, frozenset[PartitionKey]], partitions: int
) -> bool:
    """Whether nothing more will come and everybody has read everything. Not before some loader was seen."""
    if not loaders or any(half.state is LoaderState.LIVE for half in loaders):
        return False
    return all(len(of_group) == partitions for of_group in drained.values())


class _LedgerReader:
    """Follows `kapture.ledger` into a `LedgerBook`."""

    def __init__(self, settings: ClientSettings, clock: Callable[[], float]) -> None:
        self._settings = settings
        self._clock = clock
        self._book = LedgerBook()
        self._keeper = Keeper() if settings.embedded else None
        self._reader: Reader | None = None
        self._writer: Producer | None = None
        self._send: Lane | None = None
        self._position = 0
        self._listening = ListeningClock()

    def catch_up(self, end: int) -> int:
        """Read up to the offset `end`, for a while; how many records are still to come."""
        reader = self._reader = self._reader or open_reader(self._settings, {LEDGER: -1})
        until_s = self._clock() + READ_S
        while self._position < end and self._clock() < until_s:
            # No more than there are: a client waits for as many as it is asked for until the time is up.
            wanted = min(POLL_RECORDS, end - self._position)
            for record in reader.poll(wanted, 0.1).get(LEDGER, ()):
                self._take(record)
        self._listening.listened(self._clock())
        self._keep()
        return max(0, end - self._position)

    def halves(
        self, groups: tuple[str, ...]
    ) -> tuple[list[LoaderHalf], dict[str, Mapping[PartitionKey, GroupHalf]]]:
        """The loaders' and the groups' halves, newest known."""
        return self._book.loaders(self._listening.now_s), {group: self._book.group(group) for group in groups}

    def close(self) -> None:
        """Let go of the connections."""
        if self._reader:
            self._reader.close()

    def _take(self, record: Record) -> None:
        self._position = record.offset + 1
        half = decode(record.key, record.value)
        newer = half is not None and self._book.add(half, self._listening.now_s)
        if self._keeper:
            self._keeper.seen(record.key or b"", record.value or b"", newer)

    def _keep(self) -> None:
        """Write again what the broker would forget one day."""
        if not self._keeper:
            return
        for key, value in self._keeper.due():
            self._lane()(key, value, None)
        if self._writer:
            self._writer.poll(0.0)

    def _lane(self) -> Lane:
        if self._writer is None or self._send is None:
            self._writer = open_producer(self._settings)
            self._send = self._writer.lane(LEDGER_TOPIC, 0, None)
        return self._send
