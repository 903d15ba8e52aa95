"""Keeping both halves of the ledger up to date, message by message.

The comparison itself is in `kapture_tui.model.ledger`; here is what runs for each message, so it is short.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable

from kapture_tui.model.histogram import SUB_BITS, SUB_BUCKETS, Histogram
from kapture_tui.model.intervals import IntervalSet, Range
from kapture_tui.model.ledger import GroupHalf, PartitionKey, Read, Sent
from kapture_tui.workload.header import loader_id
from kapture_tui.workload.kafka.base import TopicPartition


def partition_key(partition: TopicPartition) -> PartitionKey:
    """A partition as the ledger names it."""
    return f"{partition[0]}/{partition[1]}"


def partition_of(key: PartitionKey) -> TopicPartition:
    """The partition that the ledger calls `key`."""
    topic, _, number = key.rpartition("/")
    return topic, int(number)


class SentLog:
    """What one loader sent to one partition.

    Relies on what an idempotent producer promises that never gives a message up: acknowledgements of one partition come
    in the order of sending, so one holds for all messages before it.

    Attributes:
        attempted: messages sent; the next sequence.
    """

    __slots__ = ("_acked", "attempted")

    def __init__(self) -> None:
        self.attempted = 0
        self._acked = 0

    def acknowledged(self, sequence: int) -> None:
        """This message was acknowledged, and all before it."""
        self._acked = sequence + 1

    def settled(self) -> None:
        """Nothing is in flight any more."""
        self._acked = self.attempted

    def sent(self) -> Sent:
        """The state as a value."""
        return Sent(self.attempted, IntervalSet.until(self._acked).ranges)


class ReadLog:
    """What was read of one loader in one partition: everything below `end` but the holes."""

    __slots__ = ("_holes", "duplicated", "end", "reordered")

    def __init__(self, read: Read | None = None) -> None:
        read = read or Read()
        self.end = read.end
        self.duplicated = read.duplicated
        self.reordered = read.reordered
        self._holes: list[Range] = list(read.holes)

    def add(self, sequence: int) -> bool:
        """Count a message at an offset not read before. False: this sequence was already there (written twice)."""
        if sequence == self.end:
            self.end = sequence + 1
            return True
        if sequence > self.end:
            self._holes.append((self.end, sequence))
            self.end = sequence + 1
            return True
        return self._late(sequence)

    def _late(self, sequence: int) -> bool:
        index = bisect_right(self._holes, sequence, key=lambda hole: hole[0]) - 1
        if index < 0 or sequence >= self._holes[index][1]:
            self.duplicated += 1
            return False
        start, stop = self._holes[index]
        rest = [(start, sequence), (sequence + 1, stop)]
        self._holes[index : index + 1] = [(a, b) for a, b in rest if a < b]
        self.reordered += 1
        return True

    def read(self) -> Read:
        """The state as a value."""
        return Read(self.end, tuple(self._holes), self.duplicated, self.reordered)


class HistogramLog:
    """A latency histogram that grows; microseconds. The buckets are those of `kapture_tui.model.histogram`."""

    __slots__ = ("_counts", "_max")

    def __init__(self, histogram: Histogram | None = None) -> None:
        self._counts: dict[int, int] = dict(histogram.counts) if histogram else {}
        self._max = histogram.max_us if histogram else 0

    def add_all(self, values_us: Iterable[int]) -> None:
        """Count some values."""
        counts, largest = self._counts, self._max
        for value in values_us:
            if value > largest:
                largest = value
            if value < SUB_BUCKETS:
                bucket = value if value > 0 else 0
            else:  # `bucket_of`, spelled out: a call a message costs more than all of this
                shift = value.bit_length() - SUB_BITS - 1
                bucket = (shift << SUB_BITS) + (value >> shift)
            counts[bucket] = counts.get(bucket, 0) + 1
        self._max = largest

    def histogram(self) -> Histogram:
        """The state as a value."""
        return Histogram(self._counts, self._max)


class PartitionLog:
    """A consumer group's half of the ledger for one partition, while it is owned.

    Attributes:
        offset: the next offset to be read.
    """

    def __init__(self, group: str, partition: TopicPartition, half: GroupHalf | None = None) -> None:
        self.group = group
        self.partition = partition
        self.key = partition_key(partition)
        self.offset = half.offset if half else 0
        self.redelivered = half.redelivered if half else 0
        self.foreign = half.foreign if half else 0
        self.expired = half.expired if half else 0
        self.latency = HistogramLog(half.latency if half else None)
        self.loaders: dict[int, ReadLog] = {
            int(loader, 16): ReadLog(read) for loader, read in (half.loaders.items() if half else ())
        }

    def log_of(self, loader: int) -> ReadLog:
        """The log of one loader, by its number in the header."""
        log = self.loaders.get(loader)
        if log is None:
            log = self.loaders[loader] = ReadLog()
        return log

    def half(self, owner: str, now_s: float) -> GroupHalf:
        """The state as a value."""
        return GroupHalf(
            group=self.group,
            partition=self.key,
            owner=owner,
            offset=self.offset,
            time_s=now_s,
            loaders={loader_id(number): log.read() for number, log in self.loaders.items()},
            redelivered=self.redelivered,
            foreign=self.foreign,
            expired=self.expired,
            latency=self.latency.histogram(),
        )
