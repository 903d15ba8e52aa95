"""Objects as an API server describes them, cut down to what is read."""

from __future__ import annotations

from typing import Any

Manifest = dict[str, Any]

START = "2026-11-22T12:00:00Z"
START_S = 1795348800.0


def pod(name: str = "etl-1", component: str = "etl", ready: bool = True, **status: Any) -> Manifest:
    """A pod that runs since `START`; `status` overrides what its status says."""
    state = {"name": "main", "restartCount": 0, "ready": ready, "state": {"running": {"startedAt": START}}}
    return {
        "metadata": {
            "name": name,
            "labels": {"app.kubernetes.io/component": component},
            "creationTimestamp": START,
        },
        "spec": {"nodeName": "node-1", "containers": [{"name": "main"}]},
        "status": {
            "phase": "Running",
            "startTime": START,
            "conditions": [{"type": "Ready", "status": str(ready)}],
            "containerStatuses": [state],
            **status,
        },
    }


def container(restarts: int = 0, state: Manifest | None = None, last: Manifest | None = None) -> Manifest:
    """A container's status."""
    return {"name": "main", "restartCount": restarts, "state": state or {}, "lastState": last or {}}


def terminated(code: int, reason: str = "Error") -> Manifest:
    """A container's end, at `START`."""
    return {"terminated": {"exitCode": code, "reason": reason, "finishedAt": START}}


def waiting(reason: str, message: str = "") -> Manifest:
    """A container that waits."""
    return {"waiting": {"reason": reason, **({"message": message} if message else {})}}


def deployment(name: str = "etl", replicas: int = 2, **status: Any) -> Manifest:
    """A Deployment all of whose replicas are ready; `status` overrides."""
    full = {
        "observedGeneration": 1,
        "replicas": replicas,
        "readyReplicas": replicas,
        "updatedReplicas": replicas,
    }
    return {
        "kind": "Deployment",
        "metadata": {"name": name, "generation": 1, "labels": {"app.kubernetes.io/component": name}},
        "spec": {"replicas": replicas},
        "status": {**full, **status},
    }
