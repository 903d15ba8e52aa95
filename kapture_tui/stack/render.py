"""From what a person asked for to the objects of a namespace.

The manifests say what a stack is made of; here is added what a fixed file cannot know. One rule makes that work for a
person's own kustomization as well: **what is written there stays, what is absent is filled in.** manifests/base
therefore leaves out what belongs to the command line: replicas, the load, the run. Exceptions are what names the run or
was asked for on this very command line: labels, `KAPTURE_RUN_ID`, `--image`, `--registry`.
"""

from __future__ import annotations

import base64
import copy
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from kapture_tui.model.errors import UsageError
from kapture_tui.model.spec import Component, StackSpec, databases
from kapture_tui.model.wire import to_wire
from kapture_tui.resources import manifests_dir
from kapture_tui.stack import bundle, pods
from kapture_tui.stack.bundle import Bundle
from kapture_tui.stack.catalogue import CATALOGUE, SEVERAL_REDIS, manifests_of
from kapture_tui.stack.folder import write
from kapture_tui.stack.kustomize import Manifest, build, kubectl_build, template_of
from kapture_tui.stack.overlay import check_overlay
from kapture_tui.stack.sizing import Size, claimed, replication, size
from kapture_tui.workload.settings import Settings

__all__ = ["RunFacts", "render", "scaled", "write"]

CHECKSUM = "kapture.run/checksum"
"""Annotation of pods that read the ConfigMap `workload`: another content rolls them."""

RECORD = "kapture-run"
WORKLOAD = "workload"
_FIXED = {"KAPTURE_NAME", "KAPTURE_BOOTSTRAP", "KAPTURE_PORT", "KAPTURE_HOST", "KAPTURE_EMBEDDED"}
"""Settings that the manifests say themselves, or that differ from pod to pod."""

_ORDER = {
    kind: place
    for place, kind in enumerate(
        ("ConfigMap", "Secret", "Service", "PodDisruptionBudget", "StatefulSet", "Job")
    )
}
_FIRST = ("zookeeper", "kafka", "topics", *(database.value for database in databases()))
_LAST = ("data-loader", "webapp", "shoppers")


@dataclass(frozen=True, slots=True)
class RunFacts:
    """What rendering needs to know beyond what a person asked for.

    Attributes:
        run_id: labels everything.
        bundles: one for each architecture of the nodes; empty with an image of our own.
        passwords: by component, of those that have one; more than are needed do no harm.
        pod_monitor: the cluster knows PodMonitors, so no Prometheus of ours is needed.
        cpu_limits: the namespace demands CPU limits.
    """

    run_id: str
    bundles: tuple[Bundle, ...]
    passwords: Mapping[str, str]
    pod_monitor: bool = False
    cpu_limits: bool = False


def render(spec: StackSpec, facts: RunFacts) -> tuple[Manifest, ...]:
    """The objects of a stack, in the order they are applied; the record of the run first, no Namespace.

    Raises:
        UsageError: the overlay cannot be built, or asks for what it cannot have; see `overlay`.
    """
    objects = sources(spec, facts)
    shape = size(spec.scale)
    _scale(objects, shape, spec.cluster.redis_count)
    _tell_count(objects, "kafka", "BROKERS")
    if spec.has(Component.ZOOKEEPER):
        _tell_count(objects, "zookeeper", "ZOOKEEPERS", "kafka")
    if spec.has(Component.REDIS):
        _tell_count(objects, "redis", "REDIS_COUNT")
    _tell_workload(objects, _environment(spec, facts, shape, objects))
    _add_passwords(objects, facts.passwords)
    _add_bundles(objects, facts.bundles)
    if spec.cluster.image:
        pods.use_image(objects, spec.cluster.image)
    _place_pods(spec, facts, objects)
    for found in objects:
        pods.label(found, facts.run_id, spec.namespace)
        pods.spell_out(found)
    ordered = sorted(objects, key=_place)
    return (_record(spec, facts, ordered), *ordered)


def sources(spec: StackSpec, facts: RunFacts) -> list[Manifest]:
    """The objects as the manifests or the person's overlay have them. Raises UsageError."""
    if spec.cluster.kustomize:
        objects = kubectl_build(Path(spec.cluster.kustomize))
        check_overlay(spec, objects)
        return objects
    return build(manifests_dir() / "base", component_folders(spec, facts.pod_monitor))


def component_folders(spec: StackSpec, pod_monitor: bool) -> list[Path]:
    """The kustomize components that a stack takes."""
    chosen = [component for component in CATALOGUE if component in spec.components]
    # First, as the database that it reads adds to it.
    spout = [manifests_of(Component.SPOUT)] if spec.has(Component.SPOUT) else []
    folders = [
        manifests_dir() / "components" / "pod-monitor"
        if pod_monitor and component is Component.PROMETHEUS
        else manifests_of(component)
        for component in chosen
    ]
    if Component.REDIS in chosen and spec.cluster.redis_count > 1:
        folders.remove(manifests_of(Component.REDIS))
        folders.append(SEVERAL_REDIS)  # at the end: it changes where others find Redis
    return spout + folders


def scaled() -> frozenset[str]:
    """The Deployments that may be scaled while they run: their replicas go through the scale subresource."""
    return frozenset(component.value for component, entry in CATALOGUE.items() if entry.scalable)


# --- filling in ------------------------------------------------------------------------------------------


def _scale(objects: Sequence[Manifest], shape: Size, redis: int) -> None:
    counts = {component.value: shape.replicas(component) for component in CATALOGUE}
    counts |= {Component.KAFKA.value: shape.brokers, Component.REDIS.value: redis}
    for found in objects:
        name = found["metadata"]["name"]
        if found["kind"] in ("Deployment", "StatefulSet") and name in counts:
            found["spec"].setdefault("replicas", counts[name])


def _tell_count(objects: Sequence[Manifest], name: str, variable: str, *others: str) -> None:
    """Tell the pods of a StatefulSet, and of others, how many it has."""
    count = str(_find(objects, "StatefulSet", name)["spec"]["replicas"])
    for told in (name, *others):
        for container in _find(objects, "StatefulSet", told)["spec"]["template"]["spec"]["containers"]:
            pods.add_env(container, {"name": variable, "value": count})


def _environment(
    spec: StackSpec, facts: RunFacts, shape: Size, objects: Sequence[Manifest]
) -> Mapping[str, str]:
    """What every workload process is told alike."""
    settings = Settings(
        name="",
        run_id=facts.run_id,
        bootstrap="",
        partitions=shape.partitions,
        replication=replication(_find(objects, "StatefulSet", "kafka")["spec"]["replicas"]),
        groups=spec.groups,
        load=spec.load,
    )
    return {name: value for name, value in settings.to_env().items() if name not in _FIXED}


def _tell_workload(objects: Sequence[Manifest], environment: Mapping[str, str]) -> None:
    config = _find(objects, "ConfigMap", WORKLOAD)
    run = {"KAPTURE_RUN_ID": environment["KAPTURE_RUN_ID"]}
    config["data"] = {**environment, **config.get("data", {}), **run}
    digest = hashlib.sha256(json.dumps(config["data"], sort_keys=True).encode()).hexdigest()[:16]
    for found in objects:
        if pods.reads_config_map(found, WORKLOAD):
            # A Job's template cannot be changed, so there it marks the Job itself.
            place = found if found["kind"] == "Job" else template_of(found)
            assert place is not None
            place["metadata"].setdefault("annotations", {})[CHECKSUM] = digest


def _add_passwords(objects: list[Manifest], passwords: Mapping[str, str]) -> None:
    there = {(found["kind"], found["metadata"]["name"]) for found in objects}
    for component, entry in CATALOGUE.items():
        name = component.value
        if entry.password and ("StatefulSet", name) in there and ("Secret", name) not in there:
            data = {"password": _base64(passwords[name].encode())}
            objects.append(_object("Secret", name, type="Opaque", data=data))


def _add_bundles(objects: list[Manifest], bundles: Sequence[Bundle]) -> None:
    config = _find(objects, "ConfigMap", bundle.CONFIG_MAP)
    config["data"] = {**config.get("data", {}), **bundle.facts(bundles)}
    pods.mount_bundles(objects, bundle.volume_sources(bundles))
    for one in bundles:
        for name, chunk in one.config_maps.items():
            objects.append(_object("ConfigMap", name, immutable=True, binaryData={"chunk": _base64(chunk)}))


def _place_pods(spec: StackSpec, facts: RunFacts, objects: Sequence[Manifest]) -> None:
    cluster = spec.cluster
    if cluster.storage == "persistent":
        for found in objects:
            if found["kind"] == "StatefulSet":
                pods.claim_volume(found, claimed(found["metadata"]["name"]), cluster.storage_class)
    if cluster.cpu_limits or facts.cpu_limits:
        pods.limit_cpu(objects)
    if cluster.registry:
        pods.use_registry(objects, cluster.registry)
    for found in objects:
        if template := template_of(found):
            pods.choose_nodes(template["spec"], cluster)


def _record(spec: StackSpec, facts: RunFacts, objects: Iterable[Manifest]) -> Manifest:
    """The ConfigMap by which a stack is found again."""
    inventory = [f"{found['apiVersion']}/{found['kind']}/{found['metadata']['name']}" for found in objects]
    data = {
        "run_id": facts.run_id,
        # `keep` says how one command line goes on, not what the stack is.
        "spec": json.dumps(to_wire(replace(spec, keep=False)), sort_keys=True),
        "inventory": json.dumps([*inventory, f"v1/ConfigMap/{RECORD}"]),
    }
    record = _object("ConfigMap", RECORD, data=data)
    pods.label(record, facts.run_id, spec.namespace)
    return record


def _place(found: Manifest) -> tuple[int, int, str]:
    """Where an object comes: what others need first, what needs them all last."""
    name = found["metadata"]["name"]
    if name in _LAST:
        return (len(_ORDER) + 1, 0, name)
    rank = _FIRST.index(name) if name in _FIRST else len(_FIRST)
    return (_ORDER.get(found["kind"], len(_ORDER)), rank, name)


def _find(objects: Iterable[Manifest], kind: str, name: str) -> Manifest:
    for found in objects:
        if (found["kind"], found["metadata"]["name"]) == (kind, name):
            return found
    raise UsageError("rendering the stack", f"{kind} {name} is missing", "build on manifests/base")


def _object(kind: str, name: str, **fields: Any) -> Manifest:
    return {"apiVersion": "v1", "kind": kind, "metadata": {"name": name}, **copy.deepcopy(fields)}


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()
