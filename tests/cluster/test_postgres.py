"""Postgres on the cluster: its pod, the sink's and the spout's go in mid-run, and nothing is missing or there twice."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from kapture_tui.model.snapshot import PodRow, Snapshot
from kapture_tui.model.spec import Component
from kapture_tui.targets import Connection
from kapture_tui.targets.kubernetes.api import Api
from kapture_tui.targets.kubernetes.target import KubernetesTarget
from kapture_tui.telemetry import Hub
from tests.cluster.recounting import recount
from tests.cluster.test_stack import environment

pytestmark = [pytest.mark.thorough, pytest.mark.timeout(1800)]

SCRIPT = Path(__file__).parent / "in_pod_postgres.py"
WAIT_S = 600.0
"""Only a test that fails waits for so long, seconds."""


@dataclass
class Stack:
    """A stack that runs."""

    api: Api
    namespace: str
    target: KubernetesTarget
    hub: Hub

    async def until(self, wanted: Callable[[Snapshot], object], what: str) -> Snapshot:
        """The first snapshot that is as wanted."""
        last = Snapshot()
        try:
            async with asyncio.timeout(WAIT_S), aclosing(self.hub.snapshots()) as snapshots:
                async for last in snapshots:
                    if wanted(last):
                        return last
        except TimeoutError:
            pass
        raise AssertionError(f"not seen in {WAIT_S:.0f} s: {what}; last: {last}")

    async def until_rows(self, more: int) -> Snapshot:
        """Until there are so many more rows than now."""
        goal = rows(await self.until(rows, "rows")) + more
        return await self.until(lambda s: rows(s) >= goal, f"{goal} rows")

    async def delete_a_pod(self, component: Component) -> None:
        """Without warning, behind the program's back; returns once another one does its work."""
        seen = await self.until(lambda s: of(s, component), component.value)
        (victim,) = of(seen, component)
        path = f"/api/v1/namespaces/{self.namespace}/pods/{victim.name}"
        await self.api.request("DELETE", path, body={"gracePeriodSeconds": 0})
        # That of a StatefulSet has the same name again, and is younger.
        await self.until(
            lambda s: any(
                p.ready and (p.name != victim.name or (p.age_s or 0) < (victim.age_s or 0))
                for p in of(s, component)
            ),
            f"{component.value} again",
        )


def rows(snapshot: Snapshot) -> int:
    return (snapshot.postgres or {}).get("rows") or 0


def of(snapshot: Snapshot, component: Component) -> list[PodRow]:
    return [row for row in snapshot.pods if row.component == component.value and row.phase != "Terminating"]


@asynccontextmanager
async def running(api: Api, namespace: str, *words: str) -> AsyncIterator[Stack]:
    """A stack in which transactions flow; the namespace goes with everything in it."""
    line = (
        sys.executable,
        "-m",
        "kapture_tui",
        "up",
        namespace,
        "1",
        *words,
        "--target",
        "kubernetes",
        "--yes",
    )
    process = await asyncio.create_subprocess_exec(
        *line,
        env=environment() | {"KUBECONFIG": os.environ["KUBECONFIG"]},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    _, said = await process.communicate()
    assert process.returncode == 0, said.decode()
    target = KubernetesTarget(namespace, Connection())
    try:
        yield Stack(api, namespace, target, Hub(target))
    finally:
        await target.close()


def caught_up(snapshot: Snapshot) -> bool:
    """The spout has found nothing more; it looks once a second."""
    return snapshot.spout is not None and snapshot.spout["behind_s"] == 0


async def test_rows_outlive_the_pods_and_equal_a_replay_of_the_topics(api: Api, namespace: str) -> None:
    words = ("-o", "--rate", "40", "-c", "300", "--storage", "persistent")
    async with running(api, namespace, *words) as stack:
        before = await stack.until_rows(1000)
        await stack.delete_a_pod(Component.POSTGRES)
        after = await stack.until_rows(500)
        assert rows(after) > rows(before), "the claimed volume has lost them"
        await stack.delete_a_pod(Component.POSTGRES_SINK)
        await stack.delete_a_pod(Component.SPOUT)
        await stack.until_rows(500)
        await stack.target.scale(Component.LOADER, 0)
        final = await stack.until(
            lambda s: s.drained and caught_up(s), "drained, and nothing left to bring back"
        )
        counted = await recount(api, namespace, "etl-postgres", SCRIPT)
    assert (counted["differing"], counted["written_twice"]) == (0, 0)
    ledger = final.ledger
    assert ledger is not None
    assert ledger.restock is not None
    stored, back = ledger.groups["etl-postgres"], ledger.restock.groups["etl"]
    assert (stored.lost, stored.duplicated, stored.unexpected) == (0, 0, 0)
    assert stored.delivered == counted["messages"] == counted["brought_back"]
    assert (back.lost, back.unexpected) == (0, 0)
    assert back.delivered == ledger.restock.acked == counted["restocks"]
    assert final.spout is not None
    assert final.spout["behind_s"] == 0
