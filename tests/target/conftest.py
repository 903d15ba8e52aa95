"""One stack on each target, for tests that must not know which one they look at."""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import dataclass, field

import pytest
import pytest_asyncio

from kapture_tui.model.event import Event
from kapture_tui.model.snapshot import Snapshot
from kapture_tui.model.spec import LoadSpec, StackSpec
from kapture_tui.targets import Connection, Target, open_target
from kapture_tui.telemetry import Hub
from tests import watching

WAIT_S = 240.0
"""Long enough for three JVMs and a dozen pods on a small machine."""


@dataclass
class Stack:
    """A deployed stack and what can be seen of it."""

    target: Target
    hub: Hub
    spec: StackSpec
    deployed: list[Event] = field(default_factory=list)

    async def until(self, wanted: Callable[[Snapshot], bool], what: str) -> Snapshot:
        """The first snapshot that is as wanted."""
        return await watching.until(self.hub, wanted, what, WAIT_S)


def cluster_missing() -> str:
    """Why no cluster can be used; "" if one can."""
    return "" if os.environ.get("KUBECONFIG") else "KUBECONFIG names no cluster"


@pytest.fixture(scope="module", params=["local", "kubernetes"])
def kind(request: pytest.FixtureRequest) -> str:
    """The target's name."""
    if request.param == "kubernetes" and (reason := cluster_missing()):
        pytest.skip(reason)
    return str(request.param)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stack(kind: str) -> AsyncIterator[Stack]:
    """A small stack without Redis in which transactions flow; afterwards nothing of it may be left."""
    name = f"protocol-{secrets.token_hex(2)}"
    spec = StackSpec(name, 1, load=LoadSpec(stores=40, customers=200, rate=100.0, seed=5))
    target = open_target(kind, name, Connection())
    running = Stack(target, Hub(target), spec)
    reader = asyncio.create_task(_watch(running.hub))
    try:
        assert [found for found in await target.preflight(spec) if found.fatal and not found.ok] == []
        running.deployed = [event async for event in target.deploy(spec)]
        await running.until(lambda s: s.run.phase.value == "flowing", "transactions")
        yield running
        last = [event async for event in target.destroy()][-1]
        assert (last.step, last.done) == ("nothing-left", True), last
    finally:
        reader.cancel()
        await _remove(target)
        await target.close()


async def _watch(hub: Hub) -> None:
    """Look on all the time, as a console does: what happens between two questions of a test is seen as well."""
    async with aclosing(hub.snapshots()) as snapshots:
        async for _ in snapshots:
            pass


async def _remove(target: Target) -> None:
    """What a failed test left behind."""
    from kapture_tui.model.errors import KaptureError

    try:
        async for _ in target.destroy(purge=True):
            pass
    except KaptureError:
        pass
