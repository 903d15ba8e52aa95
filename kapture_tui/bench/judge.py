"""Did a trial hold all objectives? Pure, so that a kept trial can be judged again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from kapture_tui.bench.trend import trend
from kapture_tui.bench.trial import LagSample, Trial, TrialResult

GROWS = 0.01
"""Lag grows when it gains more than this part of the offered load, second after second …"""

CHANCE = 0.01
"""… and chance alone would look so clear in fewer than this part of all trials."""

SLIP_S = 0.5
"""A loader this far behind its schedule does not offer the load that was asked for, seconds."""


class Outcome(Enum):
    """What a trial says."""

    HELD = "held"
    """Every objective was met."""
    MISSED = "missed"
    """At least one was not: the load was too high."""
    INVALID = "invalid"
    """It says nothing about the cluster."""


@dataclass(frozen=True, slots=True)
class Objectives:
    """What a cluster must hold to carry a load, beyond losing nothing and writing nothing twice."""

    p99_ms: float = 1000.0


@dataclass(frozen=True, slots=True)
class Judgement:
    """The outcome and why; the reasons of a trial that held are empty."""

    outcome: Outcome
    reasons: tuple[str, ...] = ()


def judge(trial: Trial, result: TrialResult, objectives: Objectives) -> Judgement:
    """What a trial says. A loader that is too slow, a missing figure or a restart make it invalid, never a miss."""
    if faults := tuple(_faults(trial, result)):
        return Judgement(Outcome.INVALID, faults)
    missed = tuple(_missed(trial, result, objectives))
    return Judgement(Outcome.MISSED if missed else Outcome.HELD, missed)


def _faults(trial: Trial, result: TrialResult) -> Iterator[str]:
    yield from result.faults
    needed = ("offered_per_s", "delivered_per_s", "p99_ms", "lost", "duplicated", "slip_s")
    missing = [name for name in needed if getattr(result, name) is None]
    if not result.lag:
        missing.append("lag")
    if missing and not result.faults:
        yield f"not measured: {', '.join(missing)}"
    if result.slip_s is not None and result.slip_s > SLIP_S:
        yield f"a loader was {result.slip_s:.1f} s behind its schedule"
    elif result.loader_bound:
        yield f"the loaders cannot offer {trial.rate:,.0f}/s"


def _missed(trial: Trial, result: TrialResult, objectives: Objectives) -> Iterator[str]:
    if result.lost:
        yield f"{result.lost:,} lost"
    if result.duplicated:
        yield f"{result.duplicated:,} written twice"
    if result.p99_ms is not None and result.p99_ms > objectives.p99_ms:
        yield f"p99 {result.p99_ms:,.0f} ms"
    for group, samples in result.lag.items():
        if (slope := growth(samples, trial.rate)) is not None:
            yield f"lag of {group} grows by {slope:,.0f}/s"


def growth(samples: tuple[LagSample, ...], rate: float) -> float | None:
    """How fast the lag grows, records a second; None when it does not, by the measure of the offered rate."""
    found = trend(samples)
    if found is None or found.chance > CHANCE or found.slope <= GROWS * rate:
        return None
    return found.slope
