"""The search for the largest load a deployment carries: explore, climb up and down around the limit, fit, challenge,
confirm.

The search is a function of the trials made so far: what to try next, or what was found. So it can be interrupted
anywhere and goes on from the trials that were kept.

1. **Explore**: short trials, the load doubled until one misses twice; a single miss may be chance. A load that was
   missed is tried again until ten trials are over: they also warm the cluster, and a cold one misses what it holds
   a minute later.
2. **Stairs**: up after a trial that held, down after one that missed (Dixon and Mood 1948), by a step that shrinks with
   every turn, so that the search nears the limit for certain however noisy it is (Kesten 1958). Trials from the first
   turn on count.
3. **Fit**: see `probit`. At V half of all trials hold.
4. **Challenge**: a trial at the load that the fit expects 19 of 20 trials to miss. A cluster that was cold, with code
   still to be compiled and caches to be filled, missed what it holds now: when the challenge holds, twice, the stairs
   begin anew there, and those before count no more.
5. **Confirm**: a long trial at the load that the fit expects nine of ten trials to hold. A cluster that tires (a burst
   credit used up, a disk that fills) holds short trials and misses this one; it has two chances.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from kapture_tui.bench.judge import Judgement, Objectives, Outcome
from kapture_tui.bench.probit import Fit, Response, fit
from kapture_tui.bench.trial import Purpose, Trial, TrialResult

FIRST_STEP = 0.3
"""The first step of the stairs, in ln of the load: a third up or a quarter down."""

LEAST_STEP = 0.02
NEAR = 1.15
"""Loaders that cannot offer this much more than what was held are what limits the run."""

LEGS = 3
"""So many times stairs are climbed: the first time, and after challenges that held."""

INVALID_IN_A_ROW = 3
LEAST_RATE = 1.0
NINE_OF_TEN = 1.2816
NINETEEN_OF_TWENTY = 1.6449
"""Standard normal quantiles of 0.9 and 0.95."""

_CHALLENGES = 2
_CONFIRMATIONS = 2


@dataclass(frozen=True, slots=True)
class Plan:
    """How thoroughly to search.

    Attributes:
        start: the first load, transactions a second.
        stairs: trials of the staircase that count.
        explore_s, stair_s, confirm_s: how long trials are measured.
        around_s: what a trial takes beside its measured seconds: settling, draining.
        deploy_s: what a fresh deployment and its removal take.
    """

    objectives: Objectives = Objectives()
    start: float = 200.0
    stairs: int = 28
    explore_s: float = 8.0
    stair_s: float = 15.0
    confirm_s: float = 60.0
    around_s: float = 9.0
    deploy_s: float = 60.0

    @property
    def seconds(self) -> float:
        """What one deployment takes from its deploy to its removal, about: capacities up to 1,000 times the start."""
        explore = EXPLORE_TRIALS * (self.explore_s + self.around_s)
        stairs = (_APPROACH + self.stairs + 1) * (self.stair_s + self.around_s)
        return self.deploy_s + explore + stairs + self.confirm_s + self.around_s


EXPLORE_TRIALS = 10
_APPROACH = 2


@dataclass(frozen=True, slots=True)
class Tried:
    """A trial that was made, what was seen and what it says.

    Attributes:
        began: UTC, ISO 8601; "" in a simulation.
        loaders: how many offered the load; 0: not known.
        relieved: they could not, and were doubled afterwards: what they cannot offer says nothing any more.
    """

    trial: Trial
    result: TrialResult
    judgement: Judgement
    began: str = ""
    loaders: int = 0
    relieved: bool = False

    @property
    def held(self) -> bool:
        """Whether every objective was met."""
        return self.judgement.outcome is Outcome.HELD

    @property
    def valid(self) -> bool:
        """Whether it says anything."""
        return self.judgement.outcome is not Outcome.INVALID


@dataclass(frozen=True, slots=True)
class Capacity:
    """What a deployment carries.

    Attributes:
        v: transactions a second, end to end into every sink; half of all trials hold it.
        low, high: the fit's 90 % interval.
        sigma: noise from trial to trial, standard deviation of ln V.
        confirmed: the long trial held, and the limit had stood still.
    """

    v: float
    low: float
    high: float
    sigma: float
    confirmed: bool


@dataclass(frozen=True, slots=True)
class GivenUp:
    """No capacity was found, and why. `loader_bound`: the loaders were the limit."""

    reason: str
    loader_bound: bool = False


@dataclass(frozen=True, slots=True)
class Summary:
    """The figure of Kapture's rule: see `kapture_rule`. `generators` is where the rate was highest."""

    messages_per_s: float
    generators: int


@dataclass(frozen=True, slots=True)
class Noise:
    """What a heartbeat shows: see `heartbeat`. Standard deviations of the logarithm, from trial to trial.

    Attributes:
        trials: the valid ones.
        p99_ms: the median of their p99.
        p99_spread, p50_spread: how much latency varies; None with fewer than two trials.
        worst_p99_ms: of the worst one.
        missed: trials that did not hold the objectives, at a load that is no load.
    """

    trials: int
    p99_ms: float
    worst_p99_ms: float
    p99_spread: float | None
    p50_spread: float | None
    missed: int


Found = Capacity | Summary | Noise | GivenUp
Step = Trial | Found


@dataclass(frozen=True, slots=True)
class SearchState:
    """A search as a screen shows it.

    Attributes:
        tried: all trials so far.
        step: what comes next, or what was found.
        fit: the curve through the trials so far; None: not enough of them.
        done: part of the search that is over, 0 to 1, by the trials that count.
        left_s: about how long the trials take that are still to be made, seconds, the next one included.
        counted: the trials that carry the fit.
    """

    tried: tuple[Tried, ...]
    step: Step
    fit: Fit | None
    done: float
    left_s: float = 0.0
    counted: tuple[Tried, ...] = ()


Method = Callable[[Sequence[Tried], int], SearchState]
"""A way to search: from the trials so far and the deployment's seed to how it stands and what comes next."""


def look(plan: Plan, tried: Sequence[Tried], seed: int = 1) -> SearchState:
    """How a search for the capacity stands: `partial(look, plan)` is a `Method`."""
    counted = _counted(plan, tried)
    step = next_step(plan, tried, seed)
    done = 1.0 if not isinstance(step, Trial) else min(1.0, len(counted) / plan.stairs) * 0.95
    left_s = _left_s(plan, tried, step)
    return SearchState(tuple(tried), step, fit(_responses(counted)), done, left_s, counted)


def _left_s(plan: Plan, tried: Sequence[Tried], step: Step) -> float:
    if not isinstance(step, Trial):
        return 0.0
    confirm_s = plan.confirm_s + plan.around_s
    if step.purpose is Purpose.CONFIRM:
        return confirm_s
    leg = _leg(plan, _of(tried, Purpose.STAIR))
    counted = min(len(leg.counting), plan.stairs)
    # The last stair before the first turn counts as well: with the approach some two are still to come.
    approach = 0 if counted else max(1, _APPROACH - len(leg.stairs))
    stairs_s = (approach + plan.stairs - counted + 1) * (plan.stair_s + plan.around_s)
    if step.purpose is Purpose.STAIR:
        return stairs_s + confirm_s
    explored = len(tried)
    return max(1, EXPLORE_TRIALS - explored) * (plan.explore_s + plan.around_s) + stairs_s + confirm_s


def next_step(plan: Plan, tried: Sequence[Tried], seed: int = 1) -> Step:
    """What to try next, or what was found.

    Args:
        tried: all trials of this deployment, in order.
        seed: of this search; each trial's own derives from it and its number.
    """
    if given_up := _given_up(tried):
        return given_up
    seconds, purpose = plan.explore_s, Purpose.EXPLORE
    explored = _explore(plan, tried)
    if isinstance(explored, GivenUp):
        return explored
    rate, bracketed = explored
    stairs = _of(tried, Purpose.STAIR)
    if bracketed or stairs:
        seconds, purpose = plan.stair_s, Purpose.STAIR
        leg = _leg(plan, stairs)
        if leg.over:
            confirmation = _confirm(plan, tried)
            if isinstance(confirmation, Capacity):
                return confirmation
            rate, seconds, purpose = confirmation, plan.confirm_s, Purpose.CONFIRM
        elif stairs:
            rate = _challenge(leg, tried) if len(leg.counting) >= plan.stairs else _stair(leg.stairs, tried)
    if rate < LEAST_RATE:
        return GivenUp(f"not even {LEAST_RATE:g} transaction a second is held: {_why(tried)}")
    return Trial(rate, seconds, seed * 1000 + len(tried), purpose)


def forecast(method: Method, tried: Sequence[Tried], step: Trial, seed: int) -> tuple[Step, Step]:
    """What comes after a trial that is being made: if it holds, and if it does not."""
    held, missed = (
        method((*tried, Tried(step, TrialResult(), Judgement(outcome))), seed).step
        for outcome in (Outcome.HELD, Outcome.MISSED)
    )
    return held, missed


def _given_up(tried: Sequence[Tried]) -> GivenUp | None:
    last = [one for one in tried if not one.relieved][-INVALID_IN_A_ROW:]
    if len(last) < INVALID_IN_A_ROW or any(one.valid for one in last):
        return None
    return GivenUp(
        f"{INVALID_IN_A_ROW} trials in a row were not valid; the last one: {_why(tried)}",
        all(one.result.loader_bound for one in last),
    )


def _why(tried: Sequence[Tried]) -> str:
    return "; ".join(tried[-1].judgement.reasons)


def _of(tried: Sequence[Tried], purpose: Purpose) -> list[Tried]:
    return [one for one in tried if one.trial.purpose is purpose and one.valid]


# --- exploring ----------------------------------------------------------------------------------------------------


def _explore(plan: Plan, tried: Sequence[Tried]) -> tuple[float, bool] | GivenUp:
    """The next load, and whether the limit is bracketed: then it is where the stairs begin."""
    trials = [one for one in tried if one.trial.purpose is Purpose.EXPLORE]
    held = max((one.trial.rate for one in trials if one.held), default=None)
    missed = min(_missed_twice(trials), default=None)
    beyond = _beyond(trials)
    cold = len(trials) < EXPLORE_TRIALS
    if not trials:
        return plan.start, False
    if missed is not None and cold:
        return missed, False
    if held is not None and missed is not None:
        return math.sqrt(held * missed), True
    if missed is None and held is not None and beyond is not None:
        if beyond > held * NEAR:
            return math.sqrt(held * beyond), False
        if cold:
            return beyond, False
        return GivenUp(f"the loaders offer {held:,.0f}/s and cannot offer {beyond:,.0f}/s", True)
    last = trials[-1]
    if _out_of_reach(last) or (missed is not None and held is None):
        return last.trial.rate / 2, False
    if last.held:
        return last.trial.rate * 2, False
    return last.trial.rate, False  # invalid, or missed for the first time


def _out_of_reach(one: Tried) -> bool:
    return not one.valid and one.result.loader_bound and not one.relieved


def _beyond(tried: Sequence[Tried]) -> float | None:
    """The least load that the loaders could not offer, unless they could offer as much at another time."""
    offered = max((one.trial.rate for one in tried if one.valid), default=0.0)
    return min(
        (one.trial.rate for one in tried if _out_of_reach(one) and one.trial.rate > offered), default=None
    )


def _missed_twice(trials: Sequence[Tried]) -> list[float]:
    """Loads that were missed twice, with no load above them held: one miss may be chance."""
    missed = [one.trial.rate for one in trials if one.judgement.outcome is Outcome.MISSED]
    held = max((one.trial.rate for one in trials if one.held), default=0.0)
    return [rate for rate in set(missed) if missed.count(rate) >= 2 and rate > held]


# --- the stairs ---------------------------------------------------------------------------------------------------


def _stair(stairs: Sequence[Tried], tried: Sequence[Tried]) -> float:
    """The next load: a step up from one that held, down from one that missed; each turn shortens the steps."""
    turns = sum(before.held != after.held for before, after in pairwise(stairs))
    step = max(LEAST_STEP, FIRST_STEP / (1 + turns))
    last = stairs[-1]
    if not last.held:
        return last.trial.rate * math.exp(-step)
    return _reachable(last.trial.rate, last.trial.rate * math.exp(step), tried)


def _reachable(low: float, high: float, tried: Sequence[Tried]) -> float:
    """`high`, or what lies between `low` and the least load that the loaders could not offer."""
    beyond = _beyond(tried)
    return high if beyond is None or high < beyond else math.sqrt(low * beyond)


@dataclass(frozen=True, slots=True)
class _Leg:
    """Stairs around one limit.

    Attributes:
        stairs: all its trials.
        counting: those from the last one before the first turn on, challenges included: those before only led there.
        challenges: the trials above the limit.
    """

    stairs: Sequence[Tried]
    counting: Sequence[Tried]
    challenges: Sequence[Tried]

    @property
    def stood(self) -> bool:
        """A challenge was missed: the limit is where these stairs have it."""
        return any(not one.held for one in self.challenges)

    @property
    def over(self) -> bool:
        """It has stood, or every challenge was held: it lies higher."""
        return self.stood or len(self.challenges) == _CHALLENGES


def _leg(plan: Plan, stairs: Sequence[Tried]) -> _Leg:
    """The leg that was climbed last."""
    leg = _first_leg(plan, stairs)
    for _ in range(LEGS - 1):
        if leg.over and not leg.stood:
            leg = _first_leg(plan, leg.counting[plan.stairs :])
    return leg


def _first_leg(plan: Plan, stairs: Sequence[Tried]) -> _Leg:
    turns = (at for at, (before, after) in enumerate(pairwise(stairs)) if before.held != after.held)
    counting = stairs[next(turns, len(stairs)) :]
    return _Leg(stairs, counting, counting[plan.stairs :][:_CHALLENGES])


def _challenge(leg: _Leg, tried: Sequence[Tried]) -> float:
    """A load above the limit."""
    if leg.challenges:
        return leg.challenges[0].trial.rate
    found = fit(_responses(leg.counting))
    assert found is not None, "there was a turn"
    return _reachable(found.v, found.rate_held(-NINETEEN_OF_TWENTY), tried)


# --- the end ------------------------------------------------------------------------------------------------------


def _counted(plan: Plan, tried: Sequence[Tried]) -> tuple[Tried, ...]:
    """The trials that carry the fit."""
    return (*_leg(plan, _of(tried, Purpose.STAIR)).counting, *_of(tried, Purpose.CONFIRM))


def _responses(tried: Sequence[Tried]) -> list[Response]:
    return [(math.log(one.trial.rate), one.held) for one in tried]


def _confirm(plan: Plan, tried: Sequence[Tried]) -> float | Capacity:
    """The load of the long trial, or the capacity once that is made."""
    found = fit(_responses(_counted(plan, tried)))
    assert found is not None, "there was a turn"
    long = _of(tried, Purpose.CONFIRM)
    held = any(one.held for one in long)
    if held or len(long) >= _CONFIRMATIONS:
        stood = _leg(plan, _of(tried, Purpose.STAIR)).stood
        return Capacity(found.v, *found.interval, found.sigma, held and stood)
    return long[0].trial.rate if long else found.rate_held(NINE_OF_TEN)
