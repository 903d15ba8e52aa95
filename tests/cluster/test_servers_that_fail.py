"""Databases whose pods go in mid-run: what they hold in the end equals an independent replay of the topics."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

import pytest

from kapture_tui.model.snapshot import Snapshot
from kapture_tui.model.spec import Component
from kapture_tui.targets import Connection
from kapture_tui.targets.kubernetes.api import Api
from kapture_tui.targets.kubernetes.target import KubernetesTarget
from kapture_tui.telemetry import Hub
from tests.cluster.recounting import recount
from tests.cluster.test_stack import environment

pytestmark = [pytest.mark.thorough, pytest.mark.timeout(1800)]

WAIT_S = 600.0
"""Only a test that fails waits for so long, seconds."""


@dataclass
class Stack:
    """A stack of scale 1, and what can be seen of it."""

    api: Api
    namespace: str
    target: KubernetesTarget
    hub: Hub
    group: str

    async def until(self, wanted: Callable[[Snapshot], object], what: str) -> Snapshot:
        """The first snapshot that is as wanted."""
        last = Snapshot()
        try:
            async with asyncio.timeout(WAIT_S):
                async for last in self.hub.snapshots():
                    if wanted(last):
                        return last
        except TimeoutError:
            pass
        raise AssertionError(f"not seen: {what}; last: {last}")

    async def until_delivered(self, more: int) -> None:
        """Until the group has stored so many more messages than now."""
        goal = self._delivered(await self.until(lambda s: s.ledger is not None, "a ledger")) + more
        await self.until(lambda s: self._delivered(s) >= goal, f"{goal} delivered")

    def _delivered(self, snapshot: Snapshot) -> int:
        groups = snapshot.ledger.groups if snapshot.ledger else {}
        return groups[self.group].delivered if self.group in groups else 0

    async def delete_pod(self, name: str) -> None:
        """Without warning."""
        path = f"/api/v1/namespaces/{self.namespace}/pods/{name}"
        await self.api.request("DELETE", path, body={"gracePeriodSeconds": 0})

    async def log(self, pod: str, container: str) -> str:
        path = f"/api/v1/namespaces/{self.namespace}/pods/{pod}/log?container={container}"
        return (await self.api.raw("GET", path)).body.decode()

    async def assert_exact(self, database: str) -> None:
        """Drain, and compare with the topics."""
        await self.target.scale(Component.LOADER, 0)
        final = await self.until(lambda s: s.drained, "drained")
        assert final.ledger is not None
        group = final.ledger.groups[self.group]
        assert (group.lost, group.duplicated, group.unexpected) == (0, 0, 0), group
        counted = await recount(self.api, self.namespace, f"etl-{database}")
        assert counted["written_twice"] == 0
        assert counted[f"{database}_customers"] == counted["customers"]
        assert counted["messages"] == group.delivered


@asynccontextmanager
async def stack(api: Api, namespace: str, database: str, *words: str) -> AsyncIterator[Stack]:
    """A stack in which transactions flow; the namespace goes with everything in it."""
    line = (sys.executable, "-m", "kapture_tui", "up", namespace, "1", *words, "-c", "300", "--yes")
    env = environment() | {"KUBECONFIG": os.environ["KUBECONFIG"]}
    process = await asyncio.create_subprocess_exec(
        *line, "--target", "kubernetes", env=env, stderr=asyncio.subprocess.PIPE
    )
    _, said = await process.communicate()
    assert process.returncode == 0, said.decode()
    target = KubernetesTarget(namespace, Connection())
    made = Stack(api, namespace, target, Hub(target), f"etl-{database}")
    try:
        await made.until_delivered(1)
        yield made
    finally:
        await target.close()


async def test_mongo_keeps_its_documents_over_a_restart(api: Api, namespace: str) -> None:
    words = ("-m", "--rate", "40", "--storage", "persistent")
    async with stack(api, namespace, "mongo", *words) as running:
        await running.until_delivered(300)
        before = await running.until(lambda s: (s.mongo or {}).get("documents"), "documents")
        await running.delete_pod("mongo-0")
        await running.until(lambda s: s.mongo is None, "Mongo is away")
        after = await running.until(lambda s: (s.mongo or {}).get("documents"), "documents again")
        assert before.mongo
        assert after.mongo
        assert after.mongo["documents"] >= before.mongo["documents"], "the claimed volume lost them"
        await running.delete_pod(await a_pod(running, "etl-mongo"))
        await running.until_delivered(300)
        await running.assert_exact("mongo")


async def a_pod(running: Stack, component: str) -> str:
    """The name of one of its pods."""
    seen = await running.until(lambda s: any(p.component == component for p in s.pods), component)
    return next(row.name for row in seen.pods if row.component == component)


async def test_redis_goes_on_with_another_primary(api: Api, namespace: str) -> None:
    words = ("-r", "--rate", "200", "--redis-count", "3")
    async with stack(api, namespace, "redis", *words) as running:
        await running.until(lambda s: s.redis is not None and s.redis.replicas == 2, "two replicas")
        await running.until_delivered(1000)
        # Twice: the second time it is a server whose pod was never the first one.
        for _ in range(2):
            primary = await the_primary(running)
            await running.delete_pod(primary)
            await running.until(lambda s: s.redis is not None and s.redis.replicas in (1, 2), "a primary")
            await running.until_delivered(1000)
            await running.until(
                lambda s: s.redis is not None and s.redis.replicas == 2, "the old one follows the new one"
            )
            assert await the_primary(running) != primary
        await running.assert_exact("redis")


async def the_primary(running: Stack) -> str:
    """The pod that the Sentinels made the primary last; the first one if they had no reason to."""
    switches = []
    for ordinal in range(3):
        for row in (await running.log(f"redis-{ordinal}", "sentinel")).splitlines():
            if (
                "+switch-master" in row
            ):  # "1:X 25 Nov 2026 16:00:00.123 # +switch-master kapture OLD 6379 NEW 6379"
                words = row.split()
                at = datetime.strptime(" ".join(words[1:5]), "%d %b %Y %H:%M:%S.%f")
                switches.append((at, words[-2].partition(".")[0]))
    return max(switches, default=(datetime.min, "redis-0"))[1]
