"""`--heartbeat`: the same small load again and again shows how much a cluster varies by itself, over hours."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median, stdev

from kapture_tui.bench.search import INVALID_IN_A_ROW, GivenUp, Noise, SearchState, Step, Tried
from kapture_tui.bench.trial import Purpose, Trial
from kapture_tui.model.histogram import merge

SECONDS = 20.0
AROUND_S = 8.0
RATE = 100.0
"""Transactions a second that any stack carries."""


def look(rate: float, trials: int, tried: Sequence[Tried], seed: int = 1) -> SearchState:
    """How a heartbeat stands: `partial(look, rate, trials)` is a `Method`."""
    step = _next(rate, trials, tried, seed)
    left_s = (trials - len(tried)) * (SECONDS + AROUND_S) if isinstance(step, Trial) else 0.0
    return SearchState(tuple(tried), step, None, min(1.0, len(tried) / trials), left_s)


def _next(rate: float, trials: int, tried: Sequence[Tried], seed: int) -> Step:
    if len(tried) < trials:
        return Trial(rate, SECONDS, seed * 1000 + len(tried), Purpose.STEADY)
    valid = [one for one in tried if one.valid and one.result.p99_ms]
    if len(valid) < INVALID_IN_A_ROW:
        return GivenUp(f"only {len(valid)} of {len(tried)} trials were valid")
    return noise(valid)


def noise(valid: Sequence[Tried]) -> Noise:
    """What these trials, all with a p99, say about the cluster's own variation."""
    p99 = [one.result.p99_ms for one in valid if one.result.p99_ms]
    p50 = [merge(one.result.latency.values()).percentile_us(50) for one in valid]
    return Noise(
        trials=len(valid),
        p99_ms=median(p99),
        worst_p99_ms=max(p99),
        p99_spread=_spread(p99),
        p50_spread=_spread([value for value in p50 if value]),
        missed=sum(not one.held for one in valid),
    )


def _spread(values: Sequence[float]) -> float | None:
    return stdev(map(math.log, values)) if len(values) > 1 else None
