"""Everything known about one thing: a pod, a component, a database. States have a screen of their own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from kapture_tui.model.pods import by_component
from kapture_tui.model.snapshot import PodRow, Snapshot
from kapture_tui.tui import databases, figures
from kapture_tui.tui.databases import DATABASE
from kapture_tui.tui.history import History
from kapture_tui.tui.lines import Line, fit, line
from kapture_tui.tui.panels import events
from kapture_tui.tui.panels.pods import COMPONENT, POD
from kapture_tui.tui.picture import Picture, reasons, staleness
from kapture_tui.tui.podgroups import ailment, total
from kapture_tui.tui.text import clean, left, right

_LABEL = 16


def picture(snapshot: Snapshot, history: History, key: str, cells: int) -> Picture:
    """Return the picture for the key of a selection: a pod, a component or a database."""
    if key.startswith(POD):
        return _pod(snapshot, key.removeprefix(POD), cells)
    if key.startswith(DATABASE):
        return _database(snapshot, history, key.removeprefix(DATABASE), cells)
    return _component(snapshot, history, key.removeprefix(COMPONENT), cells)


def _picture(title: str, rows: Iterable[Line], cells: int, extra: Line = (), foot: Line = ()) -> Picture:
    return Picture(line((title, "title")), extra, rows=tuple(fit(row, cells) for row in rows), foot=foot)


def _fact(label: str, value: str, role: str = "text") -> Line:
    return line((left(label, _LABEL), "dim"), (value, role))


def _pod(snapshot: Snapshot, name: str, cells: int) -> Picture:
    pod = next((pod for pod in snapshot.pods if pod.name == name), None)
    if pod is None:
        return _picture(clean(name), [line(("it is gone", "warn"))], cells)
    rows = [*_facts(pod), *_words(snapshot, name), *_events(snapshot, name, cells)]
    return _picture(clean(name), rows, cells, foot=reasons(snapshot, "pods"))


def _facts(pod: PodRow) -> list[Line]:
    trouble = ailment(pod)
    rows = [
        _fact("component", pod.component),
        _fact("phase", pod.phase),
        _fact("trouble", trouble, "warn") if trouble else (),
        _fact("ready", "yes" if pod.ready else "no", "text" if pod.ready else "warn"),
        _fact("restarts", str(pod.restarts), "warn" if pod.restarts else "text"),
        _fact("age", figures.age(pod.age_s)),
        _fact("node", pod.node) if pod.node else (),
        (),
        _fact("cpu", f"{figures.cores(pod.cpu_cores)} cores{_of(figures.cores, pod.cpu_limit)}"),
        _fact("memory", f"{figures.size(pod.memory_bytes)}{_of(figures.size, pod.memory_limit)}"),
        _fact("throttled", figures.percent(pod.throttled_ratio)) if pod.throttled_ratio is not None else (),
        _fact("measured", f"{figures.seconds(pod.sample_age_s)} ago") if pod.sample_age_s is not None else (),
    ]
    return rows[:2] + [row for row in rows[2:7] if row] + [()] + [row for row in rows[8:] if row]


def _of(unit: object, limit: float | None) -> str:
    if limit is None:
        return ""
    return f" of {figures.cores(limit) if unit is figures.cores else figures.size(limit)}"


def _words(snapshot: Snapshot, name: str) -> list[Line]:
    """What a loader says about itself, if the pod is one."""
    loader = next((row for row in snapshot.loaders if row.name == name), None)
    if loader is None:
        return []
    asked = "unbounded" if loader.rate is None else figures.rate(loader.rate)
    return [
        (),
        _fact("state", loader.state),
        _fact("asked for", asked),
        _fact("acked", f"{figures.whole(loader.acked)}, {figures.rate(loader.acked_per_s)}"),
        _fact("slip", figures.seconds(loader.slip_s) if loader.slip_s is not None else "no schedule"),
        _fact("held back", figures.plural(loader.held_back, "partition")),
        _fact("limited by", loader.limited_by or "nothing it knows of"),
    ]


def _component(snapshot: Snapshot, history: History, name: str, cells: int) -> Picture:
    pods = by_component(snapshot.pods).get(name, [])
    bars = max(0, min(60, cells - _LABEL - 8))
    cpu, memory = total(p.cpu_cores for p in pods), total(p.memory_bytes for p in pods)
    rows = [
        _fact("ready", f"{sum(pod.ready for pod in pods)} of {len(pods)}"),
        line(
            (left("cpu", _LABEL), "dim"),
            left(figures.cores(cpu), 7),
            (_bars(history, "cpu", name, bars), "spark"),
        ),
        line(
            (left("memory", _LABEL), "dim"),
            left(figures.size(memory), 7),
            (_bars(history, "memory", name, bars), "spark"),
        ),
        (),
        line(
            (left("name", 24) + right("cpu", 8) + right("mem", 8) + right("rst", 5) + right("age", 6), "dim")
        ),
    ]
    for pod in pods:
        rows.append(_member(pod))
        if trouble := ailment(pod):
            rows.append(line((f"  {trouble}", "warn")))
    rows += _events(snapshot, name, cells)
    return _picture(clean(name), rows, cells, foot=reasons(snapshot, "pods"))


def _events(snapshot: Snapshot, name: str, cells: int) -> list[Line]:
    """What happened to it, the latest first."""
    own = tuple(event for event in snapshot.events if name == event.subject or name in event.text)
    if not own:
        return [(), line(("events", "title")), line(("none that are known here", "dim"))]
    return [(), line(("events", "title")), *events.picture(replace(snapshot, events=own), cells).rows]


def _database(snapshot: Snapshot, history: History, name: str, cells: int) -> Picture:
    own = databases.part(snapshot, name)
    why = reasons(snapshot, name)
    if own is None:
        return _picture(clean(name), [_fact("", figures.DASH)], cells, foot=why)
    bars = max(0, min(60, cells - _LABEL - 8))
    lead = databases.shape(name, own).lead
    head = line((left(databases.label(lead), _LABEL), "dim"), left(figures.rate(own.get(lead)), 8))
    rows: list[Line] = [(*head, (_bars(history, "database", name, bars), "spark"))]
    for figure, value in own.items():
        if figure != lead and not isinstance(value, Mapping):
            rows.append(_fact(databases.label(figure), databases.written(figure, value)))
    for figure, value in own.items():
        if isinstance(value, Mapping) and value:
            rows += [(), line((databases.label(figure), "title")), *_nested(value)]
    return _picture(clean(name), rows, cells, staleness(snapshot), why)


def _nested(figures_: Mapping[str, Any]) -> Iterable[Line]:
    """One row each: a rate, or all figures of a mapping."""
    for name, value in figures_.items():
        if not isinstance(value, Mapping):
            yield _fact(f"  {clean(str(name))}", databases.written("_per_s", value))
            continue
        told = [
            f"{databases.label(figure)} {databases.written(figure, inner)}"
            for figure, inner in _flat(value).items()
        ]
        yield _fact(f"  {clean(str(name))}", "  ".join(told))


def _flat(figures_: Mapping[str, Any]) -> dict[str, Any]:
    """{"latency_ms": {"p50": 3}} as {"p50_ms": 3}."""
    flat: dict[str, Any] = {}
    for name, value in figures_.items():
        unit = name[name.rindex("_") :] if "_" in name else ""
        flat |= {f"{k}{unit}": v for k, v in value.items()} if isinstance(value, Mapping) else {name: value}
    return flat


def _bars(history: History, kind: str, name: str, bars: int) -> str:
    return figures.spark(history.bars(kind, name, bars))


def _member(pod: PodRow) -> Line:
    return line(
        (left(clean(pod.name), 24), "text" if pod.ready else "warn"),
        right(figures.cores(pod.cpu_cores), 8) + right(figures.size(pod.memory_bytes), 8),
        (right(str(pod.restarts), 5), "warn" if pod.restarts else "dim"),
        (right(figures.age(pod.age_s), 6), "dim"),
    )
