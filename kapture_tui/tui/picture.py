"""What a panel shows: lines, and the places in them that can be selected."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from kapture_tui.model.snapshot import Snapshot
from kapture_tui.tui.figures import seconds
from kapture_tui.tui.lines import Line, line

STALE_S = 3.0
"""A report older than this, in seconds, is shown with its age."""

REPORTED = frozenset({"kafka", "flow", "ledger", "redis", "popular", "sales"})
"""Parts of a snapshot that come from the observer: without a report, its reason is theirs."""


@dataclass(frozen=True, slots=True)
class Spot:
    """A place that can be selected.

    Attributes:
        key: what is there; the selection follows the key, wherever it moves.
        row: index into `Picture.rows`.
        x, width: cells.
        height: rows.
    """

    key: str
    row: int
    x: int
    width: int
    height: int = 1


@dataclass(frozen=True, slots=True)
class Picture:
    """What is inside a panel's frame.

    Attributes:
        title: in the frame, on the left.
        extra: in the frame, on the right.
        heading: stays in place when the rows are scrolled.
        rows: any number; the panel shows as many as fit.
        spots: in reading order.
        find: from a key to its spot; None: they are few enough to be looked through.
        foot: in the lower frame, or over the last row where there is none: why something is missing.
    """

    title: Line
    extra: Line = ()
    heading: tuple[Line, ...] = ()
    rows: Sequence[Line] = ()
    spots: Sequence[Spot] = ()
    find: Callable[[str], Spot | None] | None = None
    foot: Line = ()


def reasons(snapshot: Snapshot, *parts: str) -> Line:
    """Return why figures of some parts are missing, for a foot; empty if nothing is. The head has `silence`."""
    wanted = set(parts)
    if snapshot.report_age_s is None and REPORTED & wanted:
        wanted.add("observer")
    found = [reason for key, reason in snapshot.unavailable.items() if key.partition(".")[0] in wanted]
    return line(("; ".join(dict.fromkeys(found)), "warn")) if found else ()


def out_of_sight(snapshot: Snapshot) -> bool:
    """Return whether the target does not answer, so that everything in the snapshot is old."""
    return snapshot.age_s > STALE_S or "target" in snapshot.unavailable


def staleness(snapshot: Snapshot) -> Line:
    """Return the age of the figures when they are old; empty if they are fresh or there are none."""
    age_s = max(snapshot.age_s, snapshot.report_age_s or 0.0) or None
    return line((f"{seconds(age_s)} old", "warn")) if age_s is not None and age_s > STALE_S else ()


def silence(snapshot: Snapshot) -> Line:
    """Return how old everything is, and why the target does not answer; empty if it does."""
    why = snapshot.unavailable.get("target", "")
    age = f"{seconds(snapshot.age_s)} old" if snapshot.age_s > STALE_S else ""
    return line((": ".join(filter(None, (age, why))), "warn")) if out_of_sight(snapshot) else ()


def beside(*parts: Line) -> Line:
    """Return lines one after the other, two blanks between those that are not empty."""
    joined: Line = ()
    for part in parts:
        if part:
            joined = (*joined, ("  ", "dim"), *part) if joined else part
    return joined
