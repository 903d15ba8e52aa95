"""The whole embedded stack: transactions a second, end to end into Redis."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing

from benchmark.perf.result import Effort, Result
from kapture_tui.model.snapshot import Snapshot
from kapture_tui.model.spec import Component, StackSpec
from kapture_tui.targets import open_target
from kapture_tui.telemetry import Hub

GOAL_PER_S = 20_000
"""On two cores."""

WARM_UP_S = 20.0
"""Loaders simulate their first year meanwhile."""

NAMESPACE = "perf-stack"


def measure(effort: Effort) -> Iterator[Result]:
    """See `Result`."""
    per_s, final = asyncio.run(_run(2 * effort.window_s))
    ledger = final.ledger
    groups = ledger.groups.values() if ledger else ()
    faults = sum(group.lost + group.duplicated + group.unexpected for group in groups)
    note = f"on {os.cpu_count()} cores; acknowledged {ledger.acked if ledger else 0:,}, faults {faults}"
    yield Result(
        "end to end", per_s, "transactions / s", GOAL_PER_S, per_s / GOAL_PER_S, 1.0, note, faults > 0
    )


async def _run(window_s: float) -> tuple[float, Snapshot]:
    target = open_target("local", NAMESPACE)
    async for _ in target.deploy(StackSpec(NAMESPACE, 2, frozenset({Component.REDIS}))):
        pass
    try:
        async with aclosing(Hub(target).snapshots()) as snapshots:
            begin = await _after(snapshots, WARM_UP_S)
            end = await _after(snapshots, (begin.run.elapsed_s or 0.0) + window_s)
            await target.scale(Component.LOADER, 0)
            async for final in snapshots:
                if final.drained:
                    break
    finally:
        async for _ in target.destroy():
            pass
    elapsed_s = (end.run.elapsed_s or 0.0) - (begin.run.elapsed_s or 0.0)
    return (_delivered(end) - _delivered(begin)) / elapsed_s, final


async def _after(snapshots: AsyncIterator[Snapshot], elapsed_s: float) -> Snapshot:
    async for snapshot in snapshots:
        if (snapshot.run.elapsed_s or 0.0) >= elapsed_s and snapshot.ledger is not None:
            return snapshot
    raise AssertionError("the hub ends only with its target")


def _delivered(snapshot: Snapshot) -> int:
    groups = snapshot.ledger.groups if snapshot.ledger else {}
    return min((group.delivered for group in groups.values()), default=0)
