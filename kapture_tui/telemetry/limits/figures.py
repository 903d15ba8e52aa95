"""The figures that the rules of the limit line speak of. Pure.

What one Snapshot says jumps from second to second; what is looked at are the last ten seconds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, is_dataclass, replace
from math import inf
from typing import Any

from kapture_tui.model.pods import by_component
from kapture_tui.model.snapshot import FlowView, PodRow, Snapshot
from kapture_tui.model.spec import Component
from kapture_tui.model.times import seconds_of

COUNTED = ("lag", "rejected")
"""Figures that are counts: how they grow is looked at too."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure, and the pod it was highest of; "" where it is of no pod."""

    value: float
    pod: str = ""


Figures = Mapping[str, Figure]

Roles = Mapping[str, Mapping[str, Figures]]
"""By role and subject, the figures that are known."""

Pods = Mapping[str, Sequence[PodRow]]
"""By component."""


@dataclass(frozen=True, slots=True)
class Look:
    """What one Snapshot says; `time_s` since the epoch."""

    time_s: float
    roles: Roles


def look_at(snapshot: Snapshot) -> Look:
    """The figures of one Snapshot."""
    flow, pods = snapshot.flow or FlowView(), by_component(snapshot.pods)
    return Look(
        seconds_of(snapshot.time),
        {
            "group": {name: dict(_group(name, snapshot, flow, pods)) for name in flow.groups},
            "database": dict(_databases(snapshot, pods)),
            "kafka": {Component.KAFKA.value: dict(_kafka(flow, pods))},
            "loaders": {Component.LOADER.value: dict(_loaders(flow, pods))},
            "webapp": _part_of(Component.WEBAPP, snapshot.webapp, _webapp(snapshot, pods)),
            "spout": _part_of(Component.SPOUT, snapshot.spout, _spout(snapshot, pods)),
        },
    )


def over(looks: Sequence[Look]) -> Roles:
    """Means over some looks, for what the last one knows, and how counts have grown meanwhile."""
    last = looks[-1].roles
    return {
        role: {
            name: _with_growth(
                {figure: _mean(looks, role, name, figure) for figure in figures}, looks, role, name
            )
            for name, figures in subjects.items()
        }
        for role, subjects in last.items()
    }


def _mean(looks: Sequence[Look], role: str, name: str, figure: str) -> Figure:
    values = [
        known.value for look in looks if (known := look.roles[role].get(name, {}).get(figure)) is not None
    ]
    return replace(looks[-1].roles[role][name][figure], value=sum(values) / len(values))


def _with_growth(means: dict[str, Figure], looks: Sequence[Look], role: str, name: str) -> Figures:
    for count in COUNTED:
        counts = [
            (look.time_s, known.value)
            for look in looks
            if (known := look.roles[role].get(name, {}).get(count)) is not None
        ]
        if len(counts) > 1 and counts[-1][0] > counts[0][0]:
            per_s = (counts[-1][1] - counts[0][1]) / (counts[-1][0] - counts[0][0])
            means |= _growth(count, per_s, means)
    return means


def _growth(count: str, per_s: float, means: Figures) -> Figures:
    """A count's growth, and as a part of what came in, or of what was asked for."""
    if count == "lag":
        parts, whole = {"lag_growth_per_s": Figure(per_s)}, means.get("in_per_s")
        return (
            {**parts, "lag_growth_ratio": Figure(per_s / whole.value)} if whole and whole.value > 0 else parts
        )
    if per_s < 0:  # its server has started anew
        return {}
    parts, done = {"rejected_per_s": Figure(per_s)}, means.get("index_per_s")
    asked = per_s + done.value if done else 0.0
    return {**parts, "rejected_ratio": Figure(per_s / asked)} if asked > 0 else parts


def _group(name: str, snapshot: Snapshot, flow: FlowView, pods: Pods) -> Iterator[tuple[str, Figure]]:
    yield from _usage(pods, name)
    yield "holds_ratio", Figure(float(flow.mode == "closed loop" and name in flow.limited_by.split()))
    total = snapshot.kafka.total if snapshot.kafka else None
    if total is not None and total.in_per_s is not None:
        yield "in_per_s", Figure(total.in_per_s)
    lag = total.groups.get(name) if total else None
    if lag is not None and lag.lag is not None:
        yield "lag", Figure(float(lag.lag))
    if lag is not None and lag.lag_s is not None:
        yield "lag_s", Figure(lag.lag_s)


def _kafka(flow: FlowView, pods: Pods) -> Iterator[tuple[str, Figure]]:
    yield from _usage(pods, Component.KAFKA.value)
    if flow.ack_latency_ms.p99 is not None:
        # Acknowledgements count from the time a message was due: what the loaders are late is not the broker's.
        late_ms = 1000 * (flow.loader_slip_s or 0.0)
        yield "answer_p99_ms", Figure(max(0.0, flow.ack_latency_ms.p99 - late_ms))
    away = sum(not pod.ready for pod in pods.get(Component.KAFKA.value, ()))
    yield "away", Figure(float(away))


def _loaders(flow: FlowView, pods: Pods) -> Iterator[tuple[str, Figure]]:
    yield from _usage(pods, Component.LOADER.value)
    if flow.loader_slip_s is not None:
        yield "slip_s", Figure(flow.loader_slip_s)
    yield "unbounded_ratio", Figure(float(flow.mode == "unbounded"))


def _part_of(
    component: Component, told: Mapping[str, Any] | None, figures: Iterator[tuple[str, Figure]]
) -> dict[str, Figures]:
    """Figures of a part that not every stack has."""
    return {component.value: dict(figures)} if told is not None else {}


def _webapp(snapshot: Snapshot, pods: Pods) -> Iterator[tuple[str, Figure]]:
    """The shop, as its shoppers see it: over all routes, and of the slowest one."""
    yield from _usage(pods, Component.WEBAPP.value)
    told = snapshot.webapp or {}
    if (behind_s := _number(told, "behind_s")) is not None:
        yield "behind_s", Figure(behind_s)
    routes = [route for route in _mapping(told, "routes").values() if isinstance(route, Mapping)]
    visits = sum(_number(route, "per_s") or 0.0 for route in routes)
    if visits > 0:
        yield "errors_ratio", Figure(sum(_number(route, "errors_per_s") or 0.0 for route in routes) / visits)
    p99s = [_number(_mapping(route, "latency_ms"), "p99") for route in routes]
    if known := [p99 for p99 in p99s if p99 is not None]:
        yield "visit_p99_ms", Figure(max(known))


def _spout(snapshot: Snapshot, pods: Pods) -> Iterator[tuple[str, Figure]]:
    yield from _usage(pods, Component.SPOUT.value)
    if (behind_s := _number(snapshot.spout or {}, "behind_s")) is not None:
        yield "behind_s", Figure(behind_s)


def _databases(snapshot: Snapshot, pods: Pods) -> Iterator[tuple[str, Figures]]:
    """Every part of the Snapshot that is named like a consumer group's database, whatever figures it has."""
    for group in snapshot.flow.groups if snapshot.flow else ():
        name = group.removeprefix("etl-")
        part = _part(snapshot, name)
        if name != group and part is not None:
            numbers = {key: _number(part, key) for key in part}
            known = {key: Figure(value) for key, value in numbers.items() if value is not None}
            if "cache_hit_ratio" in known:
                known["cache_miss_ratio"] = Figure(1.0 - known["cache_hit_ratio"].value)
            yield name, {**dict(_usage(pods, name)), **known}


def _part(snapshot: Snapshot, name: str) -> Mapping[str, Any] | None:
    found = getattr(snapshot, name, None)
    if found is not None and is_dataclass(found) and not isinstance(found, type):
        return asdict(found)
    return found if isinstance(found, Mapping) else None


def _number(part: Mapping[str, Any], name: str) -> float | None:
    value = part.get(name)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _mapping(part: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = part.get(name)
    return value if isinstance(value, Mapping) else {}


def _usage(pods: Pods, component: str) -> Iterator[tuple[str, Figure]]:
    """Of the pods of a component, the highest share of what each may have, and the most cores."""
    own = pods.get(component, ())
    most = 1.0 if _has_one_core(component) else inf
    # Numbers alone: of thousands of pods, pairs with their names would have all objects looked through for garbage.
    shares = {
        "cpu_cores": [pod.cpu_cores for pod in own],
        "cpu_ratio": [_share(pod.cpu_cores, min(most, pod.cpu_limit or inf)) for pod in own],
        "throttled_ratio": [pod.throttled_ratio for pod in own],
        "memory_ratio": [_share(pod.memory_bytes, pod.memory_limit or inf) for pod in own],
    }
    for figure, values in shares.items():
        highest = max([value for value in values if value is not None], default=None)
        if highest is not None:
            yield figure, Figure(highest, own[values.index(highest)].name)


_ONE_CORE = frozenset(
    c.value for c in (Component.LOADER, Component.ETL, Component.WEBAPP, Component.SPOUT, Component.REDIS)
)


def _has_one_core(component: str) -> bool:
    """Whether its processes keep one core busy at most, whatever their limit: ours, and Redis."""
    return component in _ONE_CORE or component.startswith("etl-")


def _share(used: float | None, limit: float) -> float | None:
    return used / limit if used is not None and limit < inf else None
