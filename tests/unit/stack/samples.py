"""Stacks to render in tests."""

from __future__ import annotations

from typing import Any

from kapture_tui.model.spec import ClusterSpec, Component, StackSpec
from kapture_tui.stack.bundle import Bundle
from kapture_tui.stack.kustomize import Manifest
from kapture_tui.stack.render import RunFacts, render

REDIS = frozenset({Component.REDIS})
ALL = REDIS | {Component.PROMETHEUS}
BUNDLE = Bundle("amd64", "ab" * 32, (b"\x00first", b"second"))
FACTS = RunFacts("r7", (BUNDLE,), dict.fromkeys(("redis", "postgres", "elasticsearch", "mongo"), "s3cret"))


def stack(scale: int = 3, components: frozenset[Component] = ALL, **cluster: Any) -> StackSpec:
    """A stack called perf-test."""
    return StackSpec("perf-test", scale, components, cluster=ClusterSpec(**cluster))


def rendered(spec: StackSpec, facts: RunFacts = FACTS) -> dict[tuple[str, str], Manifest]:
    """Its objects by kind and name."""
    return {(found["kind"], found["metadata"]["name"]): found for found in render(spec, facts)}


def pod_of(found: Manifest) -> Manifest:
    """The spec of its pods."""
    spec: Manifest = found["spec"]["template"]["spec"]
    return spec


def pods_of(objects: dict[tuple[str, str], Manifest]) -> dict[str, Manifest]:
    """The specs of all pods, by the name of what makes them."""
    makers = ("Deployment", "StatefulSet", "Job")
    return {name: pod_of(found) for (kind, name), found in objects.items() if kind in makers}


def containers(pod: Manifest) -> list[Manifest]:
    """All its containers."""
    return [*pod.get("initContainers", ()), *pod["containers"]]
