"""One observation of a target becomes one Snapshot. Pure: what came before is an argument."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from kapture_tui.model.event import Event
from kapture_tui.model.snapshot import ContainerUsage, ObserverReport, Phase, PodRow, RunInfo, Snapshot
from kapture_tui.model.spec import Component, StackSpec
from kapture_tui.targets.base import Observation

EVENTS = 200
"""Events a Snapshot carries: the latest ones."""

RUNNING = frozenset({Phase.STARTING, Phase.FLOWING, Phase.PAUSED, Phase.DRAINING, Phase.DRAINED})
"""Phases in which the stack is up. The target knows that much; which of them it is, the report tells."""

PARTS: Mapping[str, frozenset[Component]] = {
    "redis": frozenset({Component.REDIS}),
    "sales": frozenset({Component.REDIS}),
    "elasticsearch": frozenset({Component.ELASTICSEARCH}),
    "postgres": frozenset({Component.POSTGRES}),
    "mongo": frozenset({Component.MONGO}),
    "webapp": frozenset({Component.WEBAPP}),
    "spout": frozenset({Component.SPOUT}),
}
"""Parts of a Snapshot that exist only in a stack with one of these components. Any database may tell what is popular:
the report says whether one does."""

REPORTED = (
    "kafka",
    "flow",
    "ledger",
    "redis",
    "elasticsearch",
    "postgres",
    "mongo",
    "webapp",
    "spout",
    "popular",
    "sales",
)
"""Parts of a Snapshot that come from the observer and have a reason where they are missing."""

NOT_REPORTED = "the observer does not report it"
NO_REPORT = "the observer has not reported yet"


def assemble(observation: Observation, previous: Snapshot, *, target: str, time: str) -> Snapshot:
    """The Snapshot of one tick.

    Args:
        observation: what the target saw.
        previous: the Snapshot before; `Snapshot()` at the start.
        target: the target's name.
        time: now, as `model.times.timestamp` writes it.
    """
    report = observation.report
    parts: dict[str, Any] = {}
    if report is not None:
        parts = {name: getattr(report, name) for name in (*REPORTED, "databases", "loaders", "drained")}
    return Snapshot(
        time=time,
        seq=previous.seq + 1,
        run=_run(observation, previous, target),
        pods=_pods(observation),
        events=latest_events(previous.events, observation.events),
        report_age_s=observation.report_age_s if report else None,
        age_s=observation.age_s,
        unavailable=_unavailable(observation),
        **parts,
    )


def _pods(observation: Observation) -> tuple[PodRow, ...]:
    """The target's pods, with what they tell of their containers themselves."""
    told = observation.report.containers if observation.report else {}
    pods, age_s = observation.pods, observation.report_age_s
    if not told:
        return pods
    # Of thousands few tell anything; as a list first, a tuple is made in half the time.
    return tuple([_with_own(pod, told[pod.name], age_s) if pod.name in told else pod for pod in pods])


def _with_own(pod: PodRow, own: ContainerUsage, age_s: float | None) -> PodRow:
    if own.cpu_cores is not None:
        pod = replace(pod, cpu_cores=own.cpu_cores, cpu_age_s=age_s)
    return replace(
        pod,
        network_bytes_per_s=own.network_bytes_per_s,
        disk_bytes_per_s=own.disk_bytes_per_s,
        throttled_ratio=own.throttled_ratio,
    )


def latest_events(known: tuple[Event, ...], new: tuple[Event, ...]) -> tuple[Event, ...]:
    """The latest events; those already known are not repeated, as a target that is asked anew tells its last ones."""
    have = set(known)
    return (known + tuple(event for event in new if event not in have))[-EVENTS:]


def _run(observation: Observation, previous: Snapshot, target: str) -> RunInfo:
    spec = observation.spec
    return RunInfo(
        namespace=spec.namespace if spec else previous.run.namespace,
        target=target,
        run_id=observation.run_id,
        phase=phase_of(observation, previous),
        elapsed_s=observation.elapsed_s,
        scale=spec.scale if spec else 0,
        components=tuple(c.value for c in Component if spec.has(c)) if spec else (),
        addresses=observation.addresses,
    )


def phase_of(observation: Observation, previous: Snapshot) -> Phase:
    """The target's phase, made more precise by what the report says."""
    known = observation.phase
    if known not in RUNNING or observation.spec is None:
        return known
    report = observation.report
    if report is None or report.ledger is None:
        return _as_before(observation, previous)
    if report.drained:
        return Phase.DRAINED
    if known is Phase.DRAINING or (report.loaders and all(row.state != "live" for row in report.loaders)):
        return Phase.DRAINING
    if known is Phase.PAUSED or (report.flow and report.flow.mode == "paused"):
        return Phase.PAUSED
    return Phase.FLOWING if _all_deliver(observation.spec, report) else Phase.STARTING


def _as_before(observation: Observation, previous: Snapshot) -> Phase:
    """An observer that is away for a moment does not make a running stack a starting one."""
    same_run = observation.run_id == previous.run.run_id
    return previous.run.phase if same_run and previous.run.phase in RUNNING else observation.phase


def _all_deliver(spec: StackSpec, report: ObserverReport) -> bool:
    groups = report.ledger.groups if report.ledger else {}
    return all(group in groups and groups[group].delivered > 0 for group in spec.groups)


def _unavailable(observation: Observation) -> dict[str, str]:
    """The reasons of all: whoever stands nearer to what is missing has the last word."""
    reasons = {"run": "there is no stack of that name"} if observation.spec is None else {}
    if observation.report is None:
        reasons |= dict.fromkeys((*REPORTED, "limit"), observation.unavailable.get("observer", NO_REPORT))
    else:
        missing = [name for name in REPORTED if getattr(observation.report, name) is None]
        reasons |= dict.fromkeys(missing, NOT_REPORTED) | dict(observation.report.unavailable)
    return reasons | _absent(observation) | observation.unavailable


def _absent(observation: Observation) -> dict[str, str]:
    spec = observation.spec
    reasons: dict[str, str] = {}
    for part, components in PARTS.items():
        if spec is None or not any(spec.has(component) for component in components):
            reasons[part] = "not deployed"
    return reasons
