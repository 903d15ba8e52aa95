"""Latency histograms that can be added: percentiles of merged histograms are exact to the bucket width.

Buckets are log-linear as in HdrHistogram (Tene, 2012): each power of two is cut into `SUB_BUCKETS` equal parts, so a
bucket is never wider than 1/32 (3.1 %) of its lower bound. Values are microseconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

SUB_BITS = 5
SUB_BUCKETS = 1 << SUB_BITS


def bucket_of(value_us: int) -> int:
    """The number of the bucket a value falls into; values below 0 (a clock that stepped back) count as 0."""
    if value_us < SUB_BUCKETS:
        return value_us if value_us > 0 else 0
    shift = value_us.bit_length() - SUB_BITS - 1
    return (shift << SUB_BITS) + (value_us >> shift)


def lower_bound(bucket: int) -> int:
    """The smallest value, in microseconds, that falls into a bucket."""
    if bucket < 2 * SUB_BUCKETS:
        return bucket
    shift = (bucket >> SUB_BITS) - 1
    return ((bucket & (SUB_BUCKETS - 1)) + SUB_BUCKETS) << shift


@dataclass(frozen=True, slots=True)
class Histogram:
    """How often each latency was seen.

    Attributes:
        counts: bucket number to count, without empty buckets.
        max_us: the largest value seen, in microseconds, exact; 0 when empty.
    """

    counts: Mapping[int, int] = field(default_factory=dict)
    max_us: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "counts", MappingProxyType(dict(self.counts)))

    @classmethod
    def of(cls, values_us: Iterable[int]) -> Histogram:
        """The histogram of some values in microseconds."""
        counts: dict[int, int] = {}
        largest = 0
        for value in values_us:
            bucket = bucket_of(value)
            counts[bucket] = counts.get(bucket, 0) + 1
            largest = max(largest, value)
        return cls(counts, largest)

    @property
    def total(self) -> int:
        """How many values were counted."""
        return sum(self.counts.values())

    def __add__(self, other: Histogram) -> Histogram:
        counts = dict(self.counts)
        for bucket, count in other.counts.items():
            counts[bucket] = counts.get(bucket, 0) + count
        return Histogram(counts, max(self.max_us, other.max_us))

    def since(self, earlier: Histogram) -> Histogram:
        """What was counted after `earlier`, an earlier state of this same histogram.

        The exact maximum of the difference is not known: it is the upper end of its highest bucket, capped at ours.
        """
        counts = {b: n - earlier.counts.get(b, 0) for b, n in self.counts.items()}
        counts = {b: n for b, n in counts.items() if n > 0}
        return Histogram(counts, min(self.max_us, lower_bound(max(counts) + 1)) if counts else 0)

    def percentile_us(self, percent: float) -> int | None:
        """The value, in microseconds, that `percent` of all values do not exceed; None when nothing was counted.

        Nearest rank, given as the upper end of its bucket, so it is never flattering; at most the exact maximum.
        """
        rank = max(1, -(-self.total * percent // 100))
        seen = 0
        for bucket in sorted(self.counts):
            seen += self.counts[bucket]
            if seen >= rank:
                return min(lower_bound(bucket + 1), self.max_us)
        return None


def merge(histograms: Iterable[Histogram]) -> Histogram:
    """The sum of histograms."""
    counts: dict[int, int] = {}
    largest = 0
    for histogram in histograms:
        largest = max(largest, histogram.max_us)
        for bucket, count in histogram.counts.items():
            counts[bucket] = counts.get(bucket, 0) + count
    return Histogram(counts, largest)
