"""`python -m benchmark.verdict [--searches N] [--pairs N]`: exit 1 when the verdict does not hold."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from benchmark.verdict.clusters import Model
from benchmark.verdict.trials import PLAN, SHORT, comparisons, searches
from kapture_tui.bench.score import Verdict
from kapture_tui.bench.search import Plan

REPEATS = 6
MEAN = (0.98, 1.02)
DEVIATION = 0.04
COLD_MEAN = (0.95, 1.05)
COLD_DEVIATION = 0.08
"""What a search with the least budget must do on a cluster that is cold for minutes."""
FOUND = 0.95
DIFFERENT = (Verdict.FASTER, Verdict.SLOWER)


def main(argv: Sequence[str] | None = None) -> int:
    """Search, compare, print, and say whether all of it holds."""
    parser = argparse.ArgumentParser(prog="python -m benchmark.verdict", description=__doc__)
    parser.add_argument("--searches", type=int, default=200)
    parser.add_argument("--pairs", type=int, default=100, help="with a slow-down, and as many without")
    arguments = parser.parse_args(argv)
    checks = [
        _accuracy("", Model(), PLAN, arguments.searches, MEAN, DEVIATION),
        _accuracy(
            "short, on a cold cluster: ",
            Model().chilled(),
            SHORT,
            arguments.searches,
            COLD_MEAN,
            COLD_DEVIATION,
        ),
        *_verdicts(arguments.pairs),
    ]
    return 0 if all(checks) else 1


def _accuracy(
    what: str, model: Model, plan: Plan, count: int, mean: tuple[float, float], deviation: float
) -> bool:
    found = searches(model, count, plan=plan)
    good = found.failed == 0 and mean[0] <= found.mean <= mean[1] and found.deviation <= deviation
    figures = f"mean {found.mean:.3f}, deviation {found.deviation:.1%}, confirmed {found.confirmed:.0%}"
    _say(good, f"{what}{count} searches: V / truth {figures}, {found.failed} without a capacity")
    return good


def _verdicts(pairs: int) -> tuple[bool, bool]:
    slowed = comparisons(Model(), Model().slowed(0.2), pairs, REPEATS)
    equal = comparisons(Model(), Model(), pairs, REPEATS, first_seed=1_000_000)
    found = slowed.count(Verdict.SLOWER)
    silent = sum(verdict not in DIFFERENT for verdict in equal)
    _say(found >= FOUND * pairs, f"a slow-down of 20 % was found in {found} of {pairs} comparisons")
    same = equal.count(Verdict.EQUIVALENT)
    _say(
        silent >= FOUND * pairs,
        f"no difference was claimed in {silent} of {pairs} equal pairs ({same} equivalent)",
    )
    return found >= FOUND * pairs, silent >= FOUND * pairs


def _say(good: bool, text: str) -> None:
    print(f"{'ok  ' if good else 'FAIL'}  {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
