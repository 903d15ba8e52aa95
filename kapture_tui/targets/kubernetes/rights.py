"""What a user needs to be allowed in a namespace, and what the API server says of it.

The same table as in manifests/rbac/role.yaml, which grants it; a test holds the two together.
"""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kapture_tui.model.spec import Component, StackSpec
from kapture_tui.resources import manifests_dir
from kapture_tui.targets.base import ACTIONS
from kapture_tui.targets.kubernetes.api import Api
from kapture_tui.targets.kubernetes.errors import ApiError
from kapture_tui.targets.kubernetes.kinds import (
    CLAIM,
    CONFIG_MAP,
    DEPLOYMENT,
    EVENT,
    JOB,
    KINDS,
    POD,
    POD_MONITOR,
    REPLICA_SET,
    SERVICE,
    STATEFUL_SET,
    Kind,
    status_of,
)
from kapture_tui.targets.kubernetes.together import together

AT_ONCE = 16
"""Reviews under way together: a far server is asked in a few round trips, a small one is not flooded."""

_AUTHENTICATION = "/apis/authentication.k8s.io"
_REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"


@dataclass(frozen=True, slots=True, order=True)
class Right:
    """Something a user may be allowed to do.

    Attributes:
        verb: of the API ("patch").
        group: of the resource; "" is the core group.
        resource: plural ("deployments").
        subresource: "" for the resource itself.
    """

    verb: str
    group: str
    resource: str
    subresource: str = ""

    def __str__(self) -> str:
        return f"{self.verb} {self.what}"

    @property
    def what(self) -> str:
        """The resource as kubectl names it: "deployments/scale", "pods.metrics.k8s.io"."""
        name = f"{self.resource}/{self.subresource}" if self.subresource else self.resource
        return f"{name}.{self.group}" if "." in self.group else name


def _on(kinds: Iterable[Kind], *verbs: str, subresource: str = "") -> tuple[Right, ...]:
    return tuple(
        Right(verb, kind.api_version.rpartition("/")[0], kind.plural, subresource)
        for kind in kinds
        for verb in verbs
    )


_APPLIED = tuple(kind for kind in KINDS if kind != POD_MONITOR)
_LOOK = ("get", "list")
_WATCHED = (POD, DEPLOYMENT, STATEFUL_SET, JOB, CONFIG_MAP)

METRICS = Right("list", "metrics.k8s.io", "pods")
LOGS = Right("get", "", "pods", "log")

# Server-side apply is a patch; where the object is not there yet, the API server wants create as well. What a
# deploy has begun, it must be able to take back: hence delete. Events alone say why a pod was not created.
RIGHTS: Mapping[str, tuple[Right, ...]] = {
    "deploy": (
        *_on(_APPLIED, *_LOOK, "create", "patch", "delete"),
        *_on((DEPLOYMENT,), "patch", subresource="scale"),
        *_on((POD,), *_LOOK),
        *_on((EVENT,), "list"),
    ),
    "observe": (
        *_on(_WATCHED, "list", "watch"),
        *_on((EVENT,), "list", "watch"),
        *_on((SERVICE,), "get", subresource="proxy"),
        METRICS,
    ),
    "scale": _on((DEPLOYMENT,), "patch", subresource="scale"),
    "restart": _on((DEPLOYMENT, STATEFUL_SET), "patch"),
    "kill": _on((POD,), "delete"),
    "logs": (*_on((POD,), *_LOOK), LOGS),
    "control": _on((SERVICE,), "create", subresource="proxy"),
    "destroy": _on((*_APPLIED, POD), *_LOOK, "delete") + _on((CONFIG_MAP,), "patch"),
}
"""Rights in the namespace, by action: those of `ACTIONS` and "observe"."""

POD_MONITORS = _on((POD_MONITOR,), *_LOOK, "create", "patch", "delete")
"""In addition for --prometheus where the cluster has PodMonitors."""

CLAIMS = _on((CLAIM,), *_LOOK, "delete")
"""In addition for --storage persistent, to remove the volumes with --purge. A StatefulSet creates them by itself."""

REPLICA_SETS = _on((REPLICA_SET,), "list", "delete")
"""In addition, so that a teardown need not wait for pods that do not end by themselves."""

SURROUNDINGS = (
    Right("get", "", "namespaces"),
    Right("list", "", "resourcequotas"),
    Right("list", "", "limitranges"),
)
"""What preflight looks at in the namespace; it says so where it may not, and goes on."""

COST: Mapping[Right, str] = {
    METRICS: "CPU and memory of the pods stay unknown",
    LOGS: "logs cannot be read, nor shown for a pod that crashes",
    Right("create", "", "services", "proxy"): "the loaders' rate cannot be changed while they run",
    Right("watch", "", "events"): "Kubernetes' own events are not shown",
    **dict.fromkeys(REPLICA_SETS, "a teardown may wait 45 s for its last pods"),
    **dict.fromkeys(CLAIMS, "the stack's volumes stay when it goes, even with --purge"),
}
"""What can be done without, and what its lack costs. Everything else is needed."""


def grant(namespace: str) -> str:
    """The command that puts the Role into a namespace; the README beside it says how a user is bound to it."""
    folder = manifests_dir() / "rbac"
    shown = folder.relative_to(Path.cwd()) if folder.is_relative_to(Path.cwd()) else folder
    return f"kubectl apply -n {namespace} -k {shlex.quote(str(shown))}"


def needed(spec: StackSpec, pod_monitor: bool) -> tuple[Right, ...]:
    """Everything that running this stack uses, each right once.

    Args:
        pod_monitor: the cluster has PodMonitors.
    """
    rights = [right for action in RIGHTS.values() for right in action]
    rights += REPLICA_SETS
    if spec.has(Component.PROMETHEUS) and pod_monitor:
        rights += POD_MONITORS
    if spec.cluster.storage == "persistent":
        rights += CLAIMS
    return tuple(dict.fromkeys(rights))


def everything() -> tuple[Right, ...]:
    """Every right this program can use in a namespace, whatever the options: what the Role grants."""
    rights = (right for action in RIGHTS.values() for right in action)
    return tuple(dict.fromkeys((*rights, *REPLICA_SETS, *POD_MONITORS, *CLAIMS, *SURROUNDINGS)))


async def who(api: Api) -> str:
    """The user the API server takes us for; "" where it is too old to say (before 1.27).

    Raises: KaptureError: it does not answer, or does not know us.
    """
    for version in ("v1", "v1beta1"):
        body = {"apiVersion": f"authentication.k8s.io/{version}", "kind": "SelfSubjectReview"}
        try:
            answer = await api.request("POST", f"{_AUTHENTICATION}/{version}/selfsubjectreviews", body=body)
        except ApiError as exc:
            if exc.status == 404:
                continue
            raise
        return str((status_of(answer).get("userInfo") or {}).get("username") or "")
    return ""


async def missing(api: Api, namespace: str, rights: Iterable[Right]) -> list[Right]:
    """Those of the rights that we do not have in the namespace ("": in the whole cluster), in their order."""
    asked = tuple(dict.fromkeys(rights))
    answers = await together((allowed(api, namespace, right) for right in asked), AT_ONCE)
    return [right for right, allowed in zip(asked, answers, strict=True) if not allowed]


async def allowed(api: Api, namespace: str, right: Right, name: str = "") -> bool:
    """Whether we have one right; for a `name`, on the object of that name."""
    attributes = {
        "namespace": namespace,
        "verb": right.verb,
        "group": right.group,
        "resource": right.resource,
        "subresource": right.subresource,
        "name": name,
    }
    body: dict[str, Any] = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": {key: value for key, value in attributes.items() if value}},
    }
    answer = await api.request("POST", _REVIEWS, body=body)
    return bool(status_of(answer).get("allowed"))


async def denied(api: Api, namespace: str) -> Mapping[str, str]:
    """What we may not do there: one of `ACTIONS` to the missing right ("patch deployments/scale in pets")."""
    rights = (right for action in ACTIONS for right in RIGHTS[action])
    return denied_by(await missing(api, namespace, rights), namespace)


def denied_by(missing: Collection[Right], namespace: str) -> Mapping[str, str]:
    """The same, from the rights that are known to be missing."""
    first = {action: _first(missing, RIGHTS[action]) for action in ACTIONS}
    return {action: f"{right} in {namespace}" for action, right in first.items() if right is not None}


def _first(missing: Collection[Right], rights: Sequence[Right]) -> Right | None:
    return next((right for right in rights if right in missing), None)


def by_resource(rights: Iterable[Right]) -> Iterator[tuple[str, tuple[Right, ...]]]:
    """Rights gathered by what they are on: "deployments/scale" and its rights, in order."""
    gathered: dict[str, list[Right]] = {}
    for right in rights:
        gathered.setdefault(right.what, []).append(right)
    yield from ((what, tuple(found)) for what, found in gathered.items())
