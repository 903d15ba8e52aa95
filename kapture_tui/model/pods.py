"""Pods by component: sorted once, however many ask for a component's."""

from __future__ import annotations

from collections.abc import Iterable

from kapture_tui.model.snapshot import PodRow


def by_component(pods: Iterable[PodRow]) -> dict[str, list[PodRow]]:
    """Return pods by component, in the order the components first appear."""
    found: dict[str, list[PodRow]] = {}
    for pod in pods:
        own = found.get(pod.component)
        if own is None:
            found[pod.component] = [pod]
        else:
            own.append(pod)
    return found
