"""What preflight reads of a cluster, all of it at once, and what of that it may not read."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from kapture_tui.model.errors import KaptureError
from kapture_tui.model.spec import Component, StackSpec
from kapture_tui.targets.kubernetes import rights
from kapture_tui.targets.kubernetes.api import Api
from kapture_tui.targets.kubernetes.apply import METADATA
from kapture_tui.targets.kubernetes.demand import Claim, Demand, PodRequest, of_pod
from kapture_tui.targets.kubernetes.errors import ApiError, Forbidden
from kapture_tui.targets.kubernetes.kinds import (
    CLAIM,
    KINDS,
    OURS,
    POD,
    POD_MONITOR,
    SECRET,
    Manifest,
    component_of,
    labels_of,
    name_of,
    spec_of,
    status_of,
)
from kapture_tui.targets.kubernetes.quantities import quantities
from kapture_tui.targets.kubernetes.rights import Right
from kapture_tui.targets.kubernetes.together import together

AT_ONCE = 16
"""Requests under way together, besides those that ask for rights."""

PART_OF = "app.kubernetes.io/part-of"

_CREATE = Right("create", "", "namespaces")
_DELETE = Right("delete", "", "namespaces")

_CACHED = {"resourceVersion": "0"}
"""From the server's memory rather than its database: a moment old, and much cheaper."""

_NAMED = tuple(kind for kind in KINDS if kind != POD_MONITOR)


@dataclass(frozen=True, slots=True)
class Seen:
    """The answer to one question: what is there, or why that is not known.

    Attributes:
        items: what is there; an object that was asked for by name is the only item.
        problem: what the server said instead; None: it answered.
    """

    items: Sequence[Manifest] = ()
    problem: KaptureError | None = None

    @property
    def status(self) -> int:
        """HTTP status of the answer."""
        return self.problem.status if isinstance(self.problem, ApiError | Forbidden) else 200

    @property
    def known(self) -> bool:
        """Whether we may conclude anything from it: what is not there (404) is known as well."""
        return self.status in (200, 404)


@dataclass(frozen=True, slots=True)
class _Question:
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    accept: str = "application/json"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """A cluster and one of its namespaces, as far as we may look.

    Attributes:
        user: who we are there; "" where the server cannot say.
        version: the answer of /version.
        missing: rights in the namespace that we lack.
        may_create: whether we may create namespaces.
        may_delete: whether we may delete this one.
        found: answers, by what was asked: see `_questions`.
    """

    user: str
    version: Mapping[str, Any]
    missing: tuple[Right, ...]
    may_create: bool
    may_delete: bool
    found: Mapping[str, Seen]

    def __getitem__(self, name: str) -> Seen:
        """The answer; an empty one to what was not asked."""
        return self.found.get(name, Seen())

    @property
    def exists(self) -> bool | None:
        """Whether the namespace is there; None: we may not look."""
        place = self["namespace"]
        return bool(place.items) if place.known else None

    @property
    def labels(self) -> Mapping[str, str]:
        """Labels of the namespace, as far as we may see them."""
        return next((labels_of(item) for item in self["namespace"].items), {})

    @property
    def pod_monitor(self) -> bool:
        """Whether the cluster has PodMonitors; False as well where nobody asked."""
        return any(
            resource.get("name") == POD_MONITOR.plural
            for found in self["pod monitors"].items
            for resource in found.get("resources") or ()
        )

    def names(self, ours: bool) -> dict[tuple[str, str], frozenset[str]]:
        """Names of the objects in the namespace that are of a kind we apply, by kind: ours, or those of others."""
        return {
            (kind.api_version, kind.name): frozenset(
                name_of(item)
                for item in self[kind.plural].items
                if (labels_of(item).get(PART_OF) == "kapture") is ours
            )
            for kind in _NAMED
        }

    @property
    def held(self) -> Demand:
        """What is there of our stack already."""
        return Demand(_running(self["pods"].items), _claimed(self["claims"].items), self.names(ours=True))


async def survey(api: Api, spec: StackSpec) -> Surroundings:
    """Read all of it, in a few round trips. Raises KaptureError: no answer, or it does not know us."""
    user, version = await asyncio.gather(rights.who(api), api.request("GET", "/version"))
    questions = _questions(spec)
    lacking, may_create, may_delete, answers = await asyncio.gather(
        rights.missing(api, spec.namespace, rights.needed(spec, pod_monitor=True)),
        rights.allowed(api, "", _CREATE),
        rights.allowed(api, spec.namespace, _DELETE, name=spec.namespace),
        together((_answer(api, question) for question in questions.values()), AT_ONCE),
    )
    found = dict(zip(questions, answers, strict=True))
    surroundings = Surroundings(user, version, (), may_create, may_delete, found)
    needed = rights.needed(spec, surroundings.pod_monitor)
    return replace(surroundings, missing=tuple(right for right in lacking if right in needed))


async def seen(api: Api, path: str, query: Mapping[str, str]) -> Seen:
    """One answer. Raises Unreachable, and NotAllowed for credentials that have expired."""
    return await _answer(api, _Question(path, query))


async def _answer(api: Api, question: _Question) -> Seen:
    try:
        headers = {"Accept": question.accept}
        response = await api.raw("GET", question.path, query=question.query, headers=headers)
    except (Forbidden, ApiError) as exc:
        return Seen(problem=exc)
    answer = json.loads(response.body)
    return Seen(answer["items"] or () if "items" in answer else (answer,))


def _questions(spec: StackSpec) -> dict[str, _Question]:
    namespace = spec.namespace
    inside = f"/api/v1/namespaces/{namespace}"
    questions = {
        "namespace": _Question(inside),
        "quotas": _Question(f"{inside}/resourcequotas"),
        "limit ranges": _Question(f"{inside}/limitranges"),
        "nodes": _Question("/api/v1/nodes", _CACHED),
        "metrics": _Question(f"/apis/metrics.k8s.io/v1beta1/namespaces/{namespace}/pods", {"limit": "1"}),
        "pods": _Question(POD.collection(namespace), {"labelSelector": OURS}),
        **{kind.plural: _Question(kind.collection(namespace), accept=METADATA) for kind in _NAMED},
    }
    if spec.cluster.storage == "persistent":
        questions["storage classes"] = _Question("/apis/storage.k8s.io/v1/storageclasses", _CACHED)
        questions["claims"] = _Question(CLAIM.collection(namespace), {"labelSelector": OURS})
    if spec.has(Component.PROMETHEUS):
        questions["pod monitors"] = _Question(f"/apis/{POD_MONITOR.api_version}")
    if spec.cluster.pull_secret:
        questions["pull secret"] = _Question(SECRET.path(namespace, spec.cluster.pull_secret))
    return questions


def _running(pods: Sequence[Manifest]) -> tuple[PodRequest, ...]:
    return tuple(
        of_pod(spec_of(pod), name_of(pod), component_of(pod))
        for pod in pods
        if status_of(pod).get("phase") not in ("Succeeded", "Failed")
    )


def _claimed(claims: Sequence[Manifest]) -> tuple[Claim, ...]:
    return tuple(Claim(1, _storage(spec), spec.get("storageClassName")) for spec in map(spec_of, claims))


def _storage(claim: Mapping[str, Any]) -> float:
    """The size a claim's spec asks for, bytes."""
    return quantities((claim.get("resources") or {}).get("requests")).get("storage", 0.0)
