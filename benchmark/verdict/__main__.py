"""`python -m benchmark.verdict [--searches N] [--pairs N]`: exit 1 when the verdict does not hold."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from benchmark.verdict.clusters import Model
from benchmark.verdict.trials import comparisons, searches
from kapture_tui.bench.score import Verdict

REPEATS = 6
MEAN = (0.98, 1.02)
DEVIATION = 0.04
FOUND = 0.95
DIFFERENT = (Verdict.FASTER, Verdict.SLOWER)


def main(argv: Sequence[str] | None = None) -> int:
    """Search, compare, print, and say whether all of it holds."""
    parser = argparse.ArgumentParser(prog="python -m benchmark.verdict", description=__doc__)
    parser.add_argument("--searches", type=int, default=200)
    parser.add_argument("--pairs", type=int, default=100, help="with a slow-down, and as many without")
    arguments = parser.parse_args(argv)
    checks = [_accuracy(arguments.searches), *_verdicts(arguments.pairs)]
    return 0 if all(checks) else 1


def _accuracy(count: int) -> bool:
    found = searches(Model(), count)
    good = found.failed == 0 and MEAN[0] <= found.mean <= MEAN[1] and found.deviation <= DEVIATION
    figures = f"mean {found.mean:.3f}, deviation {found.deviation:.1%}, confirmed {found.confirmed:.0%}"
    _say(good, f"{count} searches: V / truth {figures}, {found.failed} without a capacity")
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
