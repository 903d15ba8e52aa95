"""Transactions a second through the whole embedded stack, from the generator into Redis, and the ledger afterwards."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import aclosing
from datetime import datetime
from statistics import fmean

from benchmark.perf.result import Effort, Result
from benchmark.perf.stack import stack, watch
from kapture_tui.model.snapshot import Snapshot
from kapture_tui.model.spec import Component
from kapture_tui.telemetry.hub import Hub

SCALE = 2
GOAL = 20_000
"""Transactions a second into Redis on two cores that have nothing else to do."""

WARM_UP = 250_000
"""Transactions delivered before the measurement begins: two loaders replay by then."""


def measure(effort: Effort) -> Iterator[Result]:
    """See `Result`."""
    yield asyncio.run(_measure(2 * effort.window_s))


async def _measure(window_s: float) -> Result:
    async with stack(SCALE) as target:
        await watch(target, lambda snapshot: _delivered(snapshot) >= WARM_UP, "transactions flowing")
        seen: list[Snapshot] = []
        async with aclosing(Hub(target).snapshots()) as snapshots:
            async for snapshot in snapshots:
                if not snapshot.ledger:
                    continue
                seen.append(snapshot)
                if _seconds(seen) >= window_s:
                    break
        await target.scale(Component.LOADER, 0)
        final = await watch(target, lambda snapshot: snapshot.drained, "draining")
    rate = (_delivered(seen[-1]) - _delivered(seen[0])) / _seconds(seen)
    faults = _faults(final)
    note = f"scale {SCALE}; {faults} faults of {_delivered(final):,}; {_costs(seen, rate)}"
    return Result("end to end", rate, "transactions / s", GOAL, rate / GOAL, 1.0, note, failed=faults > 0)


def _faults(snapshot: Snapshot) -> int:
    """What the ledger holds against the stack."""
    groups = snapshot.ledger.groups.values() if snapshot.ledger else ()
    return sum(group.lost + group.duplicated + group.unexpected for group in groups)


def _delivered(snapshot: Snapshot) -> int:
    """By the slowest group."""
    ledger = snapshot.ledger
    return min((group.delivered for group in ledger.groups.values()), default=0) if ledger else 0


def _seconds(seen: Sequence[Snapshot]) -> float:
    first, last = (datetime.fromisoformat(each.time) for each in (seen[0], seen[-1]))
    return (last - first).total_seconds()


def _costs(seen: Sequence[Snapshot], rate: float) -> str:
    """CPU time a transaction of each component, µs; they add up to what two cores have."""
    cores: dict[str, list[float]] = defaultdict(list)
    for snapshot in seen:
        of_tick: dict[str, float] = defaultdict(float)
        for pod in snapshot.pods:
            of_tick[pod.component] += pod.cpu_cores or 0.0
        for component, used in of_tick.items():
            cores[component].append(used)
    return "µs a transaction: " + ", ".join(
        f"{component} {1e6 * fmean(used) / rate:.1f}" for component, used in cores.items()
    )
