"""Run B of the petstore statistics: does the generator still do what the 2016 one did? It takes some minutes."""

from __future__ import annotations

from collections.abc import Iterator

from benchmark.perf.petstore_stats import OUTSIDE, compare
from benchmark.perf.result import Effort, Result

RUN = "B"


def measure(effort: Effort) -> Iterator[Result]:
    """See `Result`: figures out of their limits, of those there may be. All five seeds whatever the effort."""
    comparison = compare(RUN)
    off, allowed = len(comparison.off), int(OUTSIDE * len(comparison.deviations))
    yield Result(
        f"petstore statistics, run {RUN}",
        off,
        "figures off",
        allowed,
        1.0 if comparison.agrees else 0.0,
        1.0,
        f"of {len(comparison.deviations)}; the widest: {comparison.deviations[0]}",
    )
