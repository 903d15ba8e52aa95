"""Manifests as tests need them: what asks for something, and what bounds it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kapture_tui.targets.kubernetes.kinds import Manifest


def container(name: str, cpu: str = "100m", memory: str = "64Mi", /, **limits: str) -> dict[str, Any]:
    """One that asks for as much, with a memory limit as high as its request and the limits named."""
    requests = {"cpu": cpu, "memory": memory}
    return {"name": name, "resources": {"requests": requests, "limits": {"memory": memory, **limits}}}


def deployment(
    name: str,
    *containers: Mapping[str, Any],
    replicas: int = 1,
    init: Sequence[Mapping[str, Any]] = (),
    **pod: Any,
) -> Manifest:
    spec = {"containers": [*containers], "initContainers": [*init], **pod}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "labels": {"app.kubernetes.io/component": name}},
        "spec": {"replicas": replicas, "template": {"spec": spec}},
    }


def quota(name: str, hard: Mapping[str, str], used: Mapping[str, str] | None = None, **spec: Any) -> Manifest:
    return {
        "metadata": {"name": name},
        "spec": {"hard": hard, **spec},
        "status": {"hard": hard, "used": used or {}},
    }


def limit_range(name: str, kind: str = "Container", **rule: Mapping[str, str]) -> Manifest:
    return {"metadata": {"name": name}, "spec": {"limits": [{"type": kind, **rule}]}}


def node(name: str, cpu: str = "4", memory: str = "8Gi", pods: str = "110", **spec: Any) -> Manifest:
    return {
        "metadata": {"name": name, "labels": {"kubernetes.io/arch": "amd64", "kubernetes.io/os": "linux"}},
        "spec": spec,
        "status": {
            "allocatable": {"cpu": cpu, "memory": memory, "pods": pods},
            "conditions": [{"type": "Ready", "status": "True"}],
        },
    }


def pod(name: str, *containers: Mapping[str, Any]) -> Manifest:
    return {"metadata": {"name": name, "namespace": "elsewhere"}, "spec": {"containers": [*containers]}}
