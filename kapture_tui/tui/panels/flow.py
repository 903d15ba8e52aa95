"""Transactions through the stack, stage by stage, with how long they take."""

from __future__ import annotations

from kapture_tui.model.snapshot import FlowView, GroupFlow, Latency, Snapshot
from kapture_tui.tui.figures import millis, rate, seconds, spark
from kapture_tui.tui.history import History
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
    rows = [
        _row("offered", flow.offered_per_s, _schedule(flow, brief), history, (name, bars)),
        _row("acked", flow.acked_per_s, _latency(flow.ack_latency_ms, brief), history, (name, bars)),
    ]
    for group, figures in ordered(kept(groups.items(), view, lambda item: {"group": item[0]}), view, _value):
        rows.append(
            _row(group, figures.delivered_per_s, _latency(figures.latency_ms, brief), history, (name, bars))
        )
    return Picture(
        title=line(("flow", "title")),
        extra=staleness(snapshot) or line((flow.mode or "", "dim")),
        rows=tuple(fit(row, cells) for row in rows),
        foot=reasons(snapshot, "flow") or (limit(snapshot) if boxed else ()),
    )


def _value(item: tuple[str, GroupFlow], column: str) -> str | float | None:
    name, figures = item
    return {"group": name, "rate": figures.delivered_per_s, "p99": figures.latency_ms.p99}[column]


def _row(name: str, per_s: float | None, note: Line, history: History, widths: tuple[int, int]) -> Line:
    name_cells, bars = widths
    return (
        (left(clean(name), name_cells), "dim"),
        (right(rate(per_s), 7) + " ", "text"),
        (left(spark(history.bars("rate", name, bars)), bars), "spark"),
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
