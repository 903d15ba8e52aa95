"""Processes or pods, grouped by component; what is wrong with one stands under its row."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from kapture_tui.model.snapshot import PodRow, Snapshot
from kapture_tui.tui.figures import age, cores, size, spark
from kapture_tui.tui.history import History, total
from kapture_tui.tui.lines import Line, fit, line
from kapture_tui.tui.picture import Picture, Spot, beside, reasons
from kapture_tui.tui.text import clean, left, right, width

COMPONENT, POD = "component/", "pod/"
"""What keys of the selection begin with."""

SAMPLE_S = 20.0
"""Clusters measure usage every 15 s or so; what is older is shown with its age, seconds."""

_FOLDED, _UNFOLDED = "▸", "▾"
_RUNNING = ("Running", "Succeeded")


@dataclass(frozen=True, slots=True)
class Columns:
    """Cells of each column; 0 leaves it out."""

    name: int
    cpu_bars: int
    memory_bars: int
    node: int = 0


def columns(cells: int, names: Collection[str], nodes: Collection[str] = ()) -> Columns:
    """Return the widths for so many cells: names first, then nodes if all fit, then bars, CPU's wider than memory's."""
    longest = max([width(name) for name in names] + [11]) + 1
    fixed = len("  ") + len(" 2/2") + 6 + 7 + 4 + 5
    name = min(longest, max(10, cells - fixed))
    spare = cells - fixed - name - 2
    node = max((width(node) for node in nodes), default=-1) + 1
    node = node if node <= spare else 0
    spare -= node
    return Columns(name, min(40, max(0, spare * 3 // 5)), min(24, max(0, spare * 2 // 5)), node)


def picture(snapshot: Snapshot, history: History, cells: int, unfolded: Collection[str]) -> Picture:
    """Return the panel's picture for `cells` cells; `unfolded` are the components whose pods are shown."""
    groups = by_component(snapshot.pods)
    shown = [f" {pod.name}" for name in unfolded for pod in groups.get(name, ())]
    nodes = {clean(pod.node) for name in unfolded for pod in groups.get(name, ()) if pod.node}
    widths = columns(cells, [clean(name) for name in (*groups, *shown)], nodes)
    rows: list[Line] = []
    spots: list[Spot] = []
    for component, pods in groups.items():
        open_ = component in unfolded
        spots.append(Spot(COMPONENT + component, len(rows), 0, cells))
        rows.append(_component(component, pods, history, widths, open_))
        for pod in pods:
            if open_:
                spots.append(Spot(POD + pod.name, len(rows), 0, cells))
                rows.append(_pod(pod, widths))
            if trouble := ailment(pod):
                prefix = "      " if open_ else f"    {pod.name}: "
                rows.append(line((prefix + trouble, "warn")))
    return Picture(
        title=line(("processes" if snapshot.run.target == "local" else "pods", "title")),
        extra=_totals(snapshot.pods),
        heading=(_heading(widths),),
        rows=tuple(fit(row, cells) for row in rows),
        spots=tuple(spots),
        foot=reasons(snapshot, "pods"),
    )


def by_component(pods: Sequence[PodRow]) -> dict[str, list[PodRow]]:
    """Return the pods of each component, in the order the components first appear."""
    groups: dict[str, list[PodRow]] = {}
    for pod in pods:
        groups.setdefault(pod.component, []).append(pod)
    return groups


def ailment(pod: PodRow) -> str:
    """Return what is wrong with a pod, in a few words; "" if nothing is."""
    if pod.reason:
        return pod.reason
    return "" if pod.phase in _RUNNING else pod.phase.lower()


def _heading(widths: Columns) -> Line:
    text = (
        left("  name", widths.name + 2)
        + left("node", widths.node)
        + right("up", 4)
        + right("cpu", 6)
        + left("", widths.cpu_bars + 1)
        + right("mem", 7)
        + left("", widths.memory_bars + 1)
        + right("rst", 4)
        + right("age", 5)
    )
    return line((text, "dim"))


def _component(name: str, pods: list[PodRow], history: History, widths: Columns, open_: bool) -> Line:
    ready = sum(pod.ready for pod in pods)
    ages = [pod.age_s for pod in pods if pod.age_s is not None]
    return (
        (f"{_UNFOLDED if open_ else _FOLDED} ", "dim"),
        (left(clean(name), widths.name), "text"),
        *_node("", widths),
        (right(f"{ready}/{len(pods)}", 4), "text" if ready == len(pods) else "warn"),
        (right(cores(total(pod.cpu_cores for pod in pods)), 6) + " ", "text"),
        (left(spark(history.bars("cpu", name, widths.cpu_bars)), widths.cpu_bars), "spark"),
        (right(size(total(pod.memory_bytes for pod in pods)), 7) + " ", "text"),
        (left(spark(history.bars("memory", name, widths.memory_bars)), widths.memory_bars), "spark"),
        _restarts(sum(pod.restarts for pod in pods)),
        (right(age(min(ages, default=None)), 5), "dim"),
    )


def _pod(pod: PodRow, widths: Columns) -> Line:
    return (
        (f"   {left(clean(pod.name), widths.name - 1)}", "dim" if pod.ready else "warn"),
        *_node(pod.node or "", widths),
        (right("" if pod.ready else "no", 4), "warn"),
        (right(cores(pod.cpu_cores), 6) + " " * (widths.cpu_bars + 1), "text"),
        (right(size(pod.memory_bytes), 7) + " " * (widths.memory_bars + 1), "text"),
        _restarts(pod.restarts),
        (right(age(pod.age_s), 5), "dim"),
    )


def _node(name: str, widths: Columns) -> Line:
    return ((left(clean(name), widths.node), "dim"),) if widths.node else ()


def _restarts(number: int) -> tuple[str, str]:
    return (right(str(number), 4), "warn" if number else "dim")


def _totals(pods: Sequence[PodRow]) -> Line:
    if not pods:
        return ()
    return beside(
        line(("cpu ", "dim"), cores(total(pod.cpu_cores for pod in pods))),
        line(("mem ", "dim"), size(total(pod.memory_bytes for pod in pods))),
        _measured(pods),
    )


def _measured(pods: Sequence[PodRow]) -> Line:
    """How long ago usage was measured, where that is longer than measuring takes."""
    oldest_s = max((pod.sample_age_s for pod in pods if pod.sample_age_s is not None), default=0.0)
    return line((f"{age(oldest_s)} ago", "warn")) if oldest_s > SAMPLE_S else ()
