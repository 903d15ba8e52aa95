"""Sets of whole numbers that are mostly contiguous, kept as sorted, disjoint, non-touching ranges.

The ledger compares sets of sequence numbers, never counts: counts let ten recovered messages hide ten lost ones.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

Range = tuple[int, int]


@dataclass(frozen=True, slots=True)
class IntervalSet:
    """An immutable set of integers.

    Attributes:
        ranges: half-open ``(start, stop)`` pairs, ``start < stop``, sorted, neither overlapping nor touching.
            Build one with `of` or `until` unless the ranges are already in this form.
    """

    ranges: tuple[Range, ...] = ()

    @classmethod
    def of(cls, ranges: Iterable[Iterable[int]]) -> IntervalSet:
        """The set of all numbers in the given half-open ranges, which may overlap and come in any order."""
        merged: list[list[int]] = []
        for start, stop in sorted((int(start), int(stop)) for start, stop in ranges):
            if start >= stop:
                continue
            if merged and start <= merged[-1][1]:
                merged[-1][1] = max(merged[-1][1], stop)
            else:
                merged.append([start, stop])
        return cls(tuple((start, stop) for start, stop in merged))

    @classmethod
    def until(cls, stop: int, start: int = 0) -> IntervalSet:
        """The set ``{start, …, stop - 1}``; empty if ``stop <= start``."""
        return cls(((start, stop),)) if stop > start else cls()

    def __len__(self) -> int:
        return sum(stop - start for start, stop in self.ranges)

    def __bool__(self) -> bool:
        return bool(self.ranges)

    def __contains__(self, number: int) -> bool:
        index = bisect_right(self.ranges, number, key=lambda r: r[0]) - 1
        return index >= 0 and number < self.ranges[index][1]

    def __iter__(self) -> Iterator[int]:
        for start, stop in self.ranges:
            yield from range(start, stop)

    def __or__(self, other: IntervalSet) -> IntervalSet:
        return IntervalSet.of(self.ranges + other.ranges)

    def __and__(self, other: IntervalSet) -> IntervalSet:
        out: list[Range] = []
        mine, theirs = iter(self.ranges), iter(other.ranges)
        a, b = next(mine, None), next(theirs, None)
        while a is not None and b is not None:
            start, stop = max(a[0], b[0]), min(a[1], b[1])
            if start < stop:
                out.append((start, stop))
            if a[1] <= b[1]:
                a = next(mine, None)
            else:
                b = next(theirs, None)
        return IntervalSet(tuple(out))

    def __sub__(self, other: IntervalSet) -> IntervalSet:
        out: list[Range] = []
        holes = iter(other.ranges)
        hole = next(holes, None)
        for start, stop in self.ranges:
            while hole is not None and hole[1] <= start:
                hole = next(holes, None)
            at = start
            while hole is not None and hole[0] < stop:
                if at < hole[0]:
                    out.append((at, hole[0]))
                at = max(at, hole[1])
                if hole[1] >= stop:
                    break
                hole = next(holes, None)
            if at < stop:
                out.append((at, stop))
        return IntervalSet(tuple(out))

    @property
    def stop(self) -> int:
        """One more than the largest number; 0 for the empty set."""
        return self.ranges[-1][1] if self.ranges else 0
