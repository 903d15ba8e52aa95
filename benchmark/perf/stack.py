"""A whole embedded stack for a measurement, away from whatever else runs on this machine."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager

from benchmark.perf.result import CannotRun
from kapture_tui.model.snapshot import Phase, Snapshot
from kapture_tui.model.spec import Component, StackSpec
from kapture_tui.targets import Target, open_target
from kapture_tui.telemetry.hub import Hub

NAMESPACE = "perf"
LIMIT_S = 120.0


@asynccontextmanager
async def stack(scale: int) -> AsyncIterator[Target]:
    """A stack with Redis in a state directory of its own, at full speed; gone at the end."""
    before = os.environ.get("KAPTURE_STATE_DIR")
    with tempfile.TemporaryDirectory(prefix="kapture-perf-") as folder:
        os.environ["KAPTURE_STATE_DIR"] = folder
        target = open_target("local", NAMESPACE)
        try:
            async for _ in target.deploy(StackSpec(NAMESPACE, scale, frozenset({Component.REDIS}))):
                pass
            yield target
        finally:
            async for _ in target.destroy():
                pass
            os.environ.pop("KAPTURE_STATE_DIR")
            if before is not None:
                os.environ["KAPTURE_STATE_DIR"] = before


async def watch(target: Target, until: Callable[[Snapshot], bool], what: str) -> Snapshot:
    """The first snapshot for which something holds. Raises CannotRun when none does in time."""
    async with aclosing(Hub(target).snapshots()) as snapshots, asyncio.timeout(LIMIT_S):
        async for snapshot in snapshots:
            if snapshot.run.phase is Phase.FAILED:
                raise CannotRun(
                    f"{what}: {snapshot.events[-1].text if snapshot.events else 'the run failed'}"
                )
            if until(snapshot):
                return snapshot
    raise CannotRun(f"{what}: nothing more to see")
