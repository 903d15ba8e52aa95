"""What changed in the namespace, as events for people. Pure: old and new objects in, events out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from kapture_tui.model.event import Event, EventKind
from kapture_tui.model.times import timestamp
from kapture_tui.targets.kubernetes.kinds import MANAGER, Manifest, name_of
from kapture_tui.targets.kubernetes.moments import seconds_of
from kapture_tui.targets.kubernetes.pods import ended, is_ready, phase_of, reason_of

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

PASSING = "failed to sync configmap cache"
"""A busy kubelet says this of volumes that it mounts a moment later: no news for anybody."""

HISTORY = {"ScalingReplicaSet", "Killing", "BackOff"}
"""More of them, of which somebody who joins later would not know otherwise."""


def scaled(old: Manifest, new: Manifest, now_s: float) -> Iterator[Event]:
    """Somebody changed the number of replicas of a Deployment or StatefulSet: we, or another client."""
    before, after = (item["spec"].get("replicas", 1) for item in (old, new))
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
    return str(latest["manager"]) if latest else ""


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
        since = new["status"].get("startTime") or new["metadata"]["creationTimestamp"]
        if not sum(map(_restart_count, _containers(new))):
            yield _change(now_s, name, f"ready after {max(0.0, now_s - seconds_of(since)):.0f} s")
        else:
            yield _change(now_s, name, "ready again")


def told(event: Mapping[str, Any], reasons: set[str]) -> Event | None:
    """An event of Kubernetes that is worth a line here; None if it is not."""
    if event.get("reason") not in reasons:
        return None
    at = event.get("lastTimestamp") or event.get("eventTime") or event["metadata"]["creationTimestamp"]
    about = event.get("involvedObject") or {}
    text = " ".join(str(event.get("message") or event["reason"]).split())
    if PASSING in text:
        return None
    return Event(timestamp(seconds_of(at)), EventKind.CHANGE, str(about.get("name") or ""), text)


def _restarts(old: Manifest | None, new: Manifest) -> Iterator[str]:
    before = {state["name"]: _restart_count(state) for state in _containers(old)} if old else {}
    for state in _containers(new):
        last = (state.get("lastState") or {}).get("terminated")
        if old is not None and _restart_count(state) > before.get(state["name"], 0):
            yield f"restarted: {ended(last)}" if last else "restarted"


def _containers(pod: Manifest) -> list[Mapping[str, Any]]:
    return list((pod.get("status") or {}).get("containerStatuses") or ())


def _restart_count(state: Mapping[str, Any]) -> int:
    return int(state.get("restartCount") or 0)


def _change(now_s: float, subject: str, text: str) -> Event:
    return Event(timestamp(now_s), EventKind.CHANGE, subject, text)
