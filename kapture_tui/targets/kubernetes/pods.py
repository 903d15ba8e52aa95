"""One pod as the API server describes it becomes one row, with the reason for what is wrong with it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from kapture_tui.model.snapshot import PodRow
from kapture_tui.targets.kubernetes.kinds import Manifest, component_of, name_of
from kapture_tui.targets.kubernetes.moments import age_of, seconds_of
from kapture_tui.targets.kubernetes.quantities import quantity
from kapture_tui.targets.kubernetes.usage import Usage

RECENT_S = 60.0
"""How long a restart is worth a word, seconds."""

REASONS = {
    "OOMKilled": "out of memory",
    "ErrImagePull": "its image cannot be pulled",
    "ImagePullBackOff": "its image cannot be pulled",
    "InvalidImageName": "the name of its image is not valid",
    "CreateContainerConfigError": "its configuration is not there",
    "CrashLoopBackOff": "crashes again and again",
}
"""Reasons of the kubelet in plain words."""

UNEVENTFUL = ("ContainerCreating", "PodInitializing")
"""What a container waits for that is no trouble."""


def pod_row(pod: Manifest, usage: Usage | None, now_s: float) -> PodRow:
    """The row of a pod.

    Args:
        usage: what it uses; None: not known.
        now_s: seconds since the epoch.
    """
    status = pod.get("status") or {}
    return PodRow(
        name=name_of(pod),
        component=component_of(pod),
        phase=phase_of(pod),
        reason=reason_of(pod, now_s),
        ready=is_ready(pod),
        restarts=sum(state["restartCount"] for state in status.get("containerStatuses") or ()),
        age_s=age_of(status.get("startTime") or pod["metadata"].get("creationTimestamp"), now_s),
        node=pod["spec"].get("nodeName"),
        cpu_cores=usage.cpu_cores if usage else None,
        memory_bytes=usage.memory_bytes if usage else None,
        cpu_limit=_limit(pod, "cpu"),
        memory_limit=_whole(_limit(pod, "memory")),
        sample_age_s=max(0.0, now_s - usage.at_s) if usage else None,
    )


def phase_of(pod: Manifest) -> str:
    """The pod's phase; Terminating once it is being deleted."""
    if pod["metadata"].get("deletionTimestamp"):
        return "Terminating"
    return str((pod.get("status") or {}).get("phase") or "Pending")


def is_ready(pod: Manifest) -> bool:
    """Whether it takes part: its Ready condition is true and it is not on its way out."""
    return phase_of(pod) == "Running" and condition(pod, "Ready") == "True"


def condition(pod: Manifest, kind: str) -> str:
    """Status of a condition, "True", "False" or "Unknown"; "" if it is not there."""
    found = _condition(pod, kind)
    return str(found.get("status", "")) if found else ""


def reason_of(pod: Manifest, now_s: float) -> str:
    """Why it is not running well, in a few words; "" if it is."""
    status = pod.get("status") or {}
    if status.get("reason"):  # Evicted, NodeLost, …
        return _sentence(status["reason"], status.get("message"))
    scheduled = _condition(pod, "PodScheduled")
    if scheduled and scheduled.get("status") == "False":
        return _sentence(scheduled.get("reason") or "waiting for a node", scheduled.get("message"))
    for state in container_states(pod):
        if found := _container_reason(state, now_s):
            return found
    return ""


def container_states(pod: Manifest) -> Iterator[Mapping[str, Any]]:
    """Its container statuses, init containers first."""
    status = pod.get("status") or {}
    yield from status.get("initContainerStatuses") or ()
    yield from status.get("containerStatuses") or ()


def waiting_reason(pod: Manifest) -> str:
    """The kubelet's word for what its containers wait for (CrashLoopBackOff); "" for nothing or the usual."""
    for container in container_states(pod):
        reason = ((container.get("state") or {}).get("waiting") or {}).get("reason") or ""
        if reason and reason not in UNEVENTFUL:
            return str(reason)
    return ""


def ended(terminated: Mapping[str, Any]) -> str:
    """How a container ended: "out of memory", "exit code 3", "signal 9"."""
    reason = terminated.get("reason") or ""
    if reason in REASONS:
        return REASONS[reason]
    code = int(terminated.get("exitCode") or 0)
    if number := terminated.get("signal") or max(0, code - 128):
        return f"signal {number}"
    return f"exit code {code}" if reason in ("Error", "Completed", "") else f"{reason}, exit code {code}"


def _container_reason(container: Mapping[str, Any], now_s: float) -> str:
    state, last = container.get("state") or {}, (container.get("lastState") or {}).get("terminated")
    if waiting := state.get("waiting"):
        reason = waiting.get("reason") or ""
        if reason == "CrashLoopBackOff" and last:
            return f"{REASONS[reason]}: {ended(last)}"
        return "" if reason in UNEVENTFUL else _sentence(reason, waiting.get("message"))
    if terminated := state.get("terminated"):
        return "" if terminated.get("exitCode") == 0 else ended(terminated)
    if last and now_s - seconds_of(last["finishedAt"]) < RECENT_S:
        return f"restarted: {ended(last)}"
    return ""


def _sentence(reason: str, message: str | None) -> str:
    said = REASONS.get(reason, reason)
    return f"{said}: {' '.join(message.split())}" if message else said


def _condition(pod: Manifest, kind: str) -> Mapping[str, Any] | None:
    conditions = (pod.get("status") or {}).get("conditions") or ()
    return next((found for found in conditions if found.get("type") == kind), None)


def _limit(pod: Manifest, resource: str) -> float | None:
    """The sum over its containers; None when one of them has none."""
    found = [
        (container.get("resources") or {}).get("limits") or {} for container in pod["spec"]["containers"]
    ]
    return (
        sum(quantity(limits[resource]) for limits in found) if all(resource in one for one in found) else None
    )


def _whole(value: float | None) -> int | None:
    return None if value is None else int(value)
