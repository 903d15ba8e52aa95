"""Clusters that exist on paper only. They know nothing of the search, and their truth is computed without it.

A simulated deployment is a fluid queue in front of servers that get slower the harder they are pressed. It has what
makes real ones hard to measure: noise from trial to trial and from deployment to deployment, a cold start, a queue
that jumps about, and now and then a disk that is slow for a while.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from random import Random

from kapture_tui.bench.trial import TrialResult

P99_LIMIT_MS = 1000.0
"""The objective that the truth is computed for; the search's own default."""

SAMPLE_S = 1.0
AROUND_S = 6.0
"""What passes between two trials, for the warm-up."""


@dataclass(frozen=True, slots=True)
class Model:
    """A kind of cluster.

    Attributes:
        capacity: transactions a second it serves when it is not pressed.
        pressure: how much slower it serves under load, as with contention: it serves capacity / (1 + pressure * load /
            capacity).
        trial_noise, deployment_noise: standard deviations of ln of the capacity.
        base_ms: p99 of an idle cluster.
        jitter_s: how much the queue's length jumps about from sample to sample, in seconds of load.
        cold: part of the capacity missing at the start, gone with a time constant of `warm_s`.
        slow_disk: probability that in a trial the disk is slow: it then serves `slow_part` of its capacity.
    """

    capacity: float = 10_000.0
    pressure: float = 0.2
    trial_noise: float = 0.10
    deployment_noise: float = 0.03
    base_ms: float = 80.0
    jitter_s: float = 0.05
    cold: float = 0.3
    warm_s: float = 20.0
    slow_disk: float = 0.01
    slow_part: float = 0.4

    def served(self, load: float) -> float:
        """Transactions a second it can serve while so many are offered; free of noise, warm."""
        return self.capacity / (1 + self.pressure * load / self.capacity)

    @property
    def truth(self) -> float:
        """The largest load it carries for ever: where load and service meet, found by halving."""
        low, high = 0.0, self.capacity
        for _ in range(100):
            middle = (low + high) / 2
            low, high = (middle, high) if self.served(middle) > middle else (low, middle)
        return low

    def chilled(self) -> Model:
        """The same cluster, but for minutes much slower than it will be: code to be compiled, caches to be filled."""
        return replace(self, cold=0.9, warm_s=60.0)

    def slowed(self, part: float) -> Model:
        """The same cluster with so much of its capacity taken away."""
        return replace(self, capacity=self.capacity * (1 - part))


class Deployment:
    """A deployment of a model, with its own share of luck. Has the `trial` that a search wants.

    Attributes:
        truth: what this very deployment carries.
    """

    def __init__(self, model: Model, seed: int) -> None:
        self._random = Random(f"deployment/{seed}")
        luck = math.exp(self._random.gauss(0, model.deployment_noise))
        self._model = replace(model, capacity=model.capacity * luck)
        self._age_s = 0.0
        self.truth = self._model.truth

    async def trial(self, rate: float, seconds: float, seed: int) -> TrialResult:
        """Offer a load for a while; takes no time."""
        random = Random(f"{self._random.random()}/{seed}")
        model = self._today(random)
        start_s, self._age_s = self._age_s, self._age_s + seconds + AROUND_S
        queue = 0.0
        served_all = 0.0
        lags = []
        worst_s = 0.0
        for second in range(max(1, int(seconds))):
            served = model.served(rate) * (1 - model.cold * math.exp(-(start_s + second) / model.warm_s))
            done = min(queue + rate, served)
            queue += rate - done
            served_all += done
            worst_s = max(worst_s, queue / served)
            lags.append((second + 1.0, max(0.0, queue + rate * abs(random.gauss(0, model.jitter_s)))))
        # Close to the limit even a queue that drains waits longer, as in M/M/1: by 1 / (1 - utilisation).
        spare = max(0.02, 1 - rate / model.served(rate))
        p99_ms = model.base_ms / spare**0.5 + worst_s * 1000
        return TrialResult(
            offered_per_s=rate,
            delivered_per_s=served_all / len(lags),
            p99_ms=p99_ms,
            lost=0,
            duplicated=0,
            lag={"etl": tuple(lags)},
            slip_s=0.0,
        )

    def _today(self, random: Random) -> Model:
        luck = math.exp(random.gauss(0, self._model.trial_noise))
        if random.random() < self._model.slow_disk:
            luck *= self._model.slow_part
        return replace(self._model, capacity=self._model.capacity * luck)


def noisy(seed: int) -> Deployment:
    """A fresh deployment of the usual cluster, for `--simulate benchmark.verdict.clusters:noisy`."""
    return Deployment(Model(), seed)


def slower(seed: int) -> Deployment:
    """The same with a fifth of its capacity gone."""
    return Deployment(Model().slowed(0.2), seed)
