"""How a stack goes: its pods at once, even those that would rather not; its claims when they are purged."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from kapture_tui.targets.base import Connection
from kapture_tui.targets.kubernetes import apply
from kapture_tui.targets.kubernetes.api import Api
from kapture_tui.targets.kubernetes.destroy import GRACE_S, Teardown, find
from kapture_tui.targets.kubernetes.kinds import OURS, POD, Manifest, name_of, status_of
from kapture_tui.targets.kubernetes.reflector import Reflector
from kapture_tui.targets.kubernetes.rights import REPLICA_SETS
from tests.cluster.test_rights import lacking

GRACE = 60
LABELS = dict(pair.split("=") for pair in OURS.split(","))


def workload(kind: str) -> Manifest:
    """Two pods that ignore SIGTERM, and ask for a long grace."""
    name = f"stubborn-{kind.lower()}"
    container = {
        "name": "stubborn",
        "image": "busybox",
        "command": ["sh", "-c", "trap '' TERM; while :; do sleep 1; done"],
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "runAsNonRoot": True,
            "runAsUser": 1000,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
    }
    labels = {**LABELS, "app.kubernetes.io/name": name}
    return {
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": {"name": name, "labels": labels},
        "spec": {
            "replicas": 2,
            "selector": {"matchLabels": {"app.kubernetes.io/name": name}},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"terminationGracePeriodSeconds": GRACE, "containers": [container]},
            },
        },
    }


async def run_stubborn(api: Api, namespace: str, *kinds: str) -> None:
    for kind in kinds:
        await apply.apply(api, namespace, workload(kind))
    path = POD.collection(namespace)
    async with asyncio.timeout(120):
        while True:
            pods = (await api.request("GET", path, query={"labelSelector": OURS}))["items"]
            if [status_of(pod).get("phase") for pod in pods] == ["Running"] * 2 * len(kinds):
                return
            await asyncio.sleep(0.2)


async def graces(api: Api, user: Api, namespace: str) -> dict[str, set[int]]:
    """Tear down as that user; by pod the graces it was given, seconds. 0 is what the kubelet sets in the end."""
    given: dict[str, set[int]] = {}

    def note(_kind: str, old: Manifest | None, new: Manifest | None) -> None:
        pod = new or old or {}
        seconds = pod["metadata"].get("deletionGracePeriodSeconds")
        given.setdefault(name_of(pod), set()).update([seconds] if seconds else [])

    watch = Reflector(api, POD.collection(namespace), label_selector=OURS, on_change=note)
    watching = asyncio.create_task(watch.run())
    await watch.synced.wait()
    last = [event async for event in Teardown(user, namespace, None, purge=False).events()][-1]
    watching.cancel()
    assert last.text.startswith("nothing left")
    assert await find(api, namespace) == []
    return given


@pytest.mark.slow
async def test_pods_are_ended_without_their_grace(api: Api, user: Path, namespace: str) -> None:
    await run_stubborn(api, namespace, "Deployment", "StatefulSet")
    theirs = await Api.open(Connection(str(user)))
    assert list((await graces(api, theirs, namespace)).values()) == [{GRACE_S}] * 4
    await theirs.close()


@pytest.mark.thorough
async def test_without_rights_on_replica_sets_they_end_too(api: Api, namespace: str, tmp_path: Path) -> None:
    await run_stubborn(api, namespace, "Deployment", "StatefulSet")
    async with lacking(api, namespace, tmp_path, REPLICA_SETS[-1]) as theirs:
        given = await graces(api, theirs, namespace)
    # A pod that ends before its ReplicaSet is replaced once more; that one goes as well.
    assert len(given) >= 4
    assert all(seconds == {GRACE_S} for pod, seconds in given.items() if "statefulset" in pod)
    assert all(GRACE_S in seconds for seconds in given.values() if seconds)


async def test_claims_stay_by_name_until_they_are_purged(api: Api, namespace: str) -> None:
    path = f"/api/v1/namespaces/{namespace}/persistentvolumeclaims"
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Mi"}}}
    for name in ("data-kafka-0", "data-mongo-0"):
        metadata = {"name": name, "labels": LABELS}
        await api.request("POST", path, body={"metadata": metadata, "spec": spec})
    kept = [event async for event in Teardown(api, namespace, None, purge=False).events()][-1]
    assert (kept.step, kept.done) == ("nothing-left", True)
    assert "2 PersistentVolumeClaims (data-kafka-0, data-mongo-0)" in kept.text
    assert len(await find(api, namespace)) == 2
    # They linger for a moment after they were removed, which is no reason to call them left over.
    purged = [event async for event in Teardown(api, namespace, None, purge=True).events()][-1]
    assert (purged.step, purged.done) == ("nothing-left", True), purged
    assert await find(api, namespace) == []
