"""What happened, the latest first."""

from __future__ import annotations

from kapture_tui.model.event import Event, EventKind
from kapture_tui.model.snapshot import Snapshot
from kapture_tui.tui.lines import Line, fit, line
from kapture_tui.tui.picture import Picture, reasons
from kapture_tui.tui.text import clean, wrap

_GLYPHS = {
    EventKind.STEP: ("·", "dim"),
    EventKind.ACTION: ("»", "accent"),
    EventKind.CHANGE: ("~", "warn"),
    EventKind.ALARM: ("!", "trouble"),
}
_INDENT = 11


def picture(snapshot: Snapshot, cells: int, note: Line = ()) -> Picture:
    """Return the panel's picture for `cells` cells; long texts go on on the next row. `note` goes to the frame."""
    rows = [row for event in reversed(snapshot.events) for row in _event(event, cells)]
    return Picture(
        title=line(("events", "title"), (" UTC", "dim")),
        extra=note,
        rows=tuple(fit(row, cells) for row in rows),
        foot=reasons(snapshot, "events"),
    )


def _event(event: Event, cells: int) -> list[Line]:
    glyph, role = _GLYPHS[event.kind]
    text = clean(event.text)
    if event.subject and event.subject not in event.text:
        text = f"{clean(event.subject)}: {text}"
    first, *others = wrap(text, max(10, cells - _INDENT))
    colour = role if event.kind is EventKind.ALARM else "text"
    head = line((event.time[11:19].ljust(8), "dim"), (f" {glyph} ", role), (first, colour))
    return [head, *(line((" " * _INDENT + rest, colour)) for rest in others)]
