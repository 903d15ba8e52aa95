"""Many searches and many comparisons on simulated clusters."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from statistics import fmean, stdev

from benchmark.verdict.clusters import Deployment, Model
from kapture_tui.bench.budget import BRIEF, LEAST_STAIRS
from kapture_tui.bench.judge import judge
from kapture_tui.bench.score import Verdict, compare
from kapture_tui.bench.search import Capacity, Plan, Step, Tried, next_step
from kapture_tui.bench.trial import Trial

PLAN = Plan()

SHORT = Plan(start=1000.0, stairs=LEAST_STAIRS, explore_s=BRIEF.explore_s, stair_s=BRIEF.stair_s)
"""About the least that --budget gives, with the first load already near the limit."""


@dataclass(frozen=True, slots=True)
class Accuracy:
    """How V compares with the truth over many searches: mean and deviation of their ratio."""

    searches: int
    failed: int
    mean: float
    deviation: float
    confirmed: float


def searches(model: Model, count: int, first_seed: int = 1, plan: Plan = PLAN) -> Accuracy:
    """So many searches, each on a deployment of its own."""
    ratios, confirmed = [], 0
    for seed in range(first_seed, first_seed + count):
        deployment = Deployment(model, seed)
        found = asyncio.run(_search(deployment, seed, plan))
        if isinstance(found, Capacity):
            ratios.append(found.v / deployment.truth)
            confirmed += found.confirmed
    return Accuracy(count, count - len(ratios), fmean(ratios), stdev(ratios), confirmed / count)


def comparisons(a: Model, b: Model, pairs: int, repeats: int, first_seed: int = 1) -> list[Verdict]:
    """The verdict on B against A, of so many pairs of runs."""
    verdicts = []
    for pair in range(pairs):
        seed = first_seed + pair * 2 * repeats
        runs = (_capacities(a, seed, repeats), _capacities(b, seed + repeats, repeats))
        verdicts.append(compare(*runs).verdict)
    return verdicts


def _capacities(model: Model, first_seed: int, repeats: int) -> list[float]:
    found = [
        asyncio.run(_search(Deployment(model, seed), seed, PLAN))
        for seed in range(first_seed, first_seed + repeats)
    ]
    return [one.v for one in found if isinstance(one, Capacity)]


async def _search(deployment: Deployment, seed: int, plan: Plan) -> Step:
    tried: list[Tried] = []
    while isinstance(step := next_step(plan, tried, seed), Trial):
        result = await deployment.trial(step.rate, step.seconds, step.seed)
        tried.append(Tried(step, result, judge(step, result, plan.objectives)))
    return step
