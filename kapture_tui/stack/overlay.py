"""What somebody's own kustomization must leave as it is, for the rest of the program to work on what it makes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from kapture_tui.model.errors import UsageError
from kapture_tui.model.spec import Component, StackSpec, databases
from kapture_tui.stack.kustomize import Manifest

NEEDED = (
    ("Service", "kafka-brokers"),
    ("Service", "kafka"),
    ("StatefulSet", "kafka"),
    ("Job", "topics"),
    ("Deployment", "data-loader"),
    ("Deployment", "etl"),
    ("Service", "observer"),
    ("Deployment", "observer"),
    ("ConfigMap", "workload"),
)
"""What every stack has, by the names other parts know it under."""

_OPTIONS = {
    Component.REDIS: "-r",
    Component.ELASTICSEARCH: "-e",
    Component.POSTGRES: "-o",
    Component.SPOUT: "-o or -m",
    Component.MONGO: "-m",
    Component.WEBAPP: "-w",
    Component.ZOOKEEPER: "-z",
}
_OURS = "kapture-run"

_CLUSTER_WIDE = {
    "APIService",
    "ClusterRole",
    "ClusterRoleBinding",
    "CustomResourceDefinition",
    "IngressClass",
    "MutatingWebhookConfiguration",
    "Namespace",
    "Node",
    "PersistentVolume",
    "PriorityClass",
    "RuntimeClass",
    "StorageClass",
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionPolicyBinding",
    "ValidatingWebhookConfiguration",
}
"""Kinds that belong to no namespace: they could not be removed with the stack."""


def check_overlay(spec: StackSpec, manifests: Sequence[Manifest]) -> None:
    """Raises UsageError for the first thing an overlay cannot do, with the reason."""
    doing = f"--kustomize {spec.cluster.kustomize}"
    for found in manifests:
        _check_place(doing, spec.namespace, found)
    present = [_key(found) for found in manifests]
    for key in NEEDED:
        if key not in present:
            raise UsageError(
                doing, f"{key[0]} {key[1]} is missing", "build on manifests/base, without a prefix or suffix"
            )
    for key in present:
        if present.count(key) > 1:
            raise UsageError(doing, f"{key[0]} {key[1]} is there twice")
    _check_brokers(doing, manifests[present.index(("StatefulSet", "kafka"))])
    _check_components(doing, spec, present)
    if spec.has(Component.REDIS):
        _check_redis(doing, spec.cluster.redis_count, manifests[present.index(("StatefulSet", "redis"))])


def _check_place(doing: str, namespace: str, found: Manifest) -> None:
    kind, name = _key(found)
    if kind in _CLUSTER_WIDE:
        raise UsageError(doing, f"{kind} {name} belongs to no namespace", "apply it beforehand, by itself")
    elsewhere = found["metadata"].get("namespace", namespace)
    if elsewhere != namespace:
        raise UsageError(
            doing,
            f"{kind} {name} is in namespace {elsewhere}, the stack in {namespace}",
            "leave namespaces out",
        )
    if name == _OURS:
        raise UsageError(doing, f"{kind} {name} is the record of the run", "choose another name")


def _check_brokers(doing: str, kafka: Manifest) -> None:
    brokers = kafka["spec"].get("replicas", 1)
    if brokers < 1:
        raise UsageError(doing, f"StatefulSet kafka has {brokers} replicas", "at least one broker is needed")


def _check_redis(doing: str, count: int, redis: Manifest) -> None:
    containers = redis["spec"]["template"]["spec"]["containers"]
    several = any(container["name"] == "sentinel" for container in containers)
    if several != (count > 1):
        raise UsageError(
            doing,
            f"--redis-count {count}, but its Redis has {'' if several else 'no '}Sentinels",
            f"add components/redis{'-sentinel' if count > 1 else ''}, or choose another --redis-count",
        )


def _check_components(doing: str, spec: StackSpec, present: Iterable[tuple[str, str]]) -> None:
    kinds = dict.fromkeys((*databases(), Component.ZOOKEEPER), "StatefulSet")
    kinds |= dict.fromkeys((Component.WEBAPP, Component.SPOUT), "Deployment")
    for component, kind in kinds.items():
        key = (kind, component.value)
        if spec.has(component) and key not in present:
            raise UsageError(
                doing,
                f"has no {component.value}",
                f"add components/{component.value}, or leave the option out",
            )
        if key in present and not spec.has(component):
            option = _OPTIONS.get(component, f"--sink {component.value}")
            raise UsageError(doing, f"has {component.value}, which was not asked for", f"add {option}")


def _key(found: Manifest) -> tuple[str, str]:
    return found["kind"], found["metadata"]["name"]
