"""Where a stack runs: child processes of this machine, or a Kubernetes namespace."""

from __future__ import annotations

from kapture_tui.model.errors import UsageError
from kapture_tui.targets.base import Finding, Observation, Target

__all__ = ["TARGETS", "Finding", "Observation", "Target", "open_target"]

TARGETS = ("local",)
"""The names `open_target` knows."""


def open_target(name: str, namespace: str) -> Target:
    """The target of that name for one namespace; imports what it needs only now. Raises UsageError."""
    if name == "local":
        from kapture_tui.targets.local.target import LocalTarget

        return LocalTarget(namespace)
    raise UsageError(f"target {name!r}", "unknown", f"choose from {', '.join(TARGETS)}")
