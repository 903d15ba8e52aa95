"""How late a consumer group is, in seconds: the age of the oldest record that it has not committed.

Kafka does not say when the record at an offset was written without reading it. But whoever notes the end offset once a
second knows between which two notes an offset was passed, and a straight line between them is as good as the rate was
steady in that second.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

Sample = tuple[float, int]
"""(time in seconds, end offset then); a sequence of them rises in both."""

KEPT = 300
"""Samples kept of a partition. Beyond that every second one goes, so that any lag fits, at half the resolution."""


@dataclass(frozen=True, slots=True)
class Age:
    """How long ago something was.

    Attributes:
        seconds: 0 or more.
        at_least: it is older than the first sample; `seconds` is the age of that one, a lower bound.
    """

    seconds: float
    at_least: bool = False


def age_of(samples: Sequence[Sample], offset: int, now_s: float) -> Age | None:
    """How long ago the record at `offset` was written, as far as samples of its partition's end offset tell.

    Between two samples, offsets are taken to have been written at a steady rate.

    Args:
        samples: see `Sample`, oldest first.
        now_s: now, on the samples' clock; not before the last one.

    Returns:
        None when no sample has seen the record yet (the offset is the end offset or beyond), or there are none.
    """
    after = bisect_right(samples, offset, key=lambda sample: sample[1])
    if after == len(samples):
        return None
    if after == 0:
        return Age(max(0.0, now_s - samples[0][0]), at_least=True)
    (before_s, low), (after_s, high) = samples[after - 1], samples[after]
    written_s = before_s + (after_s - before_s) * (offset - low) / (high - low)
    return Age(max(0.0, now_s - written_s))


def lag_age(samples: Sequence[Sample], committed: int, end: int, now_s: float) -> Age | None:
    """The age of the oldest record not committed: 0 when there is none, None when it is not known.

    Args:
        committed: the offset the group goes on from.
        end: the partition's end offset, looked up after `committed`.
    """
    if committed >= end:
        return Age(0.0)
    return age_of(samples, committed, now_s)


class EndOffsets:
    """A partition's end offset over time, as much of it as the slowest group still needs."""

    __slots__ = ("_samples",)

    def __init__(self) -> None:
        self._samples: list[Sample] = []

    @property
    def samples(self) -> Sequence[Sample]:
        """Oldest first; of a time without records only its first and last moment."""
        return self._samples

    def add(self, time_s: float, end: int) -> None:
        """Note the end offset. One lower than before means another topic of the same name: the past is forgotten."""
        samples = self._samples
        if samples and end < samples[-1][1]:
            samples.clear()
        if len(samples) >= 2 and samples[-1][1] == samples[-2][1] == end:
            samples[-1] = (time_s, end)
        else:
            samples.append((time_s, end))
        if len(samples) > KEPT:
            del samples[1:-1:2]

    def forget_before(self, offset: int) -> None:
        """No group will ask for offsets below this one any more."""
        # The last sample at or below the offset stays: it is the left end of the interval the offset lies in.
        passed = bisect_right(self._samples, offset, key=lambda sample: sample[1]) - 1
        if passed > 0:
            del self._samples[:passed]
