"""What watching a stack on a cluster costs while it runs: the console here, the observer there."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import aclosing
from statistics import mean

from benchmark.perf.cluster import kapture, namespace
from benchmark.perf.console_idle import BYTES_PER_S, CORE_SHARE, watch_console
from benchmark.perf.result import CannotRun, Effort, Result
from kapture_tui.model.spec import Component
from kapture_tui.targets import Connection, open_target
from kapture_tui.telemetry.hub import Hub

STACK = ("1", "-r", "--rate", "1000")
SAMPLES_S = 60.0
"""metrics-server takes some time between two samples: so long is looked at the observer's."""


def measure(effort: Effort) -> Iterator[Result]:
    """See `Result`."""
    with namespace() as name:
        kapture("up", name, *STACK, "--target", "kubernetes", "--yes")
        written, share = watch_console(name, "kubernetes", 2 * effort.window_s)
        cores = asyncio.run(_observer_cores(name, 2 * effort.window_s if effort.pairs == 1 else SAMPLES_S))
    where = "80x24, attached to a cluster, 1,000 transactions a second"
    yield Result(
        "console to the terminal, cluster",
        written,
        "bytes / s",
        BYTES_PER_S,
        BYTES_PER_S / written,
        1.0,
        where,
    )
    yield Result(
        "console CPU, cluster", 100 * share, "% of a core", 100 * CORE_SHARE, CORE_SHARE / share, 1.0
    )
    yield Result(
        "observer CPU, cluster",
        None if cores is None else 100 * cores,
        "% of a core",
        note="as metrics-server has it" if cores is not None else "metrics-server had no sample",
    )


async def _observer_cores(name: str, window_s: float) -> float | None:
    """The mean of the samples seen in that time; None: there were none."""
    target = open_target("kubernetes", name, Connection())
    samples: set[float] = set()
    until_s = time.monotonic() + window_s
    try:
        async with aclosing(Hub(target).snapshots()) as snapshots:
            async for snapshot in snapshots:
                for row in snapshot.pods:
                    if row.component == Component.OBSERVER.value and row.cpu_cores is not None:
                        samples.add(row.cpu_cores)
                if time.monotonic() >= until_s:
                    return mean(samples) if samples else None
    finally:
        await target.close()
    raise CannotRun("nothing more to see")
