"""How far every consumer group is behind in every state, in records and in time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kapture_tui.model.snapshot import GroupLag, Snapshot, TopicView
from kapture_tui.model.states import STATES
from kapture_tui.tui.figures import short
from kapture_tui.tui.lines import Line, fit, line
from kapture_tui.tui.picture import Picture, Spot, beside, reasons, staleness
from kapture_tui.tui.text import left, right

LATENESS = ((3.0, " ", "text"), (15.0, "░", "text"), (60.0, "▒", "warn"), (300.0, "▓", "trouble"))
"""Up to how many seconds behind, which shade, which role; what is later yet is `LATEST`.

Groups store what they have read about once a second, so up to three seconds is as good as it gets.
"""

LATEST = ("█", "trouble")

_FIGURE, _GAP = 4, 1


@dataclass(frozen=True, slots=True)
class Grid:
    """How the states are laid out: `columns` of `width` cells each, `rows` in all."""

    columns: int
    rows: int
    width: int


def grid(groups: int, cells: int) -> Grid:
    """Return the layout for a number of groups in so many cells."""
    least = 2 + groups * (_FIGURE + 2)
    columns = max(1, min(len(STATES), cells // least))
    # Columns keep a gap between them where that costs none of them.
    width = max(least, min((cells + _GAP) // columns, least + 4))
    return Grid(columns, -(-len(STATES) // columns), width)


def shade(group: GroupLag | None) -> tuple[str, str]:
    """Return glyph and role for how late a group is: readable without colour, the darker the later."""
    if group is None or group.lag_s is None:
        return " ", "text"
    for limit_s, glyph, role in LATENESS:
        if group.lag_s < limit_s:
            return glyph, role
    return LATEST


def picture(snapshot: Snapshot, cells: int, height: int, headed: bool = True) -> Picture:
    """Return the panel's picture for `cells` cells and `height` rows, of which a heading takes one.

    States keep their alphabetical places where all of them fit; where they must be scrolled, late ones come first.
    """
    groups = group_names(snapshot)
    layout = grid(len(groups), cells)
    heading = (_heading(groups, layout, cells),) if headed else ()
    shown = height - len(heading)
    fits = layout.rows <= shown
    order = STATES if fits else _late_first(snapshot)
    rows, spots = _cells(snapshot, order, groups, layout, down=fits)
    return Picture(
        title=_title(groups, with_names=not heading),
        extra=beside(_totals(snapshot, groups), staleness(snapshot)),
        heading=heading,
        rows=tuple(fit(row, cells) for row in rows),
        spots=spots,
        foot=reasons(snapshot, "kafka") or line(("░ >3 s  ▒ >15 s  ▓ >1 min  █ >5 min behind", "dim"))
        if fits
        else (),
    )


def group_names(snapshot: Snapshot) -> tuple[str, ...]:
    """Return the consumer groups; those of the ETL alone while nothing is known."""
    return tuple(snapshot.kafka.total.groups) if snapshot.kafka and snapshot.kafka.total.groups else ("etl",)


def _title(groups: Sequence[str], with_names: bool) -> Line:
    names = f" {' │ '.join(groups)}" if with_names else ""
    return line(("lag by state", "title"), (names, "dim"))


def _heading(groups: Sequence[str], layout: Grid, cells: int) -> Line:
    names = "".join(f"{right(_brief(name), _FIGURE + 1)} " for name in groups)
    cell = left(f"  {names}", layout.width)
    return fit(line((cell * layout.columns, "dim")), cells, "dim")


def _brief(group: str) -> str:
    """Return a group's name for a narrow column: what follows the first dash, if anything."""
    return group.partition("-")[2] or group


def _totals(snapshot: Snapshot, groups: Sequence[str]) -> Line:
    if snapshot.kafka is None:
        return ()
    total = snapshot.kafka.total.groups
    figures = " │ ".join(short(total[name].lag) if name in total else short(None) for name in groups)
    return line(("total ", "dim"), figures)


def _late_first(snapshot: Snapshot) -> tuple[str, ...]:
    """Return the states, the later the earlier. Ranked by shade, so that what is equally late keeps its place."""
    shades = [" ", *(glyph for _, glyph, _ in LATENESS[1:]), LATEST[0]]

    def rank(state: str) -> int:
        topic = snapshot.kafka.states.get(state) if snapshot.kafka else None
        return (
            -max((shades.index(shade(group)[0]) for group in topic.groups.values()), default=0)
            if topic
            else 0
        )

    return tuple(sorted(STATES, key=rank))


def _cells(
    snapshot: Snapshot, order: Sequence[str], groups: Sequence[str], layout: Grid, down: bool
) -> tuple[list[Line], tuple[Spot, ...]]:
    rows: list[Line] = [()] * layout.rows
    spots = []
    states = snapshot.kafka.states if snapshot.kafka else {}
    for row in range(layout.rows):
        for column in range(layout.columns):
            index = column * layout.rows + row if down else row * layout.columns + column
            if index < len(order):
                state = order[index]
                rows[row] += fit(_cell(state, states.get(state), groups), layout.width)
                spots.append(Spot(state, row, column * layout.width, 2 + len(groups) * (_FIGURE + 2)))
    return rows, tuple(spots)


def _cell(state: str, topic: TopicView | None, groups: Sequence[str]) -> Line:
    spans: list[tuple[str, str]] = [(state, "dim")]
    for name in groups:
        group = topic.groups.get(name) if topic else None
        glyph, role = shade(group)
        lag = group.lag if group else None
        # A lag below 0 cannot be: it is shown as it is, and as trouble.
        spans.append((right(short(lag), _FIGURE + 1), "trouble" if lag is not None and lag < 0 else "text"))
        spans.append((glyph, role))
    return tuple(spans)
