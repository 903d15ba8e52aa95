"""What changed in the namespace, as events for people. Pure: old and new objects in, events out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from kapture_tui.model.event import Event, EventKind
from kapture_tui.model.times import timestamp
from kapture_tui.targets.kubernetes.kinds import MANAGER, Manifest, name_of, replicas_of, status_of
from kapture_tui.targets.kubernetes.moments import seconds_of
from kapture_tui.targets.kubernetes.pods import (
    ended,
    is_ready,
    phase_of,
    pod_age_s,
    reason_of,
    restart_count,
)

TELLING = {
    "Evicted",
    "FailedAttachVolume",
    "FailedCreate",
    "FailedCreatePodSandBox",
    "FailedMount",
    "FailedScheduling",
    "NodeNotReady",
    "OOMKilling",
    "Preempted",
    "ProvisioningFailed",
}
"""Reasons of Kubernetes' own events that say something the pods themselves do not say."""

ROUTINE = ("Scheduled", "SuccessfulCreate", "Pulling", "Pulled", "Created", "Started")
"""Reasons that every pod has in its life: the server is asked to leave them out, as thousands of pods have tens of
thousands of them."""

PASSING = "failed to sync configmap cache"
"""A busy kubelet says this of volumes that it mounts a moment later: no news for anybody."""

HISTORY = {"ScalingReplicaSet", "Killing", "BackOff"}
"""More of them, of which somebody who joins later would not know otherwise."""


def scaled(old: Manifest, new: Manifest, now_s: float) -> Iterator[Event]:
    """Somebody changed the number of replicas of a Deployment or StatefulSet: we, or another client."""
    before, after = replicas_of(old), replicas_of(new)
    if before == after:
        return
    who = scaled_by(new)
    kind = EventKind.ACTION if who == MANAGER else EventKind.CHANGE
    by = "" if who in (MANAGER, "") else f", by {who}"
    yield Event(timestamp(now_s), kind, name_of(new), f"scaled {before} → {after}{by}")


def scaled_by(workload: Manifest) -> str:
    """The field manager that last set its replicas through the scale subresource; "" if nobody did."""
    entries = [
        entry
        for entry in workload["metadata"].get("managedFields") or ()
        if entry.get("subresource") == "scale"
    ]
    latest = max(entries, key=lambda entry: entry.get("time") or "", default=None)
    return str(latest.get("manager") or "") if latest else ""


def pod_changed(old: Manifest | None, new: Manifest | None, now_s: float) -> Iterator[Event]:
    """A pod came, went, restarted, became ready, or has a trouble it did not have before."""
    if new is None:
        if old is not None and phase_of(old) not in ("Terminating", "Succeeded"):
            yield _change(now_s, name_of(old), "is gone")
        return
    name = name_of(new)
    if old is not None and phase_of(new) == "Terminating" != phase_of(old):
        yield _change(now_s, name, "is being ended")
    yield from (_change(now_s, name, text) for text in _restarts(old, new))
    trouble = reason_of(new, now_s)
    if trouble and not trouble.startswith("restarted") and trouble != (reason_of(old, now_s) if old else ""):
        yield _change(now_s, name, trouble)
    if old is not None and is_ready(new) and not is_ready(old):
        yield _change(now_s, name, _ready(new, now_s))


def told(event: Mapping[str, Any], reasons: set[str]) -> Event | None:
    """An event of Kubernetes that is worth a line here; None if it is not, or nothing says when it was."""
    at_s = _last_seen_s(event)
    if event.get("reason") not in reasons or at_s is None:
        return None
    about = event.get("involvedObject") or {}
    text = " ".join(str(event.get("message") or event["reason"]).split())
    if PASSING in text:
        return None
    return Event(timestamp(at_s), EventKind.CHANGE, str(about.get("name") or ""), text)


def _last_seen_s(event: Mapping[str, Any]) -> float | None:
    """When it last happened: older and newer reporters write that to other fields, and leave the rest null."""
    times = (
        event.get("lastTimestamp"),
        (event.get("series") or {}).get("lastObservedTime"),
        event.get("eventTime"),
        event.get("firstTimestamp"),
        event["metadata"].get("creationTimestamp"),
    )
    return next((at_s for at_s in map(seconds_of, times) if at_s is not None), None)


def _ready(pod: Manifest, now_s: float) -> str:
    if any(map(restart_count, _containers(pod))):
        return "ready again"
    age_s = pod_age_s(pod, now_s)
    return "ready" if age_s is None else f"ready after {age_s:.0f} s"


def _restarts(old: Manifest | None, new: Manifest) -> Iterator[str]:
    before = {state.get("name"): restart_count(state) for state in _containers(old)} if old else {}
    for state in _containers(new):
        last = (state.get("lastState") or {}).get("terminated")
        if old is not None and restart_count(state) > before.get(state.get("name"), 0):
            yield f"restarted: {ended(last)}" if last else "restarted"


def _containers(pod: Manifest) -> list[Mapping[str, Any]]:
    return list(status_of(pod).get("containerStatuses") or ())


def _change(now_s: float, subject: str, text: str) -> Event:
    return Event(timestamp(now_s), EventKind.CHANGE, subject, text)
