"""What a cluster is made of, for whoever compares figures measured on it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from kapture_tui.model.errors import KaptureError
from kapture_tui.targets.base import Environment, Machine
from kapture_tui.targets.kubernetes.api import Api
from kapture_tui.targets.kubernetes.kinds import POD, Manifest, component_of, labels_of, name_of
from kapture_tui.targets.kubernetes.quantities import quantity

_TYPES = ("node.kubernetes.io/instance-type", "beta.kubernetes.io/instance-type")


async def look(api: Api, namespace: str) -> Environment:
    """The cluster's nodes, and the images the namespace's pods run. What may not be asked is said, not raised."""
    versions = {"kubernetes": api.version} if api.version else {}
    unavailable: dict[str, str] = {}
    machines: tuple[Machine, ...] = ()
    try:
        nodes = await api.request("GET", "/api/v1/nodes", query={"resourceVersion": "0"})
        machines = tuple(machine(node) for node in nodes.get("items") or ())
    except KaptureError as exc:
        unavailable["machines"] = str(exc)
    try:
        pods = await api.request("GET", POD.collection(namespace))
        versions |= images(pods.get("items") or ())
    except KaptureError as exc:
        unavailable["versions"] = str(exc)
    return Environment(machines, versions, unavailable)


def machine(node: Manifest) -> Machine:
    """A node, with what pods may have of it."""
    status: Mapping[str, Any] = node.get("status") or {}
    labels, info = labels_of(node), status.get("nodeInfo") or {}
    room = status.get("allocatable") or {}
    return Machine(
        name=name_of(node),
        type=next((labels[key] for key in _TYPES if labels.get(key)), ""),
        cores=quantity(room.get("cpu", 0)),
        memory_bytes=int(quantity(room.get("memory", 0))),
        architecture=info.get("architecture", ""),
        system=info.get("osImage", ""),
        kernel=info.get("kernelVersion", ""),
    )


def images(pods: Iterable[Manifest]) -> dict[str, str]:
    """By component the image it runs, without the registry it came from."""
    found: dict[str, str] = {}
    for pod in pods:
        containers: list[Manifest] = pod["spec"].get("containers") or [{}]
        found[component_of(pod)] = str(containers[0].get("image", "")).rpartition("/")[2]
    return {name: image for name, image in sorted(found.items()) if image}
