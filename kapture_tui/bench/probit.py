"""From trials that held or did not to the limit, its noise and how sure both are: a probit fit.

In each trial the cluster carries a little more or less, so a load near the limit is held in some trials and not in
others. With noise that is normal in the logarithm, a load x is held with probability Φ((ln V - ln x) / σ) (probit
analysis: Finney 1971; for staircases: Dixon and Mood 1948, Levitt 1971). A small part of trials fails, or holds, for
reasons that have nothing to do with the load; without a lapse rate one of those would bend the whole curve (Wichmann
and Hill 2001).

The fit is a posterior mean over a grid of V and σ: flat in ln V, and a prior on σ that only matters when the trials say
nothing about it, such as one clean step from held to missed, where maximum likelihood runs off to σ = 0.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

LAPSE = 0.02
"""Part of the trials whose outcome has nothing to do with the load."""

SIGMAS = tuple(0.005 * 1.55**step for step in range(10))
"""Candidates for the noise from trial to trial, as a standard deviation of ln V: 0.5 % to 26 %."""

SIGMA_GUESS = 0.06
SIGMA_SPREAD = 0.9
"""The prior on ln σ is normal around this guess: in four of five cases between 2 % and 19 %."""

REACH = 0.4
STEPS = 81
"""ln V is looked for this far on both sides of the trials' middle, in so many steps (of 1 %)."""

REACH_90 = 1.6449
"""Standard normal quantile of 0.95: so many standard errors reach to either end of an interval of 90 %."""

Response = tuple[float, bool]
"""(ln of the load, whether it was held)."""


@dataclass(frozen=True, slots=True)
class Fit:
    """What the trials say about the limit.

    Attributes:
        ln_v: mean of ln V: at V half of the trials hold.
        error: standard deviation of ln V, how sure that is.
        sigma: noise of ln V from one trial to the next.
    """

    ln_v: float
    error: float
    sigma: float

    @property
    def v(self) -> float:
        """The limit, transactions a second."""
        return math.exp(self.ln_v)

    @property
    def interval(self) -> tuple[float, float]:
        """Where the limit lies, 90 % sure, transactions a second."""
        return math.exp(self.ln_v - REACH_90 * self.error), math.exp(self.ln_v + REACH_90 * self.error)

    def held(self, rate: float) -> float:
        """The part of trials at this load that is held, lapses left out."""
        return normal((self.ln_v - math.log(rate)) / self.sigma)

    def rate_held(self, deviations: float) -> float:
        """The load that lies so many standard deviations of a trial below the limit."""
        return math.exp(self.ln_v - deviations * self.sigma)


def normal(z: float) -> float:
    """The standard normal distribution function."""
    return 0.5 * math.erfc(-z / math.sqrt(2))


def fit(responses: Sequence[Response]) -> Fit | None:
    """The fit of some trials; None without at least one that held and one that did not."""
    if len({held for _, held in responses}) < 2:
        return None
    middle = fmean(x for x, _ in responses)
    grid = [middle + REACH * (2 * step / (STEPS - 1) - 1) for step in range(STEPS)]
    points = [(ln_v, sigma, _log_posterior(responses, ln_v, sigma)) for sigma in SIGMAS for ln_v in grid]
    best = max(log for _, _, log in points)
    weighed = [(ln_v, sigma, math.exp(log - best)) for ln_v, sigma, log in points if log > best - 30]
    total = sum(weight for *_, weight in weighed)
    ln_v = sum(weight * value for value, _, weight in weighed) / total
    square = sum(weight * (value - ln_v) ** 2 for value, _, weight in weighed) / total
    ln_sigma = sum(weight * math.log(sigma) for _, sigma, weight in weighed) / total
    return Fit(ln_v, math.sqrt(square), math.exp(ln_sigma))


def _log_posterior(responses: Sequence[Response], ln_v: float, sigma: float) -> float:
    log = -(((math.log(sigma / SIGMA_GUESS)) / SIGMA_SPREAD) ** 2) / 2
    scale = 1 / (sigma * math.sqrt(2))
    erfc, ln = math.erfc, math.log
    for x, held in responses:
        p = 0.5 * erfc((x - ln_v) * scale)
        log += ln(LAPSE / 2 + (1 - LAPSE) * (p if held else 1 - p))
    return log
