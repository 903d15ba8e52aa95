"""Processes or pods, grouped by component; what is wrong with one stands under its row."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kapture_tui.model.snapshot import PodRow, Snapshot
from kapture_tui.tui.figures import age, cores, size, spark
from kapture_tui.tui.history import History
from kapture_tui.tui.lazy import Lazy
from kapture_tui.tui.lines import Line, fit, line
from kapture_tui.tui.picture import Picture, Spot, beside, reasons
from kapture_tui.tui.podgroups import Group, ailment, group, groups, total
from kapture_tui.tui.table import PLAIN, View, kept, ordered
from kapture_tui.tui.text import clean, left, right, width

COMPONENT, POD = "component/", "pod/"
"""What keys of the selection begin with."""

COLUMNS = ("name", "up", "cpu", "memory", "restarts", "age", "node")
"""What the rows can be sorted by."""

SAMPLE_S = 20.0
"""Clusters measure usage every 15 s or so; what is older is shown with its age, seconds."""

AILING = 3
"""Ailing pods that are named under a component that is folded."""

_FOLDED, _UNFOLDED = "▸", "▾"


@dataclass(frozen=True, slots=True)
class Columns:
    """Cells of each column; 0 leaves it out."""

    name: int
    cpu_bars: int
    memory_bars: int
    node: int = 0
    up: int = 4


def columns(cells: int, name: int, node: int = 0, up: int = 4) -> Columns:
    """Return the widths for so many cells: names first, then nodes if all fit, then bars, CPU's wider than memory's.

    Args:
        name, node, up: cells of the longest one.
    """
    fixed = len("  ") + up + 6 + 7 + 4 + 5
    name = min(max(name, 11) + 1, max(10, cells - fixed))
    spare = cells - fixed - name - 2
    node = node + 1 if node and node < spare else 0
    spare -= node
    return Columns(name, min(40, max(0, spare * 3 // 5)), min(24, max(0, spare * 2 // 5)), node, up)


Entry = tuple[str, Group, PodRow | None]
"""A row: its key, or "" for a remark that cannot be selected; its component; the pod it is about, if it is one."""


class Table:
    """What a panel shows of the pods of one Snapshot, row by row, before it is drawn.

    Attributes:
        entries: one a row.
        places: the row of each key.
        opened: the components whose pods have rows.
        shown: how many pods pass the filter.
    """

    def __init__(self, pods: Sequence[PodRow], unfolded: Collection[str], view: View = PLAIN) -> None:
        self.entries: list[Entry] = []
        self.opened: set[str] = set()
        self.names = self.nodes = self.ups = 0
        self.shown = 0
        for own in ordered(_kept(pods, view), view, _group_value):
            self._add(own, own.name in unfolded or bool(view.filter), view)
        self.places = {key: row for row, (key, _, _) in enumerate(self.entries) if key}

    def _add(self, own: Group, open_: bool, view: View) -> None:
        self.shown += len(own.pods)
        self.names = max(self.names, width(clean(own.name)))
        self.ups = max(self.ups, len(f"{own.ready}/{len(own.pods)}"))
        self.entries.append((COMPONENT + own.name, own, None))
        if not open_:
            self.entries += [("", own, pod) for pod in own.ailing[:AILING]]
            self.entries += [("", own, None)] if len(own.ailing) > AILING else []
            return
        self.opened.add(own.name)
        self.names = max(self.names, 1 + _longest(pod.name for pod in own.pods))
        self.nodes = max(self.nodes, _longest({pod.node for pod in own.pods if pod.node}))
        ailing = {id(pod) for pod in own.ailing}
        for pod in ordered(own.pods, view, _pod_value):
            self.entries.append((POD + pod.name, own, pod))
            if id(pod) in ailing:
                self.entries.append(("", own, pod))


class Memory:
    """The table that was made last, for as long as it is asked for again: keys redraw without adding up anew."""

    def __init__(self) -> None:
        self._of: tuple[object, ...] = ()
        self._table = Table((), ())

    def table(self, pods: Sequence[PodRow], unfolded: Collection[str], view: View) -> Table:
        """Return the table of pods."""
        wanted = (frozenset(unfolded), view)
        if not self._of or self._of[0] is not pods or self._of[1:] != wanted:
            self._of, self._table = (pods, *wanted), Table(pods, unfolded, view)
        return self._table


def picture(
    snapshot: Snapshot,
    history: History,
    cells: int,
    unfolded: Collection[str],
    view: View = PLAIN,
    memory: Memory | None = None,
) -> Picture:
    """Return the panel's picture for `cells` cells.

    Args:
        unfolded: the components whose pods are shown; a filter shows all that pass it.
        memory: of the picture before.
    """
    table = (memory or Memory()).table(snapshot.pods, unfolded, view)
    widths = columns(cells, table.names, table.nodes, max(4, table.ups + 1))
    entries = table.entries
    keys = list(table.places)

    def spot(index: int) -> Spot:
        return Spot(keys[index], table.places[keys[index]], 0, cells)

    def find(key: str) -> Spot | None:
        row = table.places.get(key)
        return None if row is None else Spot(key, row, 0, cells)

    return Picture(
        title=line(
            ("processes" if snapshot.run.target == "local" else "pods", "title"),
            *_share(table, snapshot, view),
        ),
        extra=_totals(snapshot.pods),
        heading=(_heading(widths),),
        rows=Lazy(len(entries), lambda row: fit(_drawn(entries[row], history, widths, table.opened), cells)),
        spots=Lazy(len(keys), spot),
        find=find,
        foot=reasons(snapshot, "pods"),
    )


def _share(table: Table, snapshot: Snapshot, view: View) -> Line:
    return ((f" {table.shown} of {len(snapshot.pods)}", "dim"),) if view.filter else ()


def _kept(pods: Sequence[PodRow], view: View) -> Sequence[Group]:
    if not view.filter:
        return groups(pods)
    found = ((own, kept(own.pods, view, _texts)) for own in groups(pods))
    return [
        own if len(passed) == len(own.pods) else group(own.name, passed) for own, passed in found if passed
    ]


def _texts(pod: PodRow) -> Mapping[str, str]:
    return {
        "name": pod.name,
        "component": pod.component,
        "phase": pod.phase,
        "reason": pod.reason,
        "node": pod.node or "",
    }


_VALUES: Mapping[str, tuple[Callable[[Group], Any], Callable[[PodRow], Any]]] = {
    "name": (lambda own: own.name, lambda pod: pod.name),
    "up": (lambda own: own.ready / len(own.pods), lambda pod: pod.ready),
    "cpu": (lambda own: own.cpu_cores, lambda pod: pod.cpu_cores),
    "memory": (lambda own: own.memory_bytes, lambda pod: pod.memory_bytes),
    "restarts": (lambda own: own.restarts, lambda pod: pod.restarts),
    "age": (lambda own: own.age_s, lambda pod: pod.age_s),
    "node": (lambda own: None, lambda pod: pod.node),
}


def _group_value(own: Group, column: str) -> Any:
    return _VALUES[column][0](own)


def _pod_value(pod: PodRow, column: str) -> Any:
    return _VALUES[column][1](pod)


def _longest(names: Iterable[str]) -> int:
    plain = (len(name) if name.isascii() and name.isprintable() else width(clean(name)) for name in names)
    return max(plain, default=0)


def _drawn(entry: Entry, history: History, widths: Columns, opened: Collection[str]) -> Line:
    key, own, pod = entry
    if key and pod is not None:
        return _pod(pod, widths)
    if key:
        return _component(own, history, widths, own.name in opened)
    if pod is None:
        return line((f"    and {len(own.ailing) - AILING:,} more", "warn"))
    prefix = "      " if own.name in opened else f"    {pod.name}: "
    return line((prefix + ailment(pod), "warn"))


def _heading(widths: Columns) -> Line:
    text = (
        left("  name", widths.name + 2)
        + left("node", widths.node)
        + right("up", widths.up)
        + right("cpu", 6)
        + left("", widths.cpu_bars + 1)
        + right("mem", 7)
        + left("", widths.memory_bars + 1)
        + right("rst", 4)
        + right("age", 5)
    )
    return line((text, "dim"))


def _component(own: Group, history: History, widths: Columns, open_: bool) -> Line:
    name, number = own.name, len(own.pods)
    return (
        (f"{_UNFOLDED if open_ else _FOLDED} ", "dim"),
        (left(clean(name), widths.name), "text"),
        *_node("", widths),
        (right(f"{own.ready}/{number}", widths.up), "text" if own.ready == number else "warn"),
        (right(cores(own.cpu_cores), 6) + " ", "text"),
        (left(spark(history.bars("cpu", name, widths.cpu_bars)), widths.cpu_bars), "spark"),
        (right(size(own.memory_bytes), 7) + " ", "text"),
        (left(spark(history.bars("memory", name, widths.memory_bars)), widths.memory_bars), "spark"),
        _restarts(own.restarts),
        (right(age(own.age_s), 5), "dim"),
    )


def _pod(pod: PodRow, widths: Columns) -> Line:
    return (
        (f"   {left(clean(pod.name), widths.name - 1)}", "dim" if pod.ready else "warn"),
        *_node(pod.node or "", widths),
        (right("" if pod.ready else "no", widths.up), "warn"),
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
        line(("cpu ", "dim"), cores(total(own.cpu_cores for own in groups(pods)))),
        line(("mem ", "dim"), size(total(own.memory_bytes for own in groups(pods)))),
        _measured(pods),
    )


def _measured(pods: Sequence[PodRow]) -> Line:
    """How long ago usage was measured, where that is longer than measuring takes."""
    oldest_s = max((pod.sample_age_s for pod in pods if pod.sample_age_s is not None), default=0.0)
    return line((f"{age(oldest_s)} ago", "warn")) if oldest_s > SAMPLE_S else ()
