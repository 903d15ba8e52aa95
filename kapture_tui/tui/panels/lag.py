"""How far every consumer group is behind in every state, in records and in time."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from kapture_tui.model.snapshot import Snapshot, TopicView
from kapture_tui.model.states import STATES
from kapture_tui.tui.figures import short
from kapture_tui.tui.lateness import rank, shade
from kapture_tui.tui.lines import Line, fit, line, line_width
from kapture_tui.tui.panels import country
from kapture_tui.tui.picture import Picture, Spot, beside, reasons, staleness
from kapture_tui.tui.table import PLAIN, View, kept, ordered
from kapture_tui.tui.text import left, right

COLUMNS = ("state", "lag", "late", "in")
"""What the list can be sorted by."""

_FIGURE, _GAP = 4, 1

_PLENTY = 48


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


def rows_wanted(groups: int, cells: int, room: int) -> int:
    """Return how many rows show all states at once in so many cells, as a map where that is wide enough.

    Args:
        room: rows that all panels share; where it is plenty, states have a third row.
    """
    country_ = country.layout(cells, (3 if room > _PLENTY else 2) * country.ROWS)
    return country_.rows if country_ else grid(groups, max(20, cells)).rows


def picture(
    snapshot: Snapshot,
    cells: int,
    height: int,
    headed: bool = True,
    group: str | None = None,
    view: View = PLAIN,
) -> Picture:
    """Return the panel's picture for `cells` cells and `height` rows: the map, or a list where it does not fit.

    Args:
        headed: a heading of the list may take a row.
        group: the consumer group that is shown; None: in the map that which is slowest, in the list all of them.
    """
    layout = country.layout(cells, height)
    seen = kept(STATES, view, lambda state: {"state": state})
    # Who sorts wants to read from top to bottom.
    if layout is not None and not view.order:
        return _map(snapshot, cells, group, layout, seen)
    return _list(snapshot, cells, height, headed, group, view, seen)


def _map(
    snapshot: Snapshot, cells: int, group: str | None, layout: country.Layout, seen: Collection[str]
) -> Picture:
    states = snapshot.kafka.states if snapshot.kafka else {}
    states = {state: states.get(state, TopicView()) for state in seen}
    rows, spots = country.drawn(states, group, layout)
    legend = _legend(cells)
    latest = country.caption(states, group, cells - line_width(legend) - 4)
    return Picture(
        title=_title((group,) if group else ("slowest group",), with_names=True),
        extra=beside(_totals(snapshot, (group,) if group else group_names(snapshot)), staleness(snapshot)),
        rows=tuple(fit(row, cells) for row in rows),
        spots=spots,
        foot=reasons(snapshot, "kafka") or beside(latest, legend),
    )


def _legend(cells: int) -> Line:
    long = "░ >3 s  ▒ >15 s  ▓ >1 min  █ >5 min behind"
    return line((long if cells > 70 else "░ 3s ▒ 15s ▓ 1m █ 5m", "dim"))


def _list(
    snapshot: Snapshot,
    cells: int,
    height: int,
    headed: bool,
    group: str | None,
    view: View,
    seen: Sequence[str],
) -> Picture:
    """States keep their alphabetical places where all of them fit; where they must be scrolled, late ones are first."""
    groups = (group,) if group else group_names(snapshot)
    layout = grid(len(groups), cells)
    heading = (_heading(groups, layout, cells),) if headed else ()
    fits = layout.rows <= height - len(heading)
    if view.order:
        order: Sequence[str] = ordered(
            seen, view, lambda state, column: _value(snapshot, groups, state, column)
        )
    else:
        order = list(seen) if fits else _late_first(snapshot, groups, seen)
    rows, spots = _cells(snapshot, order, groups, layout, down=fits)
    return Picture(
        title=_title(groups, with_names=not heading),
        extra=beside(_totals(snapshot, groups), staleness(snapshot)),
        heading=heading,
        rows=tuple(fit(row, cells) for row in rows),
        spots=spots,
        foot=(reasons(snapshot, "kafka") or _legend(cells)) if fits else (),
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


def _value(snapshot: Snapshot, groups: Sequence[str], state: str, column: str) -> str | float | None:
    if column == "state":
        return state
    topic = snapshot.kafka.states.get(state) if snapshot.kafka else None
    if topic is None or column == "in":
        return topic.in_per_s if topic else None
    lags = [topic.groups[name] for name in groups if name in topic.groups]
    known = [lag.lag if column == "lag" else lag.lag_s for lag in lags]
    return max((value for value in known if value is not None), default=None)


def _late_first(snapshot: Snapshot, groups: Sequence[str], seen: Sequence[str]) -> Sequence[str]:
    """Return the states, the later the earlier. Ranked by shade, so that what is equally late keeps its place."""

    def lateness(state: str) -> int:
        topic = snapshot.kafka.states.get(state) if snapshot.kafka else None
        return max((rank(topic.groups.get(name)) for name in groups), default=0) if topic else 0

    return sorted(seen, key=lateness, reverse=True)


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
