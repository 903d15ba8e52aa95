"""The limit line: where the limit is now, or how much room is left."""

from __future__ import annotations

from kapture_tui.model.snapshot import Snapshot
from kapture_tui.tui.lines import Line, line
from kapture_tui.tui.text import clean, clip

ROWS = 1


def picture(snapshot: Snapshot, cells: int) -> Line:
    """Return the line for `cells` cells; empty while nothing is measured."""
    if snapshot.limit is None:
        return ()
    head, colon, evidence = clip(clean(snapshot.limit.text), cells - 8).partition(":")
    role = "warn" if snapshot.limit.subject else "text"
    return line((" limit: ", "dim"), (head, role), (colon + evidence, "text"))
