"""What happened, the latest first."""

from __future__ import annotations

from collections.abc import Mapping

from kapture_tui.model.event import Event, EventKind
from kapture_tui.model.snapshot import Snapshot
from kapture_tui.tui.lines import Line, fit, line
from kapture_tui.tui.picture import Picture, Spot, reasons
from kapture_tui.tui.table import PLAIN, View, kept, ordered
from kapture_tui.tui.text import clean, wrap

_GLYPHS = {
    EventKind.STEP: ("·", "dim"),
    EventKind.ACTION: ("»", "accent"),
    EventKind.CHANGE: ("~", "warn"),
    EventKind.ALARM: ("!", "trouble"),
}
_INDENT = 11


EVENT = "event/"
"""What keys of the selection begin with."""

COLUMNS = ("time", "kind", "subject")
"""What the rows can be sorted by."""


def subject_of(key: str, snapshot: Snapshot) -> str:
    """Return what the event of a key is about; "" for the run as a whole."""
    told = (e for e in snapshot.events if key == f"{EVENT}{e.time} {e.subject} {e.text}")
    return next((event.subject for event in told), "")


def picture(snapshot: Snapshot, cells: int, note: Line = (), view: View = PLAIN) -> Picture:
    """Return the panel's picture for `cells` cells; long texts go on on the next row. `note` goes to the frame."""
    seen = ordered(
        kept(reversed(snapshot.events), view, _texts), view, lambda event, column: _texts(event)[column]
    )
    rows: list[Line] = []
    spots: dict[str, Spot] = {}
    for event in seen:
        drawn = _event(event, cells)
        key = f"{EVENT}{event.time} {event.subject} {event.text}"
        spots.setdefault(key, Spot(key, len(rows), 0, cells, len(drawn)))
        rows += drawn
    return Picture(
        title=line(("events", "title"), (" UTC", "dim")),
        extra=note,
        rows=tuple(fit(row, cells) for row in rows),
        spots=tuple(spots.values()),
        foot=reasons(snapshot, "events"),
    )


def _texts(event: Event) -> Mapping[str, str]:
    return {"time": event.time[11:19], "kind": event.kind.value, "subject": event.subject, "text": event.text}


def _event(event: Event, cells: int) -> list[Line]:
    glyph, role = _GLYPHS[event.kind]
    text = clean(event.text)
    if event.subject and event.subject not in event.text:
        text = f"{clean(event.subject)}: {text}"
    first, *others = wrap(text, max(10, cells - _INDENT))
    colour = role if event.kind is EventKind.ALARM else "text"
    head = line((event.time[11:19].ljust(8), "dim"), (f" {glyph} ", role), (first, colour))
    return [head, *(line((" " * _INDENT + rest, colour)) for rest in others)]
