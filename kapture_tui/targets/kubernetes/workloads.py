"""Deployments, StatefulSets and Jobs: whether they are ready, and what keeps them from it. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from kapture_tui.targets.kubernetes.kinds import (
    Manifest,
    component_of,
    name_of,
    replicas_of,
    spec_of,
    status_of,
)
from kapture_tui.targets.kubernetes.pods import (
    condition,
    container_states,
    phase_of,
    reason_of,
    restart_count,
    waiting_reason,
)

PATIENCE_S = {
    "ErrImagePull": 30.0,
    "ImagePullBackOff": 30.0,
    "InvalidImageName": 0.0,
    "CreateContainerConfigError": 30.0,
    "Unschedulable": 90.0,
    "FailedCreate": 20.0,
}
"""How long a trouble may last before waiting is given up, seconds: some end by themselves (a registry that was away, a
node that is being added)."""

CRASHES = 3
"""After so many restarts nobody waits for a container any more."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a workload is not ready.

    Attributes:
        subject: the pod, or the workload where it has none.
        kind: a key of `PATIENCE_S`, "CrashLoop", or "" for what may simply take its time.
        text: in words.
    """

    subject: str
    kind: str
    text: str


def is_ready(workload: Manifest) -> bool:
    """Whether what was last asked for is all there: every replica updated and available, every Job done."""
    status, spec = status_of(workload), spec_of(workload)
    if _is_job(workload):
        return int(status.get("succeeded") or 0) >= int(spec.get("completions") or 1)
    if int(status.get("observedGeneration") or 0) < int(workload["metadata"].get("generation") or 0):
        return False
    wanted = replicas_of(workload)
    have = (status.get(field) or 0 for field in ("readyReplicas", "updatedReplicas"))
    surplus = int(status.get("replicas") or 0) - wanted
    return surplus <= 0 and all(int(number) >= wanted for number in have)


def progress(workload: Manifest) -> str:
    """How far it is: "2 of 3 ready"."""
    if _is_job(workload):
        return "not done yet"
    return f"{status_of(workload).get('readyReplicas') or 0} of {replicas_of(workload)} ready"


def has_failed(workload: Manifest) -> bool:
    """Whether it is a Job that has given up."""
    conditions = status_of(workload).get("conditions") or ()
    return any(c.get("type") == "Failed" and c.get("status") == "True" for c in conditions)


def trouble(
    workload: Manifest, pods: Iterable[Manifest], events: Iterable[Manifest], now_s: float
) -> Trouble | None:
    """What keeps a workload from being ready; None if it only takes its time.

    Args:
        pods: of the whole namespace.
        events: of the whole namespace.
        now_s: seconds since the epoch.
    """
    mine = [
        pod for pod in pods if component_of(pod) == component_of(workload) and phase_of(pod) != "Terminating"
    ]
    for pod in mine:
        if found := _pod_trouble(pod, now_s):
            return found
    return _not_created(workload, events) if _lacks_pods(workload) else None


def _pod_trouble(pod: Manifest, now_s: float) -> Trouble | None:
    text = reason_of(pod, now_s)
    if condition(pod, "PodScheduled") == "False":
        return Trouble(name_of(pod), "Unschedulable", text)
    if (waiting := waiting_reason(pod)) in PATIENCE_S:
        return Trouble(name_of(pod), waiting, text)
    if any(restart_count(state) >= CRASHES for state in container_states(pod)):
        return Trouble(name_of(pod), "CrashLoop", text or "crashes again and again")
    return Trouble(name_of(pod), "", text) if text else None


def _is_job(workload: Manifest) -> bool:
    # What a list holds does not name its kind.
    return workload.get("kind") == "Job" or spec_of(workload).get("completions") is not None


def _lacks_pods(workload: Manifest) -> bool:
    status = status_of(workload)
    if _is_job(workload):
        return not status.get("active") and not status.get("succeeded")
    return int(status.get("replicas") or 0) < replicas_of(workload)


def _not_created(workload: Manifest, events: Iterable[Manifest]) -> Trouble | None:
    """Quotas, limit ranges and Pod Security speak only when a pod is to be created, to whoever creates it."""
    name = name_of(workload)
    for event in events:
        about = str((event.get("involvedObject") or {}).get("name") or "")
        # A Deployment's pods are created by a ReplicaSet, whose name is the Deployment's and a hash.
        if event.get("reason") == "FailedCreate" and (about == name or about.rpartition("-")[0] == name):
            return Trouble(name, "FailedCreate", " ".join(str(event.get("message") or "refused").split()))
    return None
