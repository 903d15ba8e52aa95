"""What the command line changes about pods, whichever manifest they come from. All of it changes objects in place."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from kapture_tui.model.spec import ClusterSpec
from kapture_tui.stack.kustomize import Manifest, containers_of, template_of
from kapture_tui.stack.sizing import cpu_limit

INIT = "bundle"
"""The init container that unpacks the bundle, and the volume it unpacks into."""

CHUNKS = "chunks"
"""The volume in which it finds the bundle."""

DATA = "data"
"""The volume of a server's data."""


def label(found: Manifest, run_id: str, namespace: str) -> None:
    """Put the object into its namespace and mark it, its pods and its volumes as part of the run."""
    metadata = found["metadata"]
    metadata["namespace"] = namespace
    labels = metadata.get("labels") or {}
    name = labels.get("app.kubernetes.io/name", metadata["name"])
    ours = {
        "app.kubernetes.io/name": name,
        "app.kubernetes.io/component": labels.get("app.kubernetes.io/component", name),
        "app.kubernetes.io/part-of": "kapture",
        "app.kubernetes.io/managed-by": "kapture-tui",
        "kapture.run": run_id,
    }
    places = [found, *found.get("spec", {}).get("volumeClaimTemplates", ())]
    if template := template_of(found):
        places.append(template)
    for place in places:
        held = place.setdefault("metadata", {})
        held["labels"] = {**(held.get("labels") or {}), **ours}


def spell_out(found: Manifest) -> None:
    """Write down the defaults inside of fields that are only owned as a whole.

    Otherwise two managers that apply the same manifest are in conflict: the server compares what the second one sent
    with what it has itself added to the first one's.
    """
    for container in containers_of(found):
        for variable in container.get("env", ()):
            if field := variable.get("valueFrom", {}).get("fieldRef"):
                field.setdefault("apiVersion", "v1")


def reads_config_map(found: Manifest, name: str) -> bool:
    """Whether its containers take their environment from that ConfigMap."""
    sources = (source for container in containers_of(found) for source in container.get("envFrom", ()))
    return any(source.get("configMapRef", {}).get("name") == name for source in sources)


def add_env(container: Manifest, variable: Manifest) -> None:
    """Set a variable, unless it is set."""
    env = container.setdefault("env", [])
    if not any(entry["name"] == variable["name"] for entry in env):
        env.append(variable)


def mount_bundles(objects: Iterable[Manifest], sources: Sequence[Manifest]) -> None:
    """Let the init containers find these bundles."""
    for found in objects:
        for volume in _volumes(found):
            if volume["name"] == CHUNKS:
                volume["projected"]["sources"] = copy.deepcopy(list(sources))


def use_image(objects: list[Manifest], image: str) -> None:
    """Run the workload from an image that has the package: no bundle, no init container, no PYTHONPATH."""
    objects[:] = [f for f in objects if (f["kind"], f["metadata"]["name"]) != ("ConfigMap", INIT)]
    for found in objects:
        pod = (template_of(found) or {}).get("spec", {})
        init = pod.get("initContainers", ())
        if not any(container["name"] == INIT for container in init):
            continue
        _set_or_drop(pod, "initContainers", [c for c in init if c["name"] != INIT])
        _set_or_drop(pod, "volumes", [v for v in pod["volumes"] if v["name"] not in (INIT, CHUNKS)])
        for container in pod["containers"]:
            if any(mount["name"] == INIT for mount in container.get("volumeMounts", ())):
                _without_bundle(container)
                container["image"] = image


def _without_bundle(container: Manifest) -> None:
    mounts = container["volumeMounts"]
    places = {mount["mountPath"] for mount in mounts if mount["name"] == INIT}
    _set_or_drop(container, "volumeMounts", [mount for mount in mounts if mount["name"] != INIT])
    for entry in container.get("env", ()):
        if entry["name"] == "PYTHONPATH":
            entry["value"] = ":".join(path for path in entry["value"].split(":") if path not in places)
    env = [entry for entry in container.get("env", ()) if entry != {"name": "PYTHONPATH", "value": ""}]
    _set_or_drop(container, "env", env)


def use_registry(objects: Iterable[Manifest], prefix: str) -> None:
    """Pull every image from below `prefix`: only the last part of its name stays, with tag or digest."""
    for found in objects:
        for container in containers_of(found):
            container["image"] = f"{prefix.rstrip('/')}/{container['image'].rpartition('/')[2]}"


def limit_cpu(objects: Iterable[Manifest]) -> None:
    """Set the CPU limits that are absent."""
    for found in objects:
        for container in containers_of(found):
            limits = container.setdefault("resources", {}).setdefault("limits", {})
            limits.setdefault("cpu", cpu_limit(found["metadata"]["name"]))


def claim_volume(stateful_set: Manifest, size: str, storage_class: str | None) -> None:
    """Keep its data on a claimed volume instead of the node's disk; one that claims some already stays as it is."""
    pod = stateful_set["spec"]["template"]["spec"]
    volumes = pod.get("volumes", [])
    ours = [volume for volume in volumes if volume["name"] == DATA and "emptyDir" in volume]
    if not ours:
        return
    _set_or_drop(pod, "volumes", [volume for volume in volumes if volume not in ours])
    claim: dict[str, Any] = {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": size}},
    }
    if storage_class is not None:
        claim["storageClassName"] = storage_class
    template = {"metadata": {"name": DATA}, "spec": claim}
    stateful_set["spec"].setdefault("volumeClaimTemplates", []).append(template)


def choose_nodes(pod: Manifest, cluster: ClusterSpec) -> None:
    """Say which nodes may run the pod, and what pulls its images."""
    for pair in cluster.node_selector:
        key, _, value = pair.partition("=")
        pod.setdefault("nodeSelector", {}).setdefault(key, value)
    for text in cluster.tolerations:
        borne = toleration(text)
        if borne not in pod.setdefault("tolerations", []):
            pod["tolerations"].append(borne)
    if cluster.pull_secret:
        secrets = pod.setdefault("imagePullSecrets", [])
        if {"name": cluster.pull_secret} not in secrets:
            secrets.append({"name": cluster.pull_secret})


def toleration(text: str) -> Mapping[str, str]:
    """The toleration that "key=value:effect" stands for; without a value any is borne, without an effect all are."""
    pair, _, effect = text.partition(":")
    key, equals, value = pair.partition("=")
    borne = (
        {"key": key, "operator": "Equal", "value": value} if equals else {"key": key, "operator": "Exists"}
    )
    return borne | ({"effect": effect} if effect else {})


def _volumes(found: Manifest) -> list[Manifest]:
    template = template_of(found)
    return template["spec"].get("volumes", []) if template else []


def _set_or_drop(place: Manifest, field: str, value: list[Manifest]) -> None:
    if value:
        place[field] = value
    else:
        place.pop(field, None)
