"""What the databases do, one row each; where there is room, what keeps the selected one busy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kapture_tui.model.snapshot import Snapshot
from kapture_tui.tui.databases import DATABASE, Shape, lead, listed, names, part, shape, written
from kapture_tui.tui.figures import DASH, count, rate, spark
from kapture_tui.tui.history import History
from kapture_tui.tui.lines import Line, fit, line, line_width
from kapture_tui.tui.picture import Picture, Spot, staleness
from kapture_tui.tui.table import PLAIN, View, kept, ordered
from kapture_tui.tui.text import clean, clip, left, right

COLUMNS = ("name", "rate")
"""What the rows can be sorted by."""

ABSENT = "not deployed"

_WIDE, _NARROW = 14, 9
"""Cells of the name."""

_BARS = 24
_FIGURE, _NOTE = 6, 13
"""Cells of a note's figure, and of most notes: bars take what two of them leave, or one where it is narrow."""


def picture(
    snapshot: Snapshot,
    history: History,
    cells: int,
    height: int,
    selected: str | None = None,
    view: View = PLAIN,
) -> Picture:
    """Return the panel's picture for `cells` cells and `height` rows; `selected` is the key of the selection."""
    seen = kept(names(snapshot), view, lambda name: {"name": name})
    seen = ordered(seen, view, lambda name, column: name if column == "name" else lead(snapshot, name))
    present = {name: part(snapshot, name) for name in seen}
    reasons = {name: _reason(snapshot, name) for name, figures in present.items() if figures is None}
    common = _silence(snapshot) or _common(reasons)
    shown = [name for name in present if reasons.get(name) != ABSENT]
    absent = [name for name in present if reasons.get(name) == ABSENT]
    rows: list[Line] = []
    for name in shown:
        figures = present[name]
        if figures is None:
            rows.append(_missing(name, reasons[name] if reasons[name] != common else DASH, cells))
        else:
            rows.append(_row(name, figures, shape(name, figures), history, cells))
    if len(rows) + len(absent) <= height:
        rows += [_missing(name, ABSENT, cells, "dim") for name in absent]
        shown += absent
    elif absent:
        rows.append(line((clip(f"{ABSENT}: {', '.join(absent)}", cells), "dim")))
    spots = tuple(Spot(DATABASE + name, row, 0, cells) for row, name in enumerate(shown))
    chosen = _chosen(selected, present)
    if chosen is not None:
        rows += _busy(chosen, cells, height - len(rows) - 1)
    return Picture(
        title=line(("databases", "title")),
        extra=staleness(snapshot),
        rows=tuple(fit(row, cells) for row in rows),
        spots=spots,
        foot=line((common, "warn")) if common else (),
    )


def _reason(snapshot: Snapshot, name: str) -> str:
    return snapshot.unavailable.get(name) or _silence(snapshot) or DASH


def _silence(snapshot: Snapshot) -> str:
    """Why there is no report at all; "" if there is one."""
    return snapshot.unavailable.get("observer", "") if snapshot.report_age_s is None else ""


def _common(reasons: Mapping[str, str]) -> str:
    """The reason that several have in common, for the foot; "" if there is none."""
    said = [reason for reason in reasons.values() if reason not in (ABSENT, DASH)]
    return next((reason for reason in said if said.count(reason) > 1), "")


def _row(name: str, figures: Mapping[str, Any], shape_: Shape, history: History, cells: int) -> Line:
    narrow = cells < 50
    head: Line = (
        (left(clean(shape_.brief if narrow else name), _NARROW if narrow else _WIDE), "dim"),
        (right(count(figures.get(shape_.lead)), 5), "text"),
        (" " + left(shape_.unit, 6) + " ", "dim"),
    )
    room = cells - line_width(head)
    bars = max(0 if narrow else 5, min(_BARS, room - (_NOTE if narrow else 2 * _NOTE)))
    drawn = left(spark(history.bars("database", name, bars)), bars)
    notes: Line = ()
    for label, figure in shape_.notes:
        told = f" {label} ", written(figure, figures.get(figure))
        if bars + line_width(notes) + sum(map(len, told)) > room:
            break
        notes += line((told[0], "dim"), left(told[1], _FIGURE))
    return (*head, (drawn, "spark"), *notes)


def _missing(name: str, why: str, cells: int, role: str = "warn") -> Line:
    return line((left(name, _NARROW if cells < 50 else _WIDE), "dim"), (why, role if why != DASH else "text"))


def _chosen(
    selected: str | None, present: Mapping[str, Mapping[str, Any] | None]
) -> Mapping[str, Any] | None:
    """The figures of the database that is selected, or of the first one that can say more than its row."""
    own = present.get((selected or "").removeprefix(DATABASE))
    if own is not None and listed(own):
        return own
    return next((figures for figures in present.values() if figures is not None and listed(figures)), None)


def _busy(figures: Mapping[str, Any], cells: int, room: int) -> list[Line]:
    """Return the busiest commands or routes, each with a bar of its share."""
    busiest = list(listed(figures).items())[: max(0, room)]
    most = max((per_s for _, per_s in busiest), default=0.0) or 1.0
    bars = max(0, cells - _WIDE - 10)
    rows = [
        line(
            (left(clean(name), _WIDE), "dim"),
            right(rate(per_s), 8),
            "  ",
            ("▪" * round(per_s / most * bars), "spark"),
        )
        for name, per_s in busiest
    ]
    return [(), *rows] if rows else []
