"""Looks for room on the nodes: reads the pods of no more nodes than it takes to place the stack."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from kapture_tui.model.errors import KaptureError
from kapture_tui.targets.base import Finding
from kapture_tui.targets.kubernetes import nodes
from kapture_tui.targets.kubernetes.api import Api
from kapture_tui.targets.kubernetes.demand import Demand
from kapture_tui.targets.kubernetes.kinds import Manifest, labels_of, name_of
from kapture_tui.targets.kubernetes.nodes import Node, Shortage
from kapture_tui.targets.kubernetes.quantities import shown
from kapture_tui.targets.kubernetes.surroundings import PART_OF, Seen, Surroundings, seen
from kapture_tui.targets.kubernetes.together import together

AT_ONCE = 8
"""Nodes whose pods are read together."""

MOST = 64
"""Nodes after which nobody looks any further: a cluster that large places a stack of ours somewhere."""

_TERMINATED = "status.phase!=Succeeded,status.phase!=Failed"


@dataclass(frozen=True, slots=True)
class Room:
    """Where the pods may go.

    Attributes:
        findings: about nodes and their room.
        architectures: of the nodes that take some of the pods, sorted; empty where we may not look.
    """

    findings: tuple[Finding, ...]
    architectures: tuple[str, ...] = ()


async def room(api: Api, namespace: str, around: Surroundings, asked: Demand) -> Room:
    """Look for it. What runs of the stack already counts as free: it is what the pods will replace."""
    found = around["nodes"]
    if found.problem is not None:
        text = f"could not be looked at: whether the pods fit on the nodes: {found.problem.cause}"
        return Room((Finding("nodes", False, text),))
    empty = [nodes.node(item) for item in found.items]
    useful = {place.name for place in nodes.candidates(empty, asked)}
    largest = sorted(
        (item for item in found.items if name_of(item) in useful),
        key=lambda item: -nodes.node(item).free.get("cpu", 0.0),
    )
    architectures = {place.architecture for place in empty if place.name in useful and place.architecture}
    fit = await _fit(api, namespace, largest, empty, asked)
    return Room((*_troubles(empty), fit), tuple(sorted(architectures)))


async def _fit(
    api: Api, namespace: str, largest: Sequence[Manifest], empty: Sequence[Node], asked: Demand
) -> Finding:
    if not asked.running:
        return Finding("nodes", True, "there are no pods to place")
    if len(largest) <= MOST and (lacking := nodes.shortage(empty, asked)) and lacking.certain:
        return _short(lacking)  # whatever runs on them
    known: list[Node] = []
    for start in range(0, min(len(largest), MOST), AT_ONCE):
        batch = largest[start : start + AT_ONCE]
        pods = await together((_pods_on(api, name_of(item)) for item in batch), AT_ONCE)
        if problem := next((answer.problem for answer in pods if answer.problem), None):
            return _unknown(problem)
        known += [
            nodes.node(item, _others(answer, namespace)) for item, answer in zip(batch, pods, strict=True)
        ]
        lacking = nodes.shortage(known, asked)
        if lacking is None:
            return Finding("nodes", True, _enough(known, asked))
    assert lacking is not None  # without a node to look at, not even empty ones would have done
    if len(largest) > MOST:
        text = f"on the {MOST} largest of {len(largest)} nodes the pods do not fit: {lacking.text}"
        return Finding("nodes", False, text, _REMEDY)
    return _short(lacking)


async def _pods_on(api: Api, name: str) -> Seen:
    query = {"fieldSelector": f"spec.nodeName={name},{_TERMINATED}", "resourceVersion": "0"}
    return await seen(api, "/api/v1/pods", query)


def _others(answer: Seen, namespace: str) -> Iterator[Manifest]:
    for pod in answer.items:
        ours = labels_of(pod).get(PART_OF) == "kapture" and pod["metadata"].get("namespace") == namespace
        if not ours:
            yield pod


_REMEDY = "choose a smaller scale, make room, or add a node"


def _short(lacking: Shortage) -> Finding:
    if lacking.selection:
        return Finding("nodes", False, lacking.text, "see --node-selector and --toleration", fatal=True)
    return Finding("nodes", False, lacking.text, _REMEDY, fatal=lacking.certain)


def _unknown(problem: KaptureError) -> Finding:
    text = "the pods fit on empty nodes; how much of them is free could not be looked at"
    return Finding("nodes", False, f"{text}: {problem.cause}")


def _enough(known: Sequence[Node], asked: Demand) -> str:
    useful = nodes.candidates(known, asked)
    wanted = _amounts({name: asked.total(name) for name in ("cpu", "memory")})
    free = _amounts({name: sum(place.free.get(name, 0.0) for place in useful) for name in ("cpu", "memory")})
    where = useful[0].name if len(useful) == 1 else f"{len(useful)} nodes"
    return f"{asked.running} pods want {wanted}; {where} {'has' if len(useful) == 1 else 'have'} {free} free"


def _amounts(amounts: Mapping[str, float]) -> str:
    return " and ".join(shown(name, amount) for name, amount in amounts.items())


def _troubles(places: Sequence[Node]) -> Iterator[Finding]:
    """Nodes that are not ready: worth a word even where the others suffice."""
    for place in places:
        if place.trouble.startswith("is not ready"):
            text = f"{place.name} {place.trouble}"
            yield Finding("nodes", False, text, f"kubectl describe node {place.name} says more")
