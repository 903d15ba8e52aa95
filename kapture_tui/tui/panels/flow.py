"""Transactions through the stack, stage by stage, with how long they take."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kapture_tui.model.snapshot import FlowView, GroupFlow, Latency, Snapshot
from kapture_tui.tui.figures import millis, rate, seconds, spark
from kapture_tui.tui.history import THEN, History
from kapture_tui.tui.lines import Line, fit, line
from kapture_tui.tui.panels.lag import group_names
from kapture_tui.tui.picture import Picture, reasons, staleness
from kapture_tui.tui.table import PLAIN, View, kept, ordered
from kapture_tui.tui.text import clean, left, right

_BRIEF, _NOTE = 10, 22
"""Cells of "p99 340 ms", and of "p50 340 ms  p99 340 ms"."""


COLUMNS = ("group", "rate", "p99")
"""What the rows of the groups can be sorted by."""


def picture(
    snapshot: Snapshot, history: History, cells: int, boxed: bool = True, view: View = PLAIN
) -> Picture:
    """Return the panel's picture for `cells` cells; only a frame has room for what limits the flow."""
    flow = snapshot.flow or FlowView()
    groups = flow.groups or {name: GroupFlow() for name in group_names(snapshot)}
    name = max([len(group) for group in groups] + [8]) + 1
    brief = cells < name + 8 + 8 + _NOTE
    bars = max(0, cells - name - 10 - (_BRIEF if brief else _NOTE))
    widths = name, bars
    rows = [
        *_rows("offered", flow.offered_per_s, _schedule(flow, brief), history, widths),
        *_rows("acked", flow.acked_per_s, _latency(flow.ack_latency_ms, brief), history, widths),
    ]
    for group, figures in ordered(kept(groups.items(), view, lambda item: {"group": item[0]}), view, _value):
        note = _latency(figures.latency_ms, brief)
        rows += _rows(group, figures.delivered_per_s, note, history, widths)
    against = f"  then: {clean(history.ghost.name)}" if history.ghost is not None else ""
    return Picture(
        title=line(("flow", "title"), (against, "accent")),
        extra=staleness(snapshot) or line((flow.mode or "", "dim")),
        rows=tuple(fit(row, cells) for row in rows),
        foot=reasons(snapshot, "flow") or (limit(snapshot) if boxed else ()),
    )


def _value(item: tuple[str, GroupFlow], column: str) -> str | float | None:
    name, figures = item
    return {"group": name, "rate": figures.delivered_per_s, "p99": figures.latency_ms.p99}[column]


def ghosts(history: History, groups: Sequence[str]) -> int:
    """Return how many rows an earlier run takes beside this one."""
    return (
        sum(name in history.ghost.figures for name in ("offered", "acked", *groups)) if history.ghost else 0
    )


def _rows(
    name: str, per_s: float | None, note: Line, history: History, widths: tuple[int, int]
) -> Iterator[Line]:
    """A figure's row, and below it what that was in an earlier run at the same second, on the same scale."""
    yield _row(name, per_s, note, history, widths)
    if history.ghost is None or name not in history.ghost.figures:
        return
    name_cells, bars = widths
    then = history.newest(THEN, name)
    ahead = f"now {100 * per_s / then - 100:+.0f} %" if per_s is not None and then else ""
    drawn = spark(history.bars(THEN, name, bars), history.bars("rate", name, bars))
    yield (
        (left("  then", name_cells), "dim"),
        (right(rate(then), 7) + " ", "dim"),
        (left(drawn, bars), "dim"),
        (f"  {ahead}", "dim"),
    )


def _row(name: str, per_s: float | None, note: Line, history: History, widths: tuple[int, int]) -> Line:
    name_cells, bars = widths
    return (
        (left(clean(name), name_cells), "dim"),
        (right(rate(per_s), 7) + " ", "text"),
        (left(spark(history.bars("rate", name, bars), history.bars(THEN, name, bars)), bars), "spark"),
        ("  ", "text"),
        *note,
    )


def _schedule(flow: FlowView, brief: bool) -> Line:
    if flow.loader_slip_s is None:
        return ()
    if flow.loader_slip_s < 1:
        return line(("on time" if brief else "on schedule", "dim"))
    return line((f"{seconds(flow.loader_slip_s)} {'late' if brief else 'behind schedule'}", "warn"))


def _latency(latency: Latency, brief: bool) -> Line:
    if brief:
        return line(("p99 ", "dim"), right(millis(latency.p99), 6))
    return line(
        ("p50 ", "dim"), right(millis(latency.p50), 6), ("  p99 ", "dim"), right(millis(latency.p99), 6)
    )


def limit(snapshot: Snapshot) -> Line:
    """Return what the loaders say holds them back, where nothing better is known; empty if nothing does."""
    text = snapshot.flow.limited_by if snapshot.flow and snapshot.limit is None else ""
    return line(("limit: ", "dim"), text) if text else ()
