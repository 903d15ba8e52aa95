"""What a stack asks of a cluster: read from its rendered objects, whoever rendered them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from kapture_tui.targets.kubernetes.kinds import WORKLOADS, Manifest, component_of, kind_of, name_of
from kapture_tui.targets.kubernetes.quantities import quantities, quantity

Amounts = Mapping[str, float]
"""Resource ("cpu", "memory", …) to cores, bytes or pieces."""


@dataclass(frozen=True, slots=True)
class Container:
    """What one container asks for.

    Attributes:
        init: runs before the others, and is over when they start.
    """

    name: str
    requests: Amounts
    limits: Amounts
    init: bool = False


@dataclass(frozen=True, slots=True)
class PodRequest:
    """Pods that are all alike.

    Attributes:
        owner: the StatefulSet, Deployment or Job that makes them.
        count: how many.
        requests, limits: what the scheduler and a quota count for one pod; a limit that one of the containers
            lacks is missing.
        node_selector, tolerations: as in the pod's spec.
        ends: has a deadline (activeDeadlineSeconds), which quotas tell apart.
        priority_class: "" for none, which quotas tell apart too.
    """

    owner: str
    component: str
    count: int
    containers: tuple[Container, ...]
    requests: Amounts
    limits: Amounts
    node_selector: Mapping[str, str] = field(default_factory=dict)
    tolerations: tuple[Mapping[str, Any], ...] = ()
    ends: bool = False
    priority_class: str = ""

    def pod(self, index: int) -> str:
        """A name for one of them, counted from 0, as a StatefulSet names its pods."""
        return f"{self.owner}-{index}" if self.count > 1 else self.owner


@dataclass(frozen=True, slots=True)
class Claim:
    """Volumes that are all alike, of one StatefulSet."""

    count: int
    bytes: float
    storage_class: str | None


@dataclass(frozen=True, slots=True)
class Demand:
    """Everything a stack asks of a namespace.

    Attributes:
        pods: what runs.
        claims: volumes.
        objects: what is applied, by (apiVersion, kind) and name.
    """

    pods: tuple[PodRequest, ...]
    claims: tuple[Claim, ...] = ()
    objects: Mapping[tuple[str, str], frozenset[str]] = field(default_factory=dict)

    @property
    def running(self) -> int:
        """How many pods there are."""
        return sum(pods.count for pods in self.pods)

    def total(self, resource: str, limits: bool = False) -> float:
        """The sum of the requests (or the limits) of all pods for one resource."""
        return sum(
            pods.count * (pods.limits if limits else pods.requests).get(resource, 0.0) for pods in self.pods
        )


def demand(manifests: Iterable[Manifest]) -> Demand:
    """What these objects ask for. Raises ValueError for a quantity that is none."""
    pods: list[PodRequest] = []
    claims: list[Claim] = []
    objects: dict[tuple[str, str], set[str]] = {}
    for manifest in manifests:
        objects.setdefault((manifest["apiVersion"], manifest["kind"]), set()).add(name_of(manifest))
        if kind_of(manifest) in WORKLOADS:
            pods.append(pod_request(manifest))
            claims += _claims(manifest)
    return Demand(tuple(pods), tuple(claims), {kind: frozenset(names) for kind, names in objects.items()})


def pod_request(workload: Manifest) -> PodRequest:
    """What the pods of a StatefulSet, Deployment or Job ask for."""
    spec = workload["spec"]
    pod = spec["template"]["spec"]
    deadline = spec.get("activeDeadlineSeconds")
    return of_pod(pod, name_of(workload), component_of(workload), _count(spec), deadline is not None)


def of_pod(
    pod: Mapping[str, Any], owner: str, component: str, count: int = 1, ends: bool = False
) -> PodRequest:
    """What a pod's spec asks for."""
    return PodRequest(
        owner=owner,
        component=component,
        count=count,
        containers=tuple(containers(pod)),
        requests=pod_sum(pod, "requests"),
        limits=pod_sum(pod, "limits"),
        node_selector=pod.get("nodeSelector") or {},
        tolerations=tuple(pod.get("tolerations") or ()),
        ends=ends or pod.get("activeDeadlineSeconds") is not None,
        priority_class=pod.get("priorityClassName") or "",
    )


def containers(pod: Mapping[str, Any]) -> Iterator[Container]:
    """The containers in a pod's spec, those that initialise it first."""
    for group in ("initContainers", "containers"):
        for found in pod.get(group) or ():
            init = group == "initContainers" and found.get("restartPolicy") != "Always"
            yield Container(
                str(found.get("name") or ""), _amounts(found, "requests"), _amounts(found, "limits"), init
            )


def pod_sum(pod: Mapping[str, Any], kind: str) -> dict[str, float]:
    """What a pod's spec asks for in all, "requests" or "limits", as scheduler and quota count it.

    Figures of the pod itself stand before those of its containers; what its runtime adds comes on top.
    """
    total = {**container_sum(tuple(containers(pod)), kind), **_amounts(pod, kind)}
    for resource, amount in quantities(pod.get("overhead")).items():
        if kind == "requests" or resource in total:
            total[resource] = total.get(resource, 0.0) + amount
    return total


def container_sum(found: Sequence[Container], kind: str) -> dict[str, float]:
    """What containers ask for in all; a limit that one of them lacks has no sum.

    They run together; those that initialise the pod run one after the other before them. See
    https://kubernetes.io/docs/concepts/workloads/pods/init-containers/#resource-sharing-within-containers.
    """
    amounts = [(one.init, one.requests if kind == "requests" else one.limits) for one in found]
    total = {}
    for resource in {name for _, have in amounts for name in have}:
        if kind == "limits" and any(resource not in have for _, have in amounts):
            continue
        running = sum(have.get(resource, 0.0) for init, have in amounts if not init)
        total[resource] = max([running, *(have.get(resource, 0.0) for init, have in amounts if init)])
    return total


def _amounts(holder: Mapping[str, Any], kind: str) -> dict[str, float]:
    resources = holder.get("resources") or {}
    found = quantities(resources.get(kind))
    # The API server takes a missing request from the limit.
    return quantities(resources.get("limits")) | found if kind == "requests" else found


def _count(spec: Mapping[str, Any]) -> int:
    for key in ("replicas", "parallelism"):
        if (count := spec.get(key)) is not None:
            return int(count)
    return 1


def _claims(workload: Manifest) -> Iterator[Claim]:
    spec = workload["spec"]
    for template in spec.get("volumeClaimTemplates") or ():
        claim = template["spec"]
        size = quantity(claim["resources"]["requests"]["storage"])
        yield Claim(_count(spec), size, claim.get("storageClassName"))
