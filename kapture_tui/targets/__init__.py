"""Where a stack runs: child processes of this machine, or a Kubernetes namespace."""

from __future__ import annotations

from kapture_tui.model.errors import UsageError
from kapture_tui.targets.base import Connection, Finding, Observation, Place, Target

__all__ = ["TARGETS", "Connection", "Finding", "Observation", "Place", "Target", "open_target"]

TARGETS = ("local", "kubernetes")
"""The names `open_target` knows."""


def open_target(name: str, namespace: str, connection: Connection | None = None) -> Target:
    """The target of that name for one namespace; imports what it needs only now. Raises UsageError.

    Args:
        connection: how a cluster is reached; None: as the kubeconfig says. This machine needs none.
    """
    if name == "local":
        from kapture_tui.targets.local.target import LocalTarget

        return LocalTarget(namespace)
    if name == "kubernetes":
        from kapture_tui.targets.kubernetes.target import KubernetesTarget

        return KubernetesTarget(namespace, connection or Connection())
    raise UsageError(f"target {name!r}", "unknown", f"choose from {', '.join(TARGETS)}")
