"""Cause and effect: what was done and what happened, at its second of a session. Pure."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from kapture_tui.model.event import Event, EventKind
from kapture_tui.model.times import seconds_of

MARKED = (EventKind.CHANGE, EventKind.ACTION, EventKind.ALARM)
"""What stands on a timeline; where several share a place, the last of these is shown."""

HERE_S = 0.5
"""A mark so near to a position is taken for the one that was jumped to."""


@dataclass(frozen=True, slots=True)
class Mark:
    """Something on a timeline: `position_s` seconds from its beginning."""

    position_s: float
    event: Event


@dataclass(frozen=True, slots=True)
class Timeline:
    """A stretch of time and the marks on it, in their order.

    Attributes:
        began_s: seconds since the epoch.
        length_s: seconds.
    """

    began_s: float
    length_s: float
    marks: tuple[Mark, ...]

    @classmethod
    def of(cls, events: Iterable[Event], began_s: float, ended_s: float) -> Timeline:
        """The timeline from one time to another, seconds since the epoch; events that are told twice count once."""
        told = {event for event in events if event.kind in MARKED and began_s <= _second(event) <= ended_s}
        marks = sorted((Mark(_second(event) - began_s, event) for event in told), key=_order)
        return cls(began_s, ended_s - began_s, tuple(marks))

    def before(self, position_s: float) -> Mark | None:
        """The mark before a position, for going back; None: there is none."""
        at = bisect_left(self.marks, position_s - HERE_S, key=_position)
        return self.marks[at - 1] if at else None

    def after(self, position_s: float) -> Mark | None:
        """The mark after a position, for going forth; None: there is none."""
        at = bisect_right(self.marks, position_s + HERE_S, key=_position)
        return self.marks[at] if at < len(self.marks) else None

    def latest(self, position_s: float) -> Mark | None:
        """The last thing that had happened at a position; None: nothing had."""
        at = bisect_right(self.marks, position_s + HERE_S, key=_position)
        return self.marks[at - 1] if at else None

    def kinds(self, cells: int) -> Sequence[EventKind | None]:
        """What to show in each of so many equal parts: the gravest kind of mark; None: no mark."""
        shown: list[EventKind | None] = [None] * cells
        for mark in self.marks:
            cell = self.cell(mark.position_s, cells)
            before = shown[cell]
            if before is None or MARKED.index(mark.event.kind) > MARKED.index(before):
                shown[cell] = mark.event.kind
        return shown

    def cell(self, position_s: float, cells: int) -> int:
        """Which of so many equal parts a position falls into."""
        if self.length_s <= 0:
            return 0
        return min(cells - 1, max(0, int(position_s / self.length_s * cells)))


def _second(event: Event) -> float:
    try:
        return seconds_of(event.time)
    except ValueError:  # of a recording that somebody has written by hand: before everything
        return float("-inf")


def _position(mark: Mark) -> float:
    return mark.position_s


def _order(mark: Mark) -> tuple[float, str, str]:
    return mark.position_s, mark.event.subject, mark.event.text
