"""Databases whose pods go in mid-run: what they hold in the end equals an independent replay of the topics."""

from __future__ import annotations

from datetime import datetime

import pytest

from kapture_tui.model.spec import Component
from kapture_tui.targets.kubernetes.api import Api
from tests.cluster.recounting import recount
from tests.cluster.stacks import Stack, exact, kapture, running

pytestmark = [pytest.mark.thorough, pytest.mark.timeout(1800)]


async def assert_exact(stack: Stack, database: str) -> None:
    """Drain, and compare with the topics."""
    verdict = exact(await stack.drain(), f"etl-{database}")
    counted = await recount(stack.api, stack.namespace, f"etl-{database}")
    assert counted["written_twice"] == 0
    assert counted[f"{database}_customers"] == counted["customers"]
    assert counted["messages"] == verdict.delivered


async def test_mongo_keeps_its_documents_over_a_restart(api: Api, namespace: str) -> None:
    async with running(api, namespace, "-m", "--rate", "40", "--storage", "persistent") as stack:
        await stack.until_delivered(300)
        before = await stack.until(lambda s: (s.mongo or {}).get("documents"), "documents")
        await stack.delete_pod("mongo-0")
        await stack.until(lambda s: s.mongo is None, "Mongo is away")
        after = await stack.until(lambda s: (s.mongo or {}).get("documents"), "documents again")
        assert before.mongo
        assert after.mongo
        assert after.mongo["documents"] >= before.mongo["documents"], "the claimed volume lost them"
        await stack.delete_pod(await stack.a_pod(Component.MONGO_SINK))
        await stack.until_delivered(300)
        await assert_exact(stack, "mongo")


async def test_elasticsearch_keeps_its_documents_and_claims_stay_until_the_purge(
    api: Api, namespace: str
) -> None:
    async with running(api, namespace, "-e", "--rate", "40", "--storage", "persistent") as stack:
        await stack.until_delivered(300)
        before = await stack.until(lambda s: (s.elasticsearch or {}).get("docs"), "documents")
        await stack.replace_pod(Component.ELASTICSEARCH)
        assert before.elasticsearch
        known = before.elasticsearch["docs"]
        # One index after the other comes back; whether any was read anew instead is looked at below.
        await stack.until(lambda s: (s.elasticsearch or {}).get("docs", 0) >= known, "all documents again")
        await stack.until_delivered(300)
        await assert_exact(stack, "elasticsearch")
        last = await stack.until(lambda s: s.drained, "drained")
        assert exact(last, "etl-elasticsearch").redelivered < 300, "it was read anew, so it was empty"
    volumes = {"data-elasticsearch-0", "data-kafka-0"}
    said = await kapture("down", namespace)
    assert all(volume in said for volume in volumes), said
    assert await claims(api, namespace) == volumes
    said = await kapture("down", namespace, "--purge")
    assert "nothing left" in said
    assert await claims(api, namespace) == set()


async def claims(api: Api, namespace: str) -> set[str]:
    found = await api.request("GET", f"/api/v1/namespaces/{namespace}/persistentvolumeclaims")
    return {item["metadata"]["name"] for item in found["items"]}


async def test_redis_goes_on_with_another_primary(api: Api, namespace: str) -> None:
    async with running(api, namespace, "-r", "--rate", "200", "--redis-count", "3") as stack:
        await stack.until(lambda s: s.redis is not None and s.redis.replicas == 2, "two replicas")
        await stack.until_delivered(1000)
        # Twice: the second time it is a server whose pod was never the first one.
        for _ in range(2):
            primary = await the_primary(stack)
            await stack.delete_pod(primary)
            await stack.until(lambda s: s.redis is not None and s.redis.replicas in (1, 2), "a primary")
            await stack.until_delivered(1000)
            await stack.until(
                lambda s: s.redis is not None and s.redis.replicas == 2, "the old one follows the new one"
            )
            assert await the_primary(stack) != primary
        await assert_exact(stack, "redis")


async def the_primary(stack: Stack) -> str:
    """The pod that the Sentinels made the primary last; the first one if they had no reason to."""
    switches = []
    for ordinal in range(3):
        for row in (await stack.log(f"redis-{ordinal}", "sentinel")).splitlines():
            if (
                "+switch-master" in row
            ):  # "1:X 25 Nov 2026 16:00:00.123 # +switch-master kapture OLD 6379 NEW 6379"
                words = row.split()
                at = datetime.strptime(" ".join(words[1:5]), "%d %b %Y %H:%M:%S.%f")
                switches.append((at, words[-2].partition(".")[0]))
    return max(switches, default=(datetime.min, "redis-0"))[1]
