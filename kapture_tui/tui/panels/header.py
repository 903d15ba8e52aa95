"""The first line: is it well?"""

from __future__ import annotations

from kapture_tui.model.snapshot import Phase, Snapshot
from kapture_tui.tui.actions import faults
from kapture_tui.tui.figures import DASH, clock, count, millis, rate
from kapture_tui.tui.lines import Line, fit, line, line_width
from kapture_tui.tui.picture import out_of_sight, silence, staleness
from kapture_tui.tui.text import clean, clip

_GLYPHS = {
    Phase.NONE: ("○", "dim"),
    Phase.DEPLOYING: ("◌", "accent"),
    Phase.STARTING: ("◐", "accent"),
    Phase.FLOWING: ("●", "good"),
    Phase.PAUSED: ("‖", "warn"),
    Phase.DRAINING: ("◑", "accent"),
    Phase.DRAINED: ("✓", "good"),
    Phase.FAILED: ("✗", "trouble"),
    Phase.DESTROYING: ("◌", "warn"),
    Phase.GONE: ("○", "dim"),
}

NARROW = 72
"""Below so many cells the header takes several lines."""

TARGETS = {"local": "this machine", "kubernetes": "cluster"}
"""Names of targets for people."""


def header(
    snapshot: Snapshot, cells: int, frozen: bool = False, context: str = "", ago_s: float | None = None
) -> tuple[Line, ...]:
    """Return the header in lines of exactly `cells` cells: one, or several on a narrow terminal.

    Where one line is short of room, what the panels below say as well goes first: the scale, then the rates.

    Args:
        frozen: the display is paused, so everything below is old.
        context: which cluster it is; "" for this machine, or not known.
        ago_s: how long ago the snapshot was the newest one, where somebody looks back; None: it is of now.
    """
    past = _past(ago_s)
    who = _who(snapshot, context)
    if out_of_sight(snapshot):
        known = [_name(snapshot), *past, _phase(snapshot, frozen), silence(snapshot)]
        rows = _flowed(known, cells) if cells < NARROW else [_joined(known)]
        return tuple(fit(row, cells) for row in rows)
    urgent = [*_faults(snapshot), *([stale] if (stale := staleness(snapshot)) else [])]
    flow = _flow(snapshot)
    choices = (
        [who, *past, _phase(snapshot, frozen), *flow, *urgent],
        [_name(snapshot), *past, _phase(snapshot, frozen), *flow, *urgent],
        [_name(snapshot), *past, _phase(snapshot, frozen, brief=True), *flow, *urgent],
        [_name(snapshot), *past, _phase(snapshot, frozen, brief=True), *flow[1:], *urgent],
        [_name(snapshot), *past, _phase(snapshot, frozen, brief=True), *flow[2:], *urgent],
    )
    if cells < NARROW:
        rows = _flowed(choices[1], cells)
    else:
        rows = [
            next((row for row in map(_joined, choices) if line_width(row) <= cells), _joined(choices[-1]))
        ]
    return tuple(fit(row, cells) for row in rows)


def worst_p99_ms(snapshot: Snapshot) -> float | None:
    """Return the 99th percentile of the slowest group, milliseconds; None when no group has one."""
    groups = snapshot.flow.groups.values() if snapshot.flow else ()
    known = [group.latency_ms.p99 for group in groups if group.latency_ms.p99 is not None]
    return max(known) if known else None


def _flowed(parts: list[Line], cells: int) -> list[Line]:
    """Lay parts out from left to right, on as many lines as it takes."""
    rows: list[list[Line]] = [[]]
    for part in parts:
        if rows[-1] and line_width(_joined([*rows[-1], part])) > cells:
            rows.append([])
        rows[-1].append(part)
    return [_joined(row) for row in rows]


def _joined(parts: list[Line]) -> Line:
    row: Line = ((" ", "text"),)
    for index, part in enumerate(parts):
        row = (*row, ("  ", "text"), *part) if index else (*row, *part)
    return row


def _name(snapshot: Snapshot) -> Line:
    return line((clip(clean(snapshot.run.namespace or DASH), 24), "strong"))


def _who(snapshot: Snapshot, context: str) -> Line:
    target = clip(clean(context), 32) or TARGETS.get(snapshot.run.target, snapshot.run.target)
    return (*_name(snapshot), *line((f" @ {target}  scale {snapshot.run.scale}", "dim")))


def _past(ago_s: float | None) -> list[Line]:
    return [] if ago_s is None else [line((f"◂ PAST, {clock(ago_s)} ago", "trouble"))]


def _phase(snapshot: Snapshot, frozen: bool, brief: bool = False) -> Line:
    glyph, role = _GLYPHS[snapshot.run.phase]
    elapsed = clock(snapshot.run.elapsed_s)
    if frozen:
        return line(("‖ display paused ", "warn"), elapsed)
    # That it flows goes without saying; everything else is said.
    word = "" if brief and snapshot.run.phase is Phase.FLOWING else f"{snapshot.run.phase.value} "
    return line((f"{glyph} {word}", role), elapsed)


def _flow(snapshot: Snapshot) -> list[Line]:
    flow = snapshot.flow
    return [
        line(("offered ", "dim"), rate(flow.offered_per_s if flow else None)),
        line(("delivered ", "dim"), rate(flow.delivered_per_s if flow else None)),
        line(("p99 ", "dim"), millis(worst_p99_ms(snapshot))),
    ]


def _faults(snapshot: Snapshot) -> list[Line]:
    if snapshot.ledger is None:
        return [line(("lost ", "dim"), DASH)]
    found = faults(snapshot)
    if "lost" not in found:
        return [line(("lost ", "dim"), "0"), *(_fault(name, number) for name, number in found.items())]
    return [_fault(name, number) for name, number in found.items()]


def _fault(name: str, number: int) -> Line:
    return line((f"{name} {count(number)}", "trouble"))
