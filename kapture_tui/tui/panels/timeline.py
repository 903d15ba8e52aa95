"""The timeline: where one stands in a recording, what happened when, and what had happened last."""

from __future__ import annotations

from kapture_tui.model.event import Event, EventKind
from kapture_tui.model.times import timestamp
from kapture_tui.telemetry.playback import Playback
from kapture_tui.telemetry.timeline import Timeline
from kapture_tui.tui.figures import clock
from kapture_tui.tui.lines import Line, fit, line, line_width
from kapture_tui.tui.text import clean, clip

ROWS = 2

_MARKS = {
    EventKind.ACTION: ("»", "accent"),
    EventKind.CHANGE: ("~", "warn"),
    EventKind.ALARM: ("!", "trouble"),
}
"""As in the events panel."""


def lines(timeline: Timeline, playback: Playback, now_s: float, cells: int) -> tuple[Line, ...]:
    """Return two lines: the track with its marks, and time, speed and the last event at this position."""
    position = playback.position(now_s)
    return _track(timeline, position, cells), fit(_legend(timeline, playback, now_s, cells), cells)


def _track(timeline: Timeline, position: float, cells: int) -> Line:
    inner = cells - 2
    here, kinds = timeline.cell(position, inner), timeline.kinds(inner)
    track: Line = ((" ", "text"),)
    for cell, kind in enumerate(kinds):
        if cell == here:
            track += (("●", "strong"),)
        elif kind is not None:
            track += (_MARKS[kind],)
        else:
            track += (("━", "accent") if cell < here else ("─", "frame"),)
    return (*track, (" ", "text"))


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
