"""What preflight says of a real namespace, and that the API server agrees."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from kapture_tui.model.spec import ClusterSpec, StackSpec
from kapture_tui.targets.base import Finding
from kapture_tui.targets.kubernetes.api import Api
from kapture_tui.targets.kubernetes.demand import Demand, demand
from kapture_tui.targets.kubernetes.errors import ApiError
from kapture_tui.targets.kubernetes.kinds import Manifest
from kapture_tui.targets.kubernetes.preflight import Ground, look

RESTRICTED = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "runAsNonRoot": True,
    "runAsUser": 10001,
    "seccompProfile": {"type": "RuntimeDefault"},
}
OURS = {"app.kubernetes.io/part-of": "kapture", "app.kubernetes.io/managed-by": "kapture-tui"}


@dataclass(frozen=True)
class Etl:
    """A Deployment of two pods with CPU 100m and memory 64Mi each, and what becomes of it with a CPU limit."""

    cpu: str = "100m"
    cpu_limit: str = "200m"

    def manifests(self, cpu_limits: bool) -> list[Manifest]:
        limits = {"memory": "64Mi", **({"cpu": self.cpu_limit} if cpu_limits else {})}
        container = {
            "name": "etl",
            "image": "busybox",
            "securityContext": RESTRICTED,
            "resources": {"requests": {"cpu": self.cpu, "memory": "64Mi"}, "limits": limits},
        }
        return [
            {
                "apiVersion": "apps/v1",
                "kind": "Deployment",
                "metadata": {"name": "etl"},
                "spec": {"replicas": 2, "template": {"spec": {"containers": [container]}}},
            },
            {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "kafka"}},
        ]

    def asks(self, cpu_limits: bool, _pod_monitor: bool) -> Demand:
        return demand(self.manifests(cpu_limits))

    async def admitted(self, api: Api, namespace: str, cpu_limits: bool) -> bool:
        """Whether the API server would take one of its pods; nothing is created."""
        pod = {"metadata": {"name": "etl"}, **self.manifests(cpu_limits)[0]["spec"]["template"]}
        try:
            path = f"/api/v1/namespaces/{namespace}/pods"
            await api.request("POST", path, query={"dryRun": "All"}, body=pod)
        except ApiError as exc:
            if exc.status in (403, 422):
                return False
            raise
        return True


async def looked(api: Api, namespace: str, etl: Etl | None = None, **cluster: Any) -> Ground:
    spec = StackSpec(namespace, cluster=ClusterSpec(**cluster))
    return await look(api, spec, (etl or Etl()).asks)


def troubles(found: Ground) -> list[Finding]:
    return [finding for finding in found.findings if not finding.ok]


async def create(api: Api, namespace: str, plural: str, name: str, **rest: Any) -> None:
    path = f"/api/v1/namespaces/{namespace}/{plural}"
    metadata = {"name": name, **rest.pop("metadata", {})}
    await api.request("POST", path, body={"metadata": metadata, **rest})


async def bound_by_quota(api: Api, namespace: str, hard: Mapping[str, str]) -> None:
    """Make a quota, and wait until it counts."""
    await create(api, namespace, "resourcequotas", "compute", spec={"hard": hard})
    async with asyncio.timeout(60):
        while True:
            found = await api.request("GET", f"/api/v1/namespaces/{namespace}/resourcequotas/compute")
            if (found.get("status") or {}).get("used"):
                return
            await asyncio.sleep(0.1)


async def test_empty_namespace_has_room(api: Api, namespace: str) -> None:
    found = await looked(api, namespace, Etl(cpu="1m"))
    assert [finding for finding in troubles(found) if finding.fatal] == []
    assert found.exists is True
    assert found.labels["pod-security.kubernetes.io/enforce"] == "restricted"
    assert found.architectures
    [level] = [finding.text for finding in found.findings if finding.subject == "pod security"]
    assert "enforces restricted" in level
    assert await Etl().admitted(api, namespace, cpu_limits=False)


async def test_nothing_is_created(api: Api, namespace: str) -> None:
    before = await api.request("GET", f"/api/v1/namespaces/{namespace}")
    await looked(api, namespace)
    assert await api.request("GET", f"/api/v1/namespaces/{namespace}") == before
    for plural in ("pods", "services", "secrets"):
        assert (await api.request("GET", f"/api/v1/namespaces/{namespace}/{plural}"))["items"] == []


@pytest.mark.parametrize(
    ("hard", "text"),
    [
        ({"requests.cpu": "150m"}, "requests.cpu: 0.2 cores needed, 0.15 cores of 0.15 cores free"),
        ({"requests.memory": "100Mi"}, "requests.memory: 128 MiB needed, 100 MiB of 100 MiB free"),
        ({"pods": "1"}, "pods: 2 needed, 1 of 1 free"),
        ({"services": "0"}, "services: 1 needed, 0 of 0 free"),
        ({"count/deployments.apps": "0"}, "count/deployments.apps: 1 needed, 0 of 0 free"),
    ],
)
async def test_quota_too_small(api: Api, namespace: str, hard: Mapping[str, str], text: str) -> None:
    await bound_by_quota(api, namespace, hard)
    [finding] = [finding for finding in troubles(await looked(api, namespace)) if finding.fatal]
    assert finding.subject == "quota"
    assert finding.text == f"quota compute is too small: {text}"
    assert finding.remedy


async def test_what_a_quota_counts_of_ours_is_not_counted_twice(api: Api, namespace: str) -> None:
    await create(
        api, namespace, "services", "kafka", metadata={"labels": OURS}, spec={"ports": [{"port": 9092}]}
    )
    await bound_by_quota(api, namespace, {"services": "1"})
    assert [finding for finding in troubles(await looked(api, namespace)) if finding.fatal] == []


async def test_quota_on_cpu_limits_demands_them(api: Api, namespace: str) -> None:
    await bound_by_quota(api, namespace, {"limits.cpu": "400m"})
    assert not await Etl().admitted(api, namespace, cpu_limits=False)
    assert await Etl().admitted(api, namespace, cpu_limits=True)
    found = await looked(api, namespace)
    assert found.cpu_limits
    assert [finding for finding in troubles(found) if finding.fatal] == []
    [finding] = troubles(await looked(api, namespace, Etl(cpu_limit="300m")))
    assert finding.text.endswith("limits.cpu: 0.6 cores needed, 0.4 cores of 0.4 cores free")


@pytest.mark.parametrize(
    ("kind", "rule", "plain", "limited"),
    [
        ("Container", {"max": {"memory": "64Mi"}}, True, True),
        ("Container", {"max": {"memory": "63Mi"}}, False, False),
        ("Container", {"min": {"memory": "65Mi"}}, False, False),
        ("Container", {"min": {"cpu": "100m"}}, True, True),
        ("Container", {"min": {"cpu": "101m"}}, False, False),
        ("Container", {"max": {"cpu": "200m"}}, True, True),  # gives whoever has no limit this one
        ("Container", {"max": {"cpu": "150m"}}, True, False),
        ("Container", {"default": {"cpu": "50m"}}, False, True),
        ("Container", {"maxLimitRequestRatio": {"cpu": "2"}}, False, True),
        ("Container", {"maxLimitRequestRatio": {"cpu": "1"}}, False, False),
        ("Container", {"maxLimitRequestRatio": {"memory": "1"}}, True, True),
        ("Pod", {"max": {"cpu": "200m"}}, False, True),
        ("Pod", {"max": {"cpu": "199m"}}, False, False),
        ("Pod", {"min": {"memory": "65Mi"}}, False, False),
        ("Pod", {"maxLimitRequestRatio": {"cpu": "2"}}, False, True),
    ],
)
async def test_limit_range_as_the_server_reads_it(
    api: Api, namespace: str, kind: str, rule: Mapping[str, Any], plain: bool, limited: bool
) -> None:
    """Preflight finds the choice that is admitted if there is one, and says so if there is none."""
    await create(api, namespace, "limitranges", "bounds", spec={"limits": [{"type": kind, **rule}]})
    async with asyncio.timeout(30):
        while True:  # the server's admission reads limit ranges from a cache
            admitted = [await Etl().admitted(api, namespace, cpu_limits) for cpu_limits in (False, True)]
            if admitted == [plain, limited]:
                break
            await asyncio.sleep(0.2)
    found = await looked(api, namespace)
    fatal = [finding for finding in troubles(found) if finding.fatal]
    if plain or limited:
        assert fatal == []
        assert limited if found.cpu_limits else plain
    else:
        assert {finding.subject for finding in fatal} == {"limit range"}
        assert all("LimitRange bounds: " in finding.text for finding in fatal)


async def test_default_cpu_limit_that_cannot_be_widened_is_told(api: Api, namespace: str) -> None:
    rule = {"type": "Container", "max": {"cpu": "150m"}}
    await create(api, namespace, "limitranges", "bounds", spec={"limits": [rule]})
    found = await looked(api, namespace)
    [finding] = [finding for finding in troubles(found) if finding.subject == "limit range"]
    assert finding.text == "every container is held to 0.15 cores: what is measured will be that limit"
    assert not finding.fatal
    assert not found.cpu_limits


@asynccontextmanager
async def terminating(api: Api, namespace: str) -> AsyncIterator[None]:
    """The namespace is being removed, and cannot go: something in it has a finalizer."""
    metadata = {"finalizers": ["kapture.test/stays"]}
    await create(api, namespace, "configmaps", "stays", metadata=metadata)
    await api.request("DELETE", f"/api/v1/namespaces/{namespace}")
    try:
        yield
    finally:
        await api.request(
            "PATCH",
            f"/api/v1/namespaces/{namespace}/configmaps/stays",
            body={"metadata": {"finalizers": None}},
            content_type="application/merge-patch+json",
        )


async def test_namespace_that_is_being_removed(api: Api, namespace: str) -> None:
    async with terminating(api, namespace), asyncio.timeout(60):
        while "kapture.test/stays" not in (finding := await namespace_finding(api, namespace)).text:
            assert finding.fatal
            await asyncio.sleep(0.5)  # the reason is given once everything else has gone
    assert finding.text.startswith(f"{namespace} is being removed: ")
    assert finding.remedy == "wait until it is gone, or choose another name"


async def namespace_finding(api: Api, namespace: str) -> Finding:
    found = await looked(api, namespace)
    return next(finding for finding in found.findings if finding.subject == "namespace")


async def test_namespace_that_is_not_there_will_be_made(api: Api, namespace: str) -> None:
    found = await looked(api, f"{namespace}-absent", Etl(cpu="1m"))
    assert found.exists is False
    assert [finding for finding in troubles(found) if finding.fatal] == []


async def test_objects_of_others_are_not_overwritten(api: Api, namespace: str) -> None:
    await create(api, namespace, "services", "kafka", spec={"ports": [{"port": 9092}]})
    await create(api, namespace, "configmaps", "kafka", data={})  # not a name of ours for this kind
    [finding] = [finding for finding in troubles(await looked(api, namespace)) if finding.fatal]
    assert finding.subject == "owner"
    assert finding.text == "belongs to somebody else and would be overwritten: Service kafka"


async def test_cpu_that_no_node_has(api: Api, namespace: str) -> None:
    nodes = {item["metadata"]["name"] for item in (await api.request("GET", "/api/v1/nodes"))["items"]}
    [finding] = [
        finding for finding in troubles(await looked(api, namespace, Etl(cpu="5000"))) if finding.fatal
    ]
    assert finding.subject == "nodes"
    assert finding.text.partition(" has ")[0] in nodes
    assert "etl-0 wants 5000 cores" in finding.text
    assert "scale" in finding.remedy


async def test_no_node_is_selected(api: Api, namespace: str) -> None:
    [item] = Etl().manifests(False)[:1]
    item["spec"]["template"]["spec"]["nodeSelector"] = {"no": "such"}
    found = await look(api, StackSpec(namespace), lambda *_: demand([item]))
    [finding] = [finding for finding in troubles(found) if finding.fatal]
    assert "has not the label no=such" in finding.text
    assert "--node-selector" in finding.remedy


async def test_storage_class_that_is_not_there(api: Api, namespace: str) -> None:
    found = await looked(api, namespace, storage="persistent", storage_class="no-such")
    [finding] = [finding for finding in troubles(found) if finding.fatal]
    assert finding.text == "there is no storage class 'no-such'"


async def test_pull_secret_must_be_there(api: Api, namespace: str) -> None:
    [finding] = [
        finding for finding in troubles(await looked(api, namespace, pull_secret="mirror")) if finding.fatal
    ]
    assert finding.text == f"there is no Secret mirror in {namespace}"
    await create(api, namespace, "secrets", "mirror", type="Opaque")
    found = await looked(api, namespace, pull_secret="mirror")
    assert [finding for finding in troubles(found) if finding.fatal] == []
