"""ResourceQuotas and LimitRanges of a namespace: what they would refuse. Pure.

They speak only when a pod is created, long after everything has been applied; so they are read before.
See https://kubernetes.io/docs/concepts/policy/resource-quotas/ and .../limit-range/.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from kapture_tui.targets.kubernetes.demand import Amounts, Container, Demand, PodRequest, container_sum
from kapture_tui.targets.kubernetes.kinds import KINDS, Manifest, name_of, spec_of, status_of
from kapture_tui.targets.kubernetes.quantities import LEAST, quantities, shown

_COMPUTED = ("cpu", "memory")
"""Resources that every container must name once a quota counts them."""

_CLASS = ".storageclass.storage.k8s.io/"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Something that a quota or a LimitRange would refuse.

    Attributes:
        subject: "quota" or "limit range".
        text: which, and what it refuses.
        cpu_limit: CPU limits would help.
    """

    subject: str
    text: str
    cpu_limit: bool = False


def refusals(
    quotas: Sequence[Manifest], ranges: Sequence[Manifest], asked: Demand, held: Demand
) -> list[Refusal]:
    """Everything that would be refused.

    Args:
        asked: by the stack.
        held: what of that is there already, and counted by the quotas.
    """
    asked = with_defaults(asked, ranges)
    found = [refusal for item in ranges for refusal in _range_refusals(item, asked)]
    for quota in quotas:
        found += _unnamed(quota, asked)
        found += _short(quota, asked, held)
    return found


def with_defaults(asked: Demand, ranges: Sequence[Manifest]) -> Demand:
    """The same demand once LimitRanges have filled in what containers do not name."""
    limits, requests = _defaults(ranges, "default"), _defaults(ranges, "defaultRequest")

    def filled(container: Container) -> Container:
        return replace(
            container,
            requests={**requests, **container.requests},
            limits={**limits, **container.limits},
        )

    def refilled(pods: PodRequest) -> PodRequest:
        changed = tuple(map(filled, pods.containers))
        sums = {kind: container_sum(changed, kind) for kind in ("requests", "limits")}
        return replace(
            pods,
            containers=changed,
            requests={**sums["requests"], **pods.requests},
            limits={**sums["limits"], **pods.limits},
        )

    return replace(asked, pods=tuple(map(refilled, asked.pods))) if limits or requests else asked


def default_cpu_limit(ranges: Sequence[Manifest]) -> float | None:
    """The CPU limit, in cores, that containers without one are given; None: none."""
    return _defaults(ranges, "default").get("cpu")


def _defaults(ranges: Sequence[Manifest], key: str) -> Amounts:
    return {
        resource: amount
        for item in ranges
        for rule in spec_of(item).get("limits") or ()
        if rule.get("type") == "Container"
        for resource, amount in quantities(rule.get(key)).items()
    }


# LimitRanges: bounds for each container, pod or claim.


def _range_refusals(item: Manifest, asked: Demand) -> Iterator[Refusal]:
    name = f"LimitRange {name_of(item)}"
    for rule in spec_of(item).get("limits") or ():
        for who, requests, limits in _subjects(rule.get("type"), asked):
            for text, cpu_limit in _out_of_bounds(rule, requests, limits):
                yield Refusal("limit range", f"{name}: {who}: {text}", cpu_limit)
    if default_cpu_limit([item]) is not None:
        yield from _above_limit(name, asked)


def _subjects(kind: str | None, asked: Demand) -> Iterator[tuple[str, Amounts, Amounts]]:
    """Who a rule is for, with its requests and limits."""
    if kind == "Container":
        for pods in asked.pods:
            for container in pods.containers:
                yield f"container {container.name} of {pods.owner}", container.requests, container.limits
    elif kind == "Pod":
        yield from ((f"pods of {pods.owner}", pods.requests, pods.limits) for pods in asked.pods)
    elif kind == "PersistentVolumeClaim":
        yield from (("volumes", {"storage": claim.bytes}, {"storage": claim.bytes}) for claim in asked.claims)


def _out_of_bounds(rule: Mapping[str, Any], requests: Amounts, limits: Amounts) -> Iterator[tuple[str, bool]]:
    """What a rule refuses, and whether a CPU limit would change that."""
    for resource, most in quantities(rule.get("max")).items():
        if resource not in limits:
            yield (
                f"has no {resource} limit, and must have one of at most {shown(resource, most)}",
                _cpu(resource),
            )
        elif limits[resource] > most + LEAST:
            yield f"{resource} limit {_of(resource, limits)}, at most {shown(resource, most)} allowed", False
        elif requests.get(resource, 0.0) > most + LEAST:
            yield (
                f"{resource} request {_of(resource, requests)}, at most {shown(resource, most)} allowed",
                False,
            )
    for resource, least in quantities(rule.get("min")).items():
        if requests.get(resource, 0.0) < least - LEAST:
            yield (
                f"{resource} request {_of(resource, requests)}, at least {shown(resource, least)} demanded",
                False,
            )
        elif limits.get(resource, least) < least - LEAST:
            yield (
                f"{resource} limit {_of(resource, limits)}, at least {shown(resource, least)} demanded",
                False,
            )
    for resource, most in quantities(rule.get("maxLimitRequestRatio")).items():
        request, limit = requests.get(resource, 0.0), limits.get(resource)
        if limit is None:
            yield f"has no {resource} limit, which its ratio to the request demands", _cpu(resource)
        elif limit > most * request + LEAST:
            text = f"{resource} limit {_of(resource, limits)} is more than {most:g} times its request"
            yield f"{text} {_of(resource, requests)}", False


def _above_limit(name: str, asked: Demand) -> Iterator[Refusal]:
    """Requests above the limit that a default sets: the API server finds such a pod invalid."""
    for who, requests, limits in _subjects("Container", asked):
        for resource in requests.keys() & limits.keys():
            if requests[resource] > limits[resource] + LEAST:
                text = (
                    f"{resource} request {_of(resource, requests)} is above the limit {_of(resource, limits)}"
                )
                yield Refusal("limit range", f"{name}: {who}: {text}", _cpu(resource))


def _cpu(resource: str) -> bool:
    return resource == "cpu"


def _of(resource: str, amounts: Amounts) -> str:
    return shown(resource, amounts.get(resource, 0.0))


# ResourceQuotas: sums over the namespace.


def _unnamed(quota: Manifest, asked: Demand) -> Iterator[Refusal]:
    """What containers must name because the quota counts it."""
    for resource in _hard(quota):
        kind, _, name = resource.rpartition(".")
        if name not in _COMPUTED:
            continue
        for pods in _counted(quota, asked):
            for container in pods.containers:
                if name not in (container.limits if kind == "limits" else container.requests):
                    where = f"container {container.name} of {pods.owner}"
                    text = f"quota {name_of(quota)} counts {resource}, of which {where} names none"
                    yield Refusal("quota", text, resource == "limits.cpu")
                    return


def _short(quota: Manifest, asked: Demand, held: Demand) -> Iterator[Refusal]:
    used = quantities(status_of(quota).get("used"))
    short = []
    for resource, hard in _hard(quota).items():
        more = _more(resource, quota, asked, held)
        free = hard - used.get(resource, 0.0)
        if more > max(0.0, free) + LEAST:
            wanted = f"{resource}: {shown(resource, more)} {'more ' if held.running else ''}needed"
            short.append(f"{wanted}, {shown(resource, max(0.0, free))} of {shown(resource, hard)} free")
    if short:
        yield Refusal("quota", f"quota {name_of(quota)} is too small: {'; '.join(short)}")


def _more(resource: str, quota: Manifest, asked: Demand, held: Demand) -> float:
    """How much more of a resource the stack needs than it has; 0 for what it does not use."""
    scoped = replace(asked, pods=_counted(quota, asked)), replace(held, pods=_counted(quota, held))
    if measure := _measure(resource):
        return max(0.0, measure(scoped[0]) - measure(scoped[1]))
    kind = _OBJECTS.get(resource.removeprefix("count/"))
    if kind is None:
        return 0.0
    return float(len(asked.objects.get(kind, frozenset()) - held.objects.get(kind, frozenset())))


def _measure(resource: str) -> Callable[[Demand], float] | None:
    """How a demand is measured in a resource of a quota; None for objects, which are told apart by name."""
    if _CLASS in resource:
        name, _, resource = resource.partition(_CLASS)
        measure = _measure(resource)
        return measure and (lambda demand: measure(_of_class(demand, name)))
    if resource in ("pods", "count/pods"):
        return lambda demand: demand.running
    if resource in ("persistentvolumeclaims", "count/persistentvolumeclaims"):
        return lambda demand: sum(claim.count for claim in demand.claims)
    if resource == "requests.storage":
        return lambda demand: sum(claim.count * claim.bytes for claim in demand.claims)
    kind, _, name = resource.rpartition(".")
    if kind in ("", "requests", "limits") and (kind or name in (*_COMPUTED, "ephemeral-storage")):
        return lambda demand: demand.total(name, limits=kind == "limits")
    return None


def _of_class(demand: Demand, name: str) -> Demand:
    return replace(demand, claims=tuple(claim for claim in demand.claims if claim.storage_class == name))


def _object_names() -> Iterator[tuple[str, tuple[str, str]]]:
    for kind in KINDS:
        group = kind.api_version.rpartition("/")[0]
        yield f"{kind.plural}.{group}" if group else kind.plural, (kind.api_version, kind.name)
    # Each Deployment makes one.
    yield "replicasets.apps", ("apps/v1", "Deployment")


_OBJECTS = dict(_object_names())


def _hard(quota: Manifest) -> Amounts:
    return quantities(status_of(quota).get("hard") or spec_of(quota).get("hard"))


def _counted(quota: Manifest, demand: Demand) -> tuple[PodRequest, ...]:
    """The pods that fall under a quota's scopes."""
    spec = spec_of(quota)
    scopes = [{"scopeName": name, "operator": "Exists"} for name in spec.get("scopes") or ()]
    scopes += (spec.get("scopeSelector") or {}).get("matchExpressions") or ()
    return tuple(pods for pods in demand.pods if all(_in_scope(pods, scope) for scope in scopes))


def _in_scope(pods: PodRequest, scope: Mapping[str, Any]) -> bool:
    name = scope.get("scopeName")
    if name == "PriorityClass":
        return _selects(scope, pods.priority_class)
    best_effort = not pods.requests and not pods.limits
    return {
        "Terminating": pods.ends,
        "NotTerminating": not pods.ends,
        "BestEffort": best_effort,
        "NotBestEffort": not best_effort,
    }.get(name or "", False)


def _selects(scope: Mapping[str, Any], value: str) -> bool:
    operator = scope.get("operator") or ""
    values = scope.get("values") or ()
    return {
        "In": value in values,
        "NotIn": value not in values,
        "Exists": value != "",
        "DoesNotExist": value == "",
    }.get(operator, False)
