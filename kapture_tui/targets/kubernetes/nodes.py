"""Whether the pods of a stack fit on the nodes of a cluster. Pure.

The scheduler places one pod after the other and never moves one again; nor do we. See
https://kubernetes.io/docs/concepts/scheduling-eviction/kube-scheduler/.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from kapture_tui.targets.kubernetes.demand import Amounts, Demand, PodRequest, pod_sum
from kapture_tui.targets.kubernetes.kinds import Manifest, labels_of, name_of, spec_of, status_of
from kapture_tui.targets.kubernetes.quantities import LEAST, quantities, shown

_REPELLING = ("NoSchedule", "NoExecute")
PODS = "pods"
"""A node takes a limited number of them: counted like any resource."""


@dataclass(frozen=True, slots=True)
class Node:
    """A node with what is free on it.

    Attributes:
        free: allocatable minus what running pods request.
        architecture: as Go calls it: "amd64", "arm64", …
        trouble: why it takes no pod at all ("is not ready", "is cordoned"); "" if it does.
    """

    name: str
    free: Amounts
    architecture: str
    labels: Mapping[str, str] = field(default_factory=dict)
    taints: tuple[Mapping[str, Any], ...] = ()
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class Shortage:
    """Why the pods do not fit.

    Attributes:
        text: naming the node and what it lacks.
        certain: no order of placing them would do; otherwise the scheduler may still be luckier than we were.
        selection: it is a matter of selectors and taints, not of room.
    """

    text: str
    certain: bool
    selection: bool = False


def node(manifest: Manifest, pods: Iterable[Manifest] = ()) -> Node:
    """A node as the API server describes it, with the pods that run on it."""
    spec, status = spec_of(manifest), status_of(manifest)
    labels = labels_of(manifest)
    free = quantities(status.get("allocatable"))
    for pod in pods:
        for resource, amount in {**pod_sum(spec_of(pod), "requests"), PODS: 1.0}.items():
            free[resource] = free.get(resource, 0.0) - amount
    return Node(
        name=name_of(manifest),
        free=free,
        architecture=labels.get("kubernetes.io/arch")
        or (status.get("nodeInfo") or {}).get("architecture")
        or "",
        labels=labels,
        taints=tuple(spec.get("taints") or ()),
        trouble=_trouble(spec, status, labels),
    )


def _trouble(spec: Mapping[str, Any], status: Mapping[str, Any], labels: Mapping[str, str]) -> str:
    if labels.get("kubernetes.io/os", "linux") != "linux":
        return f"runs {labels['kubernetes.io/os']}"
    if spec.get("unschedulable"):
        return "is cordoned"
    ready = next((c for c in status.get("conditions") or () if c.get("type") == "Ready"), None)
    if ready is None or ready.get("status") != "True":
        message = " ".join(str((ready or {}).get("message") or "").split())
        return f"is not ready: {message}" if message else "is not ready"
    return ""


def takes(place: Node, pods: PodRequest) -> str:
    """Why a node does not take these pods whatever room it has; "" if it does."""
    if place.trouble:
        return place.trouble
    for key, value in pods.node_selector.items():
        if place.labels.get(key) != value:
            return f"has not the label {key}={value}"
    for taint in place.taints:
        if taint.get("effect") in _REPELLING and not any(_bears(t, taint) for t in pods.tolerations):
            return f"has the taint {_taint(taint)}"
    return ""


def candidates(nodes: Iterable[Node], asked: Demand) -> list[Node]:
    """The nodes that take at least some of the pods."""
    return [place for place in nodes if any(not takes(place, pods) for pods in asked.pods)]


def shortage(nodes: Sequence[Node], asked: Demand) -> Shortage | None:
    """Why the pods do not fit on these nodes; None if they do."""
    for pods in asked.pods:
        if pods.count and all(takes(place, pods) for place in nodes):
            return Shortage(_nowhere(pods, nodes), certain=True, selection=True)
    for order in _ORDERS:
        if _place(nodes, sorted(_each(asked), key=order)) is None:
            return None
    stuck = _place(nodes, list(_each(asked)))
    assert stuck is not None  # it is the first of the orders
    return Shortage(_explain(stuck, nodes, asked), certain=_impossible(nodes, asked))


@dataclass(frozen=True, slots=True)
class _Stuck:
    """A pod for which nothing was left, and what was left by then, by node."""

    pods: PodRequest
    index: int
    left: Mapping[str, Amounts]


def _each(asked: Demand) -> Iterator[tuple[PodRequest, int]]:
    return ((pods, index) for pods in asked.pods for index in range(pods.count))


def _by(resource: str) -> Callable[[tuple[PodRequest, int]], float]:
    return lambda item: -item[0].requests.get(resource, 0.0)


_ORDERS: tuple[Callable[[tuple[PodRequest, int]], float], ...] = (lambda _: 0.0, _by("cpu"), _by("memory"))
"""As they are deployed, and the largest first."""


def _place(nodes: Sequence[Node], items: Sequence[tuple[PodRequest, int]]) -> _Stuck | None:
    """Place the pods in that order, each where most CPU is left; None if all found a place."""
    left = {place.name: dict(place.free) for place in nodes}
    for pods, index in items:
        fitting = [place for place in nodes if not takes(place, pods) and not lacks(left[place.name], pods)]
        if not fitting:
            return _Stuck(pods, index, left)
        chosen = left[max(fitting, key=lambda place: left[place.name].get("cpu", 0.0)).name]
        for resource, amount in _wants(pods).items():
            chosen[resource] = chosen.get(resource, 0.0) - amount
    return None


def lacks(free: Amounts, pods: PodRequest) -> list[str]:
    """The resources of which one of these pods wants more than there is."""
    wanted = _wants(pods)
    return [name for name, amount in wanted.items() if amount > max(0.0, free.get(name, 0.0)) + LEAST]


def _wants(pods: PodRequest) -> Amounts:
    return {**pods.requests, PODS: 1.0}


def _impossible(nodes: Sequence[Node], asked: Demand) -> bool:
    """Whether no order could do: a pod that fits nowhere, or more in all than there is."""
    if len(nodes) == 1:
        return True
    for pods in asked.pods:
        if pods.count and all(takes(place, pods) or lacks(place.free, pods) for place in nodes):
            return True
    useful = candidates(nodes, asked)
    resources = {name for pods in asked.pods for name in pods.requests}
    return any(asked.total(name) > _sum(useful, name) + LEAST for name in resources) or (
        asked.running > _sum(useful, PODS) + LEAST
    )


def _sum(nodes: Iterable[Node], resource: str) -> float:
    return sum(max(0.0, place.free.get(resource, 0.0)) for place in nodes)


def _explain(stuck: _Stuck, nodes: Sequence[Node], asked: Demand) -> str:
    """Name the node that comes nearest, and what it lacks: "kt-node has 0.4 cores free, kafka-2 wants 0.5 cores"."""
    useful = [place for place in nodes if not takes(place, stuck.pods)]
    nearest = min(useful, key=lambda place: len(lacks(stuck.left[place.name], stuck.pods)))
    resource = lacks(stuck.left[nearest.name], stuck.pods)[0]
    place = max(useful, key=lambda place: stuck.left[place.name].get(resource, 0.0))
    left, wanted = stuck.left[place.name].get(resource, 0.0), _wants(stuck.pods)[resource]
    pod = stuck.pods.pod(stuck.index)
    if resource == PODS:
        return f"{place.name} takes no more pods, not even {pod} ({asked.running} are needed in all)"
    before = " left" if left < place.free.get(resource, 0.0) - LEAST else " free"
    total, free = asked.total(resource), _sum(useful, resource)
    text = (
        f"{place.name} has {shown(resource, max(0.0, left))}{before}, {pod} wants {shown(resource, wanted)}"
    )
    what = "" if resource == "cpu" else f" of {resource}"
    return f"{text}{what} (all pods together {shown(resource, total)}; free are {shown(resource, free)})"


def _nowhere(pods: PodRequest, nodes: Sequence[Node]) -> str:
    why = "; ".join(f"{place.name} {takes(place, pods)}" for place in nodes[:3])
    more = f"; and {len(nodes) - 3} more" if len(nodes) > 3 else ""
    return f"no node takes {pods.pod(0)}: {why or 'there is none'}{more}"


def _bears(toleration: Mapping[str, Any], taint: Mapping[str, Any]) -> bool:
    """See https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/."""
    if toleration.get("effect") not in (None, "", taint.get("effect")):
        return False
    operator, key = toleration.get("operator") or "Equal", toleration.get("key") or ""
    if key != taint.get("key"):
        return not key and operator == "Exists"
    return operator == "Exists" or (toleration.get("value") or "") == (taint.get("value") or "")


def _taint(taint: Mapping[str, Any]) -> str:
    value = f"={taint['value']}" if taint.get("value") else ""
    return f"{taint.get('key')}{value}:{taint.get('effect')}"
