"""The figures that the rules of the limit line speak of, from one Snapshot and the one before. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, is_dataclass
from typing import Any

from kapture_tui.model.snapshot import FlowView, PodRow, Snapshot
from kapture_tui.model.spec import Component
from kapture_tui.model.times import seconds_of


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure, and the pod it was highest of; "" where it is of no pod."""

    value: float
    pod: str = ""


Figures = Mapping[str, Figure]


def measured(snapshot: Snapshot, previous: Snapshot) -> Mapping[str, Mapping[str, Figures]]:
    """By role and subject, all figures the tables speak of that are known."""
    flow = snapshot.flow or FlowView()
    return {
        "group": {name: _group(name, snapshot, flow) for name in flow.groups},
        "database": dict(_databases(snapshot, previous)),
        "kafka": {Component.KAFKA.value: _kafka(snapshot, flow)},
        "loaders": {Component.LOADER.value: _loaders(snapshot, flow)},
    }


def _group(name: str, snapshot: Snapshot, flow: FlowView) -> Figures:
    figures = dict(_usage(snapshot.pods, name))
    total = snapshot.kafka.total if snapshot.kafka else None
    lag = total.groups.get(name) if total else None
    if flow.mode == "closed loop" and name in flow.limited_by.split():
        figures["holds"] = Figure(1.0)
    if lag is not None and lag.lag_s is not None:
        figures["lag_s"] = Figure(lag.lag_s)
    if total and lag is not None and total.in_per_s is not None and lag.out_per_s is not None:
        growth = total.in_per_s - lag.out_per_s
        figures["lag_growth_per_s"] = Figure(growth)
        figures["lag_growth_ratio"] = Figure(growth / total.in_per_s if total.in_per_s > 0 else 0.0)
    return figures


def _kafka(snapshot: Snapshot, flow: FlowView) -> Figures:
    figures = dict(_usage(snapshot.pods, Component.KAFKA.value))
    if flow.ack_latency_ms.p99 is not None:
        # Acknowledgements count from the time a message was due: what the loaders are late is not the broker's.
        late_ms = 1000 * (flow.loader_slip_s or 0.0)
        figures["answer_p99_ms"] = Figure(max(0.0, flow.ack_latency_ms.p99 - late_ms))
    away = sum(pod.component == Component.KAFKA.value and not pod.ready for pod in snapshot.pods)
    return {**figures, "away": Figure(float(away))}


def _loaders(snapshot: Snapshot, flow: FlowView) -> Figures:
    figures = dict(_usage(snapshot.pods, Component.LOADER.value))
    if flow.loader_slip_s is not None:
        figures["slip_s"] = Figure(flow.loader_slip_s)
    if flow.mode == "unbounded":
        figures["unbounded"] = Figure(1.0)
    return figures


def _databases(snapshot: Snapshot, previous: Snapshot) -> Iterator[tuple[str, Figures]]:
    """Every part of the Snapshot that is named like a consumer group's database, whatever figures it has."""
    for group in snapshot.flow.groups if snapshot.flow else ():
        name = group.removeprefix("etl-")
        part = _part(snapshot, name)
        if name != group and part is not None:
            numbers = {key: _number(part, key) for key in part}
            known = {key: Figure(value) for key, value in numbers.items() if value is not None}
            yield name, {**dict(_usage(snapshot.pods, name)), **known, **_counted(snapshot, previous, name)}


def _counted(snapshot: Snapshot, previous: Snapshot, name: str) -> Figures:
    """What a database has refused since the Snapshot before, a second and as a part of what it was asked."""
    now, then = _part(snapshot, name), _part(previous, name)
    if now is None or then is None or previous.run.run_id != snapshot.run.run_id:
        return {}
    passed_s = seconds_of(snapshot.time) - seconds_of(previous.time)
    refused, before, done = _number(now, "rejected"), _number(then, "rejected"), _number(now, "index_per_s")
    if refused is None or before is None or passed_s <= 0 or refused < before:
        return {}
    per_s = (refused - before) / passed_s
    parts = {"rejected_per_s": Figure(per_s)}
    if done is not None and per_s + done > 0:
        parts["rejected_ratio"] = Figure(per_s / (per_s + done))
    return parts


def _part(snapshot: Snapshot, name: str) -> Mapping[str, Any] | None:
    found = getattr(snapshot, name, None)
    if found is not None and is_dataclass(found) and not isinstance(found, type):
        return asdict(found)
    return found if isinstance(found, Mapping) else None


def _number(part: Mapping[str, Any], name: str) -> float | None:
    value = part.get(name)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _usage(pods: Sequence[PodRow], component: str) -> Iterator[tuple[str, Figure]]:
    """Of the pods of a component, the highest share of what each may have."""
    own = [pod for pod in pods if pod.component == component]
    shares = {
        "cpu_ratio": [(_cpu_share(pod), pod.name) for pod in own],
        "throttled_ratio": [(pod.throttled_ratio, pod.name) for pod in own],
        "memory_ratio": [(_memory_share(pod), pod.name) for pod in own],
    }
    for figure, found in shares.items():
        known = [(value, name) for value, name in found if value is not None]
        if known:
            yield figure, Figure(*max(known))


def _cpu_share(pod: PodRow) -> float | None:
    most = [1.0] if _has_one_core(pod.component) else []
    most += [pod.cpu_limit] if pod.cpu_limit else []
    return pod.cpu_cores / min(most) if pod.cpu_cores is not None and most else None


def _has_one_core(component: str) -> bool:
    """Whether its processes keep one core busy at most, whatever their limit: loaders, ETL and sinks."""
    return component in (Component.LOADER.value, Component.ETL.value) or component.startswith("etl-")


def _memory_share(pod: PodRow) -> float | None:
    return pod.memory_bytes / pod.memory_limit if pod.memory_bytes is not None and pod.memory_limit else None
