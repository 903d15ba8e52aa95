"""Small stacks on the cluster for tests that hurt their databases."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from kapture_tui.model.ledger import GroupLedger
from kapture_tui.model.snapshot import Snapshot
from kapture_tui.model.spec import Component
from kapture_tui.targets import Connection
from kapture_tui.targets.kubernetes.api import Api
from kapture_tui.targets.kubernetes.target import KubernetesTarget
from kapture_tui.telemetry import Hub
from tests import watching
from tests.cluster.test_stack import environment
from tests.watching import delivered, pods

WAIT_S = 600.0
"""Only a test that fails waits for so long, seconds."""


@dataclass
class Stack:
    """A stack that runs, and what can be seen of it."""

    api: Api
    namespace: str
    target: KubernetesTarget
    hub: Hub

    async def until(self, wanted: Callable[[Snapshot], object], what: str) -> Snapshot:
        """The first snapshot that is as wanted."""
        return await watching.until(self.hub, wanted, what, WAIT_S)

    async def until_delivered(self, more: int) -> Snapshot:
        """Until every group has stored so many more messages than now."""
        goal = delivered(await self.until(delivered, "a ledger")) + more
        return await self.until(lambda s: delivered(s) >= goal, f"{goal} delivered")

    async def a_pod(self, component: Component) -> str:
        """The name of one of its pods."""
        seen = await self.until(lambda s: pods(s, component.value), component.value)
        return pods(seen, component.value)[0].name

    async def delete_pod(self, name: str) -> None:
        """Without warning, behind the program's back."""
        path = f"/api/v1/namespaces/{self.namespace}/pods/{name}"
        await self.api.request("DELETE", path, body={"gracePeriodSeconds": 0})

    async def replace_pod(self, component: Component) -> None:
        """Delete one, and wait until another one does its work."""
        seen = await self.until(lambda s: pods(s, component.value), component.value)
        victim = pods(seen, component.value)[0]
        await self.delete_pod(victim.name)
        # That of a StatefulSet has the same name again, and is younger.
        await self.until(
            lambda s: any(
                row.ready and (row.name != victim.name or (row.age_s or 0) < (victim.age_s or 0))
                for row in pods(s, component.value)
            ),
            f"{component.value} again",
        )

    async def log(self, pod: str, container: str) -> str:
        path = f"/api/v1/namespaces/{self.namespace}/pods/{pod}/log?container={container}"
        return (await self.api.raw("GET", path)).body.decode()

    async def drain(self) -> Snapshot:
        """Stop the loaders; the snapshot in which everything that was sent was read."""
        await self.target.scale(Component.LOADER, 0)
        return await self.until(lambda s: s.drained, "drained")


def exact(snapshot: Snapshot, group: str) -> GroupLedger:
    """What the ledger says of a group, which must have lost, doubled and invented nothing."""
    assert snapshot.ledger is not None
    verdict = snapshot.ledger.groups[group]
    assert (verdict.lost, verdict.duplicated, verdict.unexpected) == (0, 0, 0), (group, verdict)
    return verdict


async def kapture(*words: str) -> str:
    """One command line of ours, as whoever KUBECONFIG says we are; its standard error."""
    line = (sys.executable, "-m", "kapture_tui", *words, "--target", "kubernetes", "--yes")
    env = environment() | {"KUBECONFIG": os.environ["KUBECONFIG"]}
    process = await asyncio.create_subprocess_exec(
        *line, env=env, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
    )
    _, said = await process.communicate()
    assert process.returncode == 0, said.decode()
    return said.decode()


@asynccontextmanager
async def running(api: Api, namespace: str, *words: str) -> AsyncIterator[Stack]:
    """A stack of scale 1 in which transactions flow; the namespace goes with everything in it."""
    await kapture("up", namespace, "1", *words, "-c", "300")
    target = KubernetesTarget(namespace, Connection())
    try:
        yield Stack(api, namespace, target, Hub(target))
    finally:
        await target.close()
