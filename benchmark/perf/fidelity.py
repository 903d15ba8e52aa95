"""The generator's statistics with the parameters of reference run B: how far they are from the 2016 generator's."""

from __future__ import annotations

from collections.abc import Iterator

from benchmark.perf.petstore_stats import OUTSIDE, compare
from benchmark.perf.result import Effort, Result


def measure(effort: Effort) -> Iterator[Result]:
    """See `Result`: the share of figures that agree; the two or three minutes it takes do not depend on the effort."""
    comparison = compare("B")
    total, off = len(comparison.deviations), len(comparison.off)
    agreeing, needed = 1 - off / total, 1 - OUTSIDE
    note = (
        f"{off} of {total} figures off: " + ", ".join(d.name for d in comparison.off) if off else "none off"
    )
    yield Result(
        "statistics, run B",
        agreeing,
        "share",
        needed,
        agreeing / needed,
        1.0,
        note,
        not comparison.agrees,
    )
