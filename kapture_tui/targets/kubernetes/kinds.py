"""The kinds of objects a stack is made of, and where the API server keeps them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

Manifest = dict[str, Any]

MANAGER = "kapture-tui"
"""Our field manager for server-side apply, and the value of `app.kubernetes.io/managed-by`."""

RUN_LABEL = "kapture.run"
COMPONENT_LABEL = "app.kubernetes.io/component"
OURS = "app.kubernetes.io/part-of=kapture,app.kubernetes.io/managed-by=kapture-tui"
"""Selects what belongs to a stack of ours, whichever run."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of object that lives in a namespace, as the API server addresses it."""

    api_version: str
    name: str
    plural: str

    def collection(self, namespace: str) -> str:
        """The path of all objects of this kind in a namespace."""
        root = "api" if "/" not in self.api_version else "apis"
        return f"/{root}/{self.api_version}/namespaces/{namespace}/{self.plural}"

    def path(self, namespace: str, name: str) -> str:
        """The path of one object."""
        return f"{self.collection(namespace)}/{name}"


DEPLOYMENT = Kind("apps/v1", "Deployment", "deployments")
REPLICA_SET = Kind("apps/v1", "ReplicaSet", "replicasets")
STATEFUL_SET = Kind("apps/v1", "StatefulSet", "statefulsets")
JOB = Kind("batch/v1", "Job", "jobs")
POD = Kind("v1", "Pod", "pods")
CONFIG_MAP = Kind("v1", "ConfigMap", "configmaps")
SECRET = Kind("v1", "Secret", "secrets")
SERVICE = Kind("v1", "Service", "services")
CLAIM = Kind("v1", "PersistentVolumeClaim", "persistentvolumeclaims")
BUDGET = Kind("policy/v1", "PodDisruptionBudget", "poddisruptionbudgets")
POD_MONITOR = Kind("monitoring.coreos.com/v1", "PodMonitor", "podmonitors")
EVENT = Kind("v1", "Event", "events")

KINDS = (
    DEPLOYMENT,
    JOB,
    STATEFUL_SET,
    POD_MONITOR,
    BUDGET,
    SERVICE,
    SECRET,
    CONFIG_MAP,
)
"""What a stack applies, in the order it is removed. Pods go with what keeps them, claims only when purged."""

WORKLOADS = (DEPLOYMENT, STATEFUL_SET, JOB)

_BY_NAME = {(kind.api_version, kind.name): kind for kind in (*KINDS, POD, CLAIM, EVENT)}


def kind_of(manifest: Mapping[str, Any]) -> Kind | None:
    """The kind of a manifest; None for one that only discovery knows."""
    return _BY_NAME.get((manifest["apiVersion"], manifest["kind"]))


def name_of(manifest: Mapping[str, Any]) -> str:
    """The object's name."""
    return str(manifest["metadata"]["name"])


def spec_of(manifest: Mapping[str, Any]) -> Mapping[str, Any]:
    """What is wanted of the object; empty where nothing is said."""
    spec: Mapping[str, Any] = manifest.get("spec") or {}
    return spec


def status_of(manifest: Mapping[str, Any]) -> Mapping[str, Any]:
    """What has become of it; empty where nothing is said, as of everything that was only just made."""
    status: Mapping[str, Any] = manifest.get("status") or {}
    return status


def replicas_of(workload: Mapping[str, Any]) -> int:
    """The pods a Deployment or StatefulSet asks for; 1 where it does not say, as everywhere in Kubernetes."""
    replicas = spec_of(workload).get("replicas")
    return 1 if replicas is None else int(replicas)


def labels_of(manifest: Mapping[str, Any]) -> Mapping[str, str]:
    """The object's labels."""
    labels: Mapping[str, str] = manifest["metadata"].get("labels") or {}
    return labels


def annotations_of(manifest: Mapping[str, Any]) -> Mapping[str, str]:
    """The object's annotations."""
    annotations: Mapping[str, str] = manifest["metadata"].get("annotations") or {}
    return annotations


def component_of(manifest: Mapping[str, Any]) -> str:
    """The component an object belongs to; its own name where the label is missing."""
    return labels_of(manifest).get(COMPONENT_LABEL) or name_of(manifest)


def reference(manifest: Mapping[str, Any]) -> str:
    """The object as the inventory names it: "apps/v1/Deployment/etl"."""
    return f"{manifest['apiVersion']}/{manifest['kind']}/{name_of(manifest)}"


def counted(references: Iterable[str]) -> str:
    """References by kind and number, for a person: "3 Deployments, 1 Secret"."""
    counts: dict[str, int] = {}
    for item in references:
        kind = item.rsplit("/", 2)[1]
        counts[kind] = counts.get(kind, 0) + 1
    return ", ".join(f"{number} {kind}{'s' if number > 1 else ''}" for kind, number in counts.items())
