"""What a cluster allows: looked up before anything is created, with one message and one remedy for each trouble."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from kapture_tui.model.errors import UsageError
from kapture_tui.model.spec import Component, StackSpec
from kapture_tui.stack.wheels import MACHINES
from kapture_tui.targets.base import Finding
from kapture_tui.targets.kubernetes import quota
from kapture_tui.targets.kubernetes.api import Api
from kapture_tui.targets.kubernetes.demand import Demand
from kapture_tui.targets.kubernetes.kinds import annotations_of, name_of
from kapture_tui.targets.kubernetes.quantities import shown
from kapture_tui.targets.kubernetes.rights import COST, Right, by_resource, grant
from kapture_tui.targets.kubernetes.room import Room, room
from kapture_tui.targets.kubernetes.surroundings import Seen, Surroundings, survey
from kapture_tui.targets.kubernetes.usage import why_missing

RESERVED = re.compile(r"default|kube-.*")
"""Namespaces in which no stack belongs."""

ENFORCED = "pod-security.kubernetes.io/enforce"
_DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"

Asks = Callable[[bool, bool], Demand]
"""What the stack asks for, given whether its containers have CPU limits and whether the cluster has PodMonitors: see
`demand.demand` for how to read it off its objects."""


@dataclass(frozen=True, slots=True)
class Ground:
    """What preflight found, and what a deploy needs to know of it.

    Attributes:
        findings: in the order they are best read; without one that is fatal the deploy may begin.
        user: who we are; "" where the server cannot say.
        exists: whether the namespace is there; None: we may not look.
        labels: of the namespace, as far as we may see them.
        missing: rights in the namespace that we lack, the dispensable ones too: see `rights.denied_by`.
        cpu_limits: containers need CPU limits, for the quota, the LimitRange or the user wants them.
        architectures: of the nodes that may run the stack, as Go calls them ("amd64"), sorted.
        pod_monitor: the cluster has PodMonitors. Always False without --prometheus.
    """

    findings: tuple[Finding, ...]
    user: str = ""
    exists: bool | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    missing: tuple[Right, ...] = ()
    cpu_limits: bool = False
    architectures: tuple[str, ...] = ()
    pod_monitor: bool = False


def refuse_reserved(namespace: str) -> None:
    """Raises UsageError for a namespace that is not for stacks, whoever asks."""
    if RESERVED.fullmatch(namespace):
        raise UsageError(f"namespace {namespace!r}", "belongs to the cluster itself", "choose another name")


async def look(api: Api, spec: StackSpec, asks: Asks) -> Ground:
    """Look at everything; creates nothing.

    Raises:
        UsageError: the namespace is reserved; and whatever `asks` raises.
        Unreachable, NotAllowed: the server does not answer, or does not know us.
    """
    refuse_reserved(spec.namespace)
    # First, and in threads: rendering takes a while, and what cannot be rendered need not be looked for.
    asked = await asyncio.to_thread(asks, spec.cluster.cpu_limits, False)
    around = await survey(api, spec)
    if around.pod_monitor:
        asked = await asyncio.to_thread(asks, spec.cluster.cpu_limits, True)
    cpu_limits, refusals = spec.cluster.cpu_limits, _refused(around, asked)
    if not cpu_limits and _limits_may_help(around, refusals):
        limited = await asyncio.to_thread(asks, True, around.pod_monitor)
        if refusals or not _refused(around, limited):
            asked, cpu_limits, refusals = limited, True, _refused(around, limited)
    place = await room(api, spec.namespace, around, asked)
    findings = [
        _cluster(api, around),
        *_rights(around, spec),
        *_namespace(around, spec),
        *_foreign(around, asked),
        *_pod_security(around),
        *_refusals(around, refusals),
        *_default_limit(around, cpu_limits),
        *place.findings,
        *_architectures(place, spec),
        *_metrics(around),
        *_storage(around, spec),
        *_pull_secret(around, spec),
        *_prometheus(around, spec),
    ]
    return Ground(
        findings=tuple(findings),
        user=around.user,
        exists=around.exists,
        labels=around.labels,
        missing=around.missing,
        cpu_limits=cpu_limits,
        architectures=place.architectures or _server_architecture(around),
        pod_monitor=around.pod_monitor,
    )


def _cluster(api: Api, around: Surroundings) -> Finding:
    who = around.user or "a user it does not name"
    version = around.version.get("gitVersion", "of unknown version")
    return Finding("cluster", True, f"context {api.context}, {api.server}, Kubernetes {version}, as {who}")


def _rights(around: Surroundings, spec: StackSpec) -> Iterator[Finding]:
    who, namespace = around.user or "this user", spec.namespace
    remedy = f"have the Role granted: {grant(namespace)}"
    lacking = [right for right in around.missing if right not in COST]
    for what, rights in by_resource(lacking):
        verbs = ", ".join(right.verb for right in rights)
        yield Finding(
            "rights",
            False,
            f"{who} may not {verbs} {what} in {namespace}",
            remedy,
            fatal=True,
            forbidden=True,
        )
    for right in around.missing:
        if right in COST:
            yield Finding(
                "rights",
                False,
                f"{who} may not {right} in {namespace}: {COST[right]}",
                remedy,
                forbidden=True,
            )
    if not lacking:
        yield Finding("rights", True, f"{who} may do all that is needed in {namespace}")


def _namespace(around: Surroundings, spec: StackSpec) -> Iterator[Finding]:
    name, found = spec.namespace, around["namespace"]
    if around.exists is None:
        yield _unseen("namespace", f"whether {name} is there", found)
    elif found.items:
        yield _existing(name, found)
    elif around.may_create:
        yield Finding("namespace", True, f"{name} is not there and will be created")
        if not around.may_delete:
            text = f"{around.user or 'this user'} may not delete namespaces: {name} will stay when the stack goes"
            yield Finding("namespace", False, text, f"kubectl delete namespace {name}, by somebody who may")
    else:
        who = around.user or "this user"
        remedy = f"have it made, with the Role in it: kubectl create namespace {name}; {grant(name)}"
        text = f"{name} is not there, and {who} may not create namespaces"
        yield Finding("namespace", False, text, remedy, fatal=True, forbidden=True)


def _existing(name: str, found: Seen) -> Finding:
    status = found.items[0].get("status") or {}
    if status.get("phase") != "Terminating":
        return Finding("namespace", True, f"{name} is there and will stay")
    waits = [
        " ".join(str(condition.get("message") or condition.get("type") or "").split())
        for condition in status.get("conditions") or ()
        if condition.get("status") == "True"
    ]
    text = f"{name} is being removed{': ' + '; '.join(waits) if waits else ''}"
    return Finding("namespace", False, text, "wait until it is gone, or choose another name", fatal=True)


def _foreign(around: Surroundings, asked: Demand) -> Iterator[Finding]:
    """Objects of others that bear the names of ours: applying ours would overwrite them."""
    theirs = around.names(ours=False)
    taken = [
        f"{kind[1]} {name}"
        for kind, names in asked.objects.items()
        for name in sorted(names & theirs.get(kind, frozenset()))
    ]
    if taken:
        text = f"belongs to somebody else and would be overwritten: {', '.join(taken)}"
        yield Finding("owner", False, text, "choose another namespace, or remove them", fatal=True)


def _pod_security(around: Surroundings) -> Iterator[Finding]:
    level = around.labels.get(ENFORCED)
    if around.exists:
        text = f"the namespace enforces {level}" if level else "the namespace enforces no level"
        yield Finding("pod security", True, f"{text}; the stack needs nothing that restricted forbids")


# Quota and LimitRange


def _refused(around: Surroundings, asked: Demand) -> list[quota.Refusal]:
    return quota.refusals(around["quotas"].items, around["limit ranges"].items, asked, around.held)


def _limits_may_help(around: Surroundings, refusals: Sequence[quota.Refusal]) -> bool:
    """Whether CPU limits of our own are demanded, or allow more than a default that was not made for us."""
    if refusals:
        return any(refusal.cpu_limit for refusal in refusals)
    return quota.default_cpu_limit(around["limit ranges"].items) is not None


def _refusals(around: Surroundings, refusals: Sequence[quota.Refusal]) -> Iterator[Finding]:
    remedies = {
        "quota": "ask for a larger quota, choose a smaller scale, or another namespace",
        "limit range": "ask for the LimitRange to be widened, or choose another namespace",
    }
    for refusal in refusals:
        yield Finding(refusal.subject, False, refusal.text, remedies[refusal.subject], fatal=True)
    refused = {refusal.subject for refusal in refusals}
    for subject, key, what in (("quota", "quotas", "quota"), ("limit range", "limit ranges", "LimitRange")):
        seen = around[key]
        if not seen.known:
            yield _unseen(subject, f"whether a {what} limits the namespace", seen)
        elif subject not in refused:
            names = ", ".join(map(name_of, seen.items))
            yield Finding(subject, True, f"{names}: wide enough" if names else "none")


def _default_limit(around: Surroundings, cpu_limits: bool) -> Iterator[Finding]:
    limit = quota.default_cpu_limit(around["limit ranges"].items)
    if limit is not None and not cpu_limits:
        text = f"every container is held to {shown('cpu', limit)}: what is measured will be that limit"
        yield Finding("limit range", False, text, "ask for a LimitRange without a default CPU limit")


# Nodes and what they run


def _architectures(place: Room, spec: StackSpec) -> Iterator[Finding]:
    odd = sorted(set(place.architectures) - set(MACHINES))
    if not odd or spec.cluster.image:
        return
    text = f"there are nodes of {', '.join(odd)}, for which no bundle can be made"
    remedy = "build the workload's image for them and give it with --image"
    if usable := sorted(set(place.architectures) & set(MACHINES)):
        remedy = f"keep the stack off them with --node-selector kubernetes.io/arch={usable[0]}, or {remedy}"
    yield Finding("architecture", False, text, remedy, fatal=True)


def _server_architecture(around: Surroundings) -> tuple[str, ...]:
    """The API server's own: where we may not look at nodes, theirs is most likely the same."""
    architecture = str(around.version.get("platform", "")).rpartition("/")[2]
    return (architecture,) if architecture else ()


def _metrics(around: Surroundings) -> Iterator[Finding]:
    found = around["metrics"]
    if found.problem is None:
        yield Finding("metrics", True, "metrics-server answers")
    elif found.status != 403:  # the missing right has a finding of its own
        text = f"CPU and memory of the pods stay unknown: {why_missing(found.problem)}"
        yield Finding(
            "metrics", False, text, "have metrics-server installed; kubectl top pods shows when it works"
        )


def _storage(around: Surroundings, spec: StackSpec) -> Iterator[Finding]:
    if spec.cluster.storage != "persistent":
        return
    found, wanted = around["storage classes"], spec.cluster.storage_class
    if not found.known:
        what = (
            f"whether there is a storage class {wanted}"
            if wanted
            else "whether there is a default storage class"
        )
        yield _unseen("storage", what, found)
        return
    names = [name_of(item) for item in found.items]
    default = [name_of(item) for item in found.items if annotations_of(item).get(_DEFAULT_CLASS) == "true"]
    if (wanted in names) if wanted else default:
        yield Finding("storage", True, f"volumes of class {wanted or default[0]}")
        return
    text = f"there is no storage class {wanted!r}" if wanted else "there is no default storage class"
    known = f"choose --storage-class from {', '.join(names)}" if names else "have a storage class made"
    yield Finding("storage", False, text, f"{known}, or use --storage ephemeral", fatal=True)


def _pull_secret(around: Surroundings, spec: StackSpec) -> Iterator[Finding]:
    name, found = spec.cluster.pull_secret, around["pull secret"]
    if name is None:
        return
    if found.items:
        yield Finding("pull secret", True, f"Secret {name} is there")
    elif found.known:
        remedy = f"kubectl create secret docker-registry {name} -n {spec.namespace} … makes it"
        yield Finding(
            "pull secret", False, f"there is no Secret {name} in {spec.namespace}", remedy, fatal=True
        )


def _prometheus(around: Surroundings, spec: StackSpec) -> Iterator[Finding]:
    if spec.has(Component.PROMETHEUS):
        text = "a PodMonitor for the operator that is there" if around.pod_monitor else "a server of its own"
        yield Finding(Component.PROMETHEUS.value, True, text)


def _unseen(subject: str, what: str, found: Seen) -> Finding:
    """Something that could not be looked at; nothing is concluded from it."""
    cause = found.problem.cause if found.problem else "it was not asked"
    return Finding(subject, False, f"could not be looked at: {what}: {cause}")
