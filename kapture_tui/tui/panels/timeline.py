"""The timeline: what happened when; in a recording also where one stands, and what had happened last."""

from __future__ import annotations

from kapture_tui.model.event import Event, EventKind
from kapture_tui.model.snapshot import Snapshot
from kapture_tui.model.times import seconds_of, timestamp
from kapture_tui.telemetry.playback import Playback
from kapture_tui.telemetry.timeline import Timeline
from kapture_tui.tui.figures import clock
from kapture_tui.tui.lines import Line, fit, line, line_width
from kapture_tui.tui.text import clean, clip

ROWS = 2

LIVE_ROWS = 1
_LEAST_CELLS, _LEAST_ROWS = 72, 30
"""What a terminal must have for one below a run that goes on; where there is less, panels need the row more."""

_MARKS = {
    EventKind.ACTION: ("»", "accent"),
    EventKind.CHANGE: ("~", "warn"),
    EventKind.ALARM: ("!", "trouble"),
}
"""As in the events panel."""


def live_rows(cells: int, rows: int) -> int:
    """Return how many rows `live` has on a terminal of that size."""
    return LIVE_ROWS if cells >= _LEAST_CELLS and rows >= _LEAST_ROWS else 0


def live(snapshot: Snapshot, cells: int) -> tuple[Line, ...]:
    """Return the track of a run that goes on, from its beginning to now; nothing before it has begun."""
    elapsed_s = snapshot.run.elapsed_s
    if elapsed_s is None or not snapshot.time:
        return ()
    now_s = seconds_of(snapshot.time)
    timeline = Timeline.of(snapshot.events, now_s - elapsed_s, now_s)
    head, tail = f" {timestamp(now_s - elapsed_s)[11:19]} ", " now "
    room = cells - len(head) - len(tail)
    return (((head, "dim"), *_marks(timeline, timeline.length_s, room), (tail, "dim")),)


def lines(timeline: Timeline, playback: Playback, now_s: float, cells: int) -> tuple[Line, ...]:
    """Return two lines: the track with its marks, and time, speed and the last event at this position."""
    position = playback.position(now_s)
    return _track(timeline, position, cells), fit(_legend(timeline, playback, now_s, cells), cells)


def _track(timeline: Timeline, position: float, cells: int) -> Line:
    return ((" ", "text"), *_marks(timeline, position, cells - 2), (" ", "text"))


def _marks(timeline: Timeline, position: float, cells: int) -> Line:
    here = timeline.cell(position, cells)
    track: Line = ()
    for cell, kind in enumerate(timeline.kinds(cells)):
        if cell == here:
            track += (("●", "strong"),)
        elif kind is not None:
            track += (_MARKS[kind],)
        else:
            track += (("━", "dim") if cell < here else ("─", "frame"),)
    return track


def _legend(timeline: Timeline, playback: Playback, now_s: float, cells: int) -> Line:
    position = playback.position(now_s)
    time = timestamp(timeline.began_s + position)[11:19]
    head = line(
        (f" {time} ", "strong"),
        (f" {clock(position)} of {clock(timeline.length_s)} ", "text"),
        *([(f" {pace(playback, now_s)} ", "warn" if not playback.playing else "dim")]),
    )
    mark = timeline.latest(position)
    if mark is None:
        return head
    glyph, role = _MARKS[mark.event.kind]
    text = f"{mark.event.time[11:19]} {sentence(mark.event)}"
    return (*head, *line((f" {glyph} ", role), (clip(text, cells - line_width(head) - 4), "text")))


def pace(playback: Playback, now_s: float) -> str:
    """Return how it is played: "‖ paused", "■ end", "▶", "▶ ×4"."""
    if not playback.playing:
        return "‖ paused"
    if playback.ended(now_s):
        return "■ end"
    return "▶" if playback.speed == 1 else f"▶ ×{playback.speed:g}"


def sentence(event: Event) -> str:
    """Return what happened to whom."""
    text, subject = clean(event.text), clean(event.subject)
    return text if not subject or subject in text else f"{subject}: {text}"
