"""What the console does, as a person would do it on the command line: with kubectl on a cluster, with us elsewhere."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from kapture_tui.model.spec import Component

_SETS = frozenset(
    {Component.KAFKA, Component.REDIS, Component.ELASTICSEARCH, Component.POSTGRES, Component.MONGO}
)
_COMPONENT_LABEL = "app.kubernetes.io/component"
_MANY = 50
"""Logs that kubectl follows at once."""


@dataclass(frozen=True, slots=True)
class ByHand:
    """Makes command lines for one stack; "" where there is none.

    Attributes:
        namespace: the stack's name.
        target: "local" or "kubernetes".
        context: of the kubeconfig; "" for the current one.
    """

    namespace: str
    target: str
    context: str = ""

    def scale(self, component: Component, replicas: int) -> str:
        """Set a component's number."""
        if self.target == "local":
            return shlex.join(("kapture-tui", "scale", self.namespace, f"{component.value}={replicas}"))
        kind = "statefulset" if component in _SETS else "deployment"
        return self._kubectl("scale", f"{kind}/{component.value}", f"--replicas={replicas}")

    def kill(self, pod: str) -> str:
        """End a pod without warning."""
        return self._kubectl("delete", "pod", pod, "--grace-period=0", "--force")

    def logs(self, subject: str, one: bool) -> str:
        """Follow a log; `one`: that of a pod, otherwise those of a component."""
        if one:
            return self._kubectl("logs", subject, "--follow", "--tail=200")
        label = f"{_COMPONENT_LABEL}={subject}"
        return self._kubectl(
            "logs", "--selector", label, "--prefix", "--follow", "--tail=200", f"--max-log-requests={_MANY}"
        )

    def describe(self, pod: str) -> str:
        """All about a pod, with its events."""
        return self._kubectl("describe", "pod", pod)

    def _kubectl(self, *words: str) -> str:
        if self.target == "local":
            return ""
        context = ("--context", self.context) if self.context else ()
        return shlex.join(("kubectl", *context, "--namespace", self.namespace, *words))
