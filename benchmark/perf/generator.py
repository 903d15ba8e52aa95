"""The generator: serialised transactions a CPU-second, in the steady state of a loader's stream."""

from __future__ import annotations

import time
from collections.abc import Iterator
from statistics import median

from benchmark.perf.result import Effort, Result
from kapture_tui.workload.petstore import LoaderStream, PetstoreSpec

GOAL = 200_000
"""Transactions a second and core."""

BATCH = 256
RUN = 100_000
SIMULATED = 150_000
"""Messages after which 5,000 customers are replayed, and some more."""


def measure(effort: Effort) -> Iterator[Result]:
    """See `Result`."""
    began = time.process_time()
    stream = LoaderStream(PetstoreSpec(stream="data-loader-0"))
    drawn_s = time.process_time() - began
    simulated_s = _cpu_s(stream, SIMULATED)
    rates = [RUN / _cpu_s(stream, RUN) for _ in range(3 * effort.pairs)]
    rate = median(rates)
    yield Result(
        "generator",
        rate,
        "transactions / CPU-s",
        GOAL,
        rate / GOAL,
        1.0,
        f"{1e6 / rate:.1f} µs each; before, {drawn_s:.1f} CPU-s to draw the customers and {simulated_s:.1f} for the "
        f"first {SIMULATED:,} transactions, of which 360 days are simulated",
    )


def _cpu_s(stream: LoaderStream, count: int) -> float:
    began = time.process_time()
    for _ in range(count // BATCH):
        stream.next_batch(BATCH)
    return time.process_time() - began
