"""`--rule kapture`: the rule Kapture published figures by in 2019, for those who must compare with them.

One loader more at a time, each as fast as it can, until the message rate declines for the first time. The summary is
the sum of the rates until then, divided by 1 + 2 + … + n: the mean rate of a loader, early ones counting most. It says
how fast loaders are as much as what the cluster carries, it does not ask whether anything was lost or late, and with
noise the first decline comes too early: at 10 % it stops at 0.78 of the capacity. See docs/methodology.md.
"""

from __future__ import annotations

from collections.abc import Sequence

from kapture_tui.bench.search import INVALID_IN_A_ROW, GivenUp, SearchState, Step, Summary, Tried
from kapture_tui.bench.trial import Purpose, Trial

MOST = 50
"""Loaders at most."""

USUAL = 8
"""Loaders until the first decline, as a guess for the budget."""


def look(seconds: float, tried: Sequence[Tried], seed: int = 1) -> SearchState:
    """How a run by this rule stands: `partial(look, seconds)` is a `Method`; each step lasts so long."""
    step = _next(seconds, tried, seed)
    if not isinstance(step, Trial):
        return SearchState(tuple(tried), step, None, 1.0)
    return SearchState(tuple(tried), step, None, 0.0, max(1, USUAL - len(tried)) * seconds)


def _next(seconds: float, tried: Sequence[Tried], seed: int) -> Step:
    rates = [one.result.offered_per_s for one in tried if one.result.offered_per_s is not None]
    failed = [one for one in tried[-INVALID_IN_A_ROW:] if one.result.offered_per_s is None]
    if len(failed) == INVALID_IN_A_ROW:
        return GivenUp(f"the message rate could not be measured: {'; '.join(failed[-1].judgement.reasons)}")
    if len(rates) >= MOST or (len(rates) > 1 and rates[-1] < rates[-2]):
        return summary(rates)
    return Trial(0.0, seconds, seed * 1000 + len(tried), Purpose.GENERATORS, len(rates) + 1)


def summary(rates: Sequence[float]) -> Summary:
    """The figure for the message rates with 1, 2, … loaders, the last one perhaps the first decline."""
    rising = list(rates[:1])
    for rate in rates[1:]:
        if rate < rising[-1]:
            break
        rising.append(rate)
    count = len(rising)
    return Summary(sum(rising) / (count * (count + 1) / 2), count)
