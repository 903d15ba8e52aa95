"""What a person is asked before a cluster is changed: the same words on the command line and in the console."""

from __future__ import annotations

from kapture_tui.model.spec import Component, StackSpec
from kapture_tui.targets.base import Place
from kapture_tui.tui.figures import plural

Fact = tuple[str, str]
"""What is told, and what it is."""


def whereabouts(place: Place) -> tuple[Fact, ...]:
    """Context, server, user and namespace of a place on a cluster."""
    return (
        ("context", place.context),
        ("server", place.server),
        ("user", place.user),
        ("namespace", f"{place.namespace}, {namespace_state(place)}"),
    )


def namespace_state(place: Place) -> str:
    """Whether the namespace is there. What becomes of it in the end is in the stack's record: who made it."""
    if place.exists is None:
        return "of which you may not see whether it exists"
    return "which exists" if place.exists else "which will be made"


def deployment(spec: StackSpec, runs: bool = False) -> Fact:
    """What deploying a stack makes, or changes where one `runs` already."""
    if spec.cluster.kustomize:
        what = f"what {spec.cluster.kustomize} holds, at scale {spec.scale}"
    else:
        what = f"{plural(pods(spec), 'pod')}: {', '.join(_counts(spec))}"
    return ("changes", f"the stack that runs there to {what}") if runs else ("makes", what)


def pods(spec: StackSpec) -> int:
    """How many pods a stack has once it runs."""
    return sum(_replicas(spec, component) for component in Component if spec.has(component))


def _counts(spec: StackSpec) -> list[str]:
    return [
        f"{_replicas(spec, component)} {component.value}" for component in Component if spec.has(component)
    ]


def _replicas(spec: StackSpec, component: Component) -> int:
    from kapture_tui.stack import sizing

    size = sizing.size(spec.scale)
    return size.brokers if component is Component.KAFKA else size.replicas(component)
