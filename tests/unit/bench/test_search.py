"""The search, on clusters that do just what a test says."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kapture_tui.bench.judge import judge
from kapture_tui.bench.search import Capacity, GivenUp, Plan, Step, Tried, look, next_step
from kapture_tui.bench.trial import Purpose, Trial, TrialResult

PLAN = Plan(stairs=12)
LAG = tuple((float(s), 10.0) for s in range(10))
LIMIT = 7_300.0

Sees = Callable[[Trial, int], TrialResult]


def result(p99_ms: float | None, **other: object) -> TrialResult:
    return TrialResult(1.0, 1.0, p99_ms, 0, 0, {"etl": LAG}, 0.0, **other)  # type: ignore[arg-type]


def exact(trial: Trial, _number: int) -> TrialResult:
    """A cluster without any noise."""
    return result(100.0 if trial.rate <= LIMIT else 9000.0)


def search(sees: Sees, plan: Plan = PLAN) -> tuple[Step, list[Tried]]:
    tried: list[Tried] = []
    while isinstance(step := next_step(plan, tried), Trial):
        seen = sees(step, len(tried))
        tried.append(Tried(step, seen, judge(step, seen, plan.objectives)))
        assert len(tried) < 300, "it must end"
    return step, tried


def test_a_limit_without_noise_is_found_and_confirmed() -> None:
    found, tried = search(exact)
    assert isinstance(found, Capacity)
    assert found.v == pytest.approx(LIMIT, rel=0.02)
    assert found.low < LIMIT < found.high
    assert found.confirmed
    assert [one.trial.purpose for one in tried if one.trial.seconds == PLAN.confirm_s] == [Purpose.CONFIRM]


@given(st.floats(3.0, 1e6))
def test_any_limit_is_found(limit: float) -> None:
    found, _ = search(lambda trial, _: result(100.0 if trial.rate <= limit else 9000.0))
    assert isinstance(found, Capacity)
    assert found.v == pytest.approx(limit, rel=0.04)


@given(st.integers(0, 40))
def test_a_search_that_was_cut_off_goes_on_as_if_nothing_had_happened(at: int) -> None:
    _, tried = search(exact)
    kept = tried[:at]
    step = next_step(PLAN, kept)
    if at < len(tried):
        assert step == tried[at].trial


def test_every_trial_has_a_seed_of_its_own() -> None:
    _, tried = search(exact)
    assert len({one.trial.seed for one in tried}) == len(tried)


def test_one_miss_by_chance_does_not_end_the_exploring() -> None:
    def sees(trial: Trial, number: int) -> TrialResult:
        return result(9000.0) if number == 1 else exact(trial, number)

    found, _ = search(sees)
    assert isinstance(found, Capacity)
    assert found.v == pytest.approx(LIMIT, rel=0.03)


def test_what_a_cold_cluster_missed_is_tried_again_before_the_stairs_begin() -> None:
    def sees(trial: Trial, number: int) -> TrialResult:
        return exact(trial, number) if number >= 6 else result(100.0 if trial.rate <= LIMIT / 20 else 9000.0)

    found, tried = search(sees)
    assert isinstance(found, Capacity)
    assert found.v == pytest.approx(LIMIT, rel=0.03)
    first = next(one.trial.rate for one in tried if one.trial.purpose is Purpose.STAIR)
    assert LIMIT / 2 < first < LIMIT * 2


def test_loaders_that_fall_behind_while_the_cluster_is_cold_are_not_what_limits_the_run() -> None:
    def sees(trial: Trial, number: int) -> TrialResult:
        return exact(trial, number) if number >= 6 else result(100.0, loader_bound=trial.rate > 700)

    found, _ = search(sees)
    assert isinstance(found, Capacity)
    assert found.v == pytest.approx(LIMIT, rel=0.03)


def test_a_step_beyond_what_the_loaders_can_offer_is_made_shorter() -> None:
    reach = 1.1 * LIMIT

    def sees(trial: Trial, number: int) -> TrialResult:
        by_chance = number in (14, 15, 17, 18)  # so that the stairs lead far above the limit
        if trial.rate > reach:
            return result(100.0, loader_bound=True)
        return result(100.0 if (trial.rate <= LIMIT) != by_chance else 9000.0)

    found, tried = search(sees)
    assert isinstance(found, Capacity)
    assert any(one.result.loader_bound and one.trial.purpose is Purpose.STAIR for one in tried)


def test_a_limit_that_rises_after_most_of_the_search_is_noticed_and_followed() -> None:
    def sees(trial: Trial, number: int) -> TrialResult:
        return exact(trial, number) if number >= 20 else result(100.0 if trial.rate <= LIMIT / 20 else 9000.0)

    found, tried = search(sees)
    assert isinstance(found, Capacity)
    assert found.confirmed
    assert found.v == pytest.approx(LIMIT, rel=0.03)
    assert all(LIMIT / 2 < one.trial.rate < LIMIT * 2 for one in look(PLAN, tried).counted)


def test_a_limit_that_never_stands_still_is_not_confirmed() -> None:
    limit = LIMIT
    seen: list[Tried] = []

    def sees(trial: Trial, _number: int) -> TrialResult:
        nonlocal limit
        if trial.purpose is Purpose.STAIR and len(look(PLAN, seen).counted) >= PLAN.stairs:
            limit = max(limit, 1.1 * trial.rate)
        told = result(100.0 if trial.rate <= limit else 9000.0)
        seen.append(Tried(trial, told, judge(trial, told, PLAN.objectives)))
        return told

    found, tried = search(sees)
    assert isinstance(found, Capacity)
    assert tried[-1].held
    assert not found.confirmed
    assert found.v == pytest.approx(limit, rel=0.2)


def test_an_invalid_trial_is_made_again_and_counts_for_nothing() -> None:
    def sees(trial: Trial, number: int) -> TrialResult:
        return result(None) if number % 4 == 1 else exact(trial, number)

    found, tried = search(sees)
    assert isinstance(found, Capacity)
    assert found.v == pytest.approx(LIMIT, rel=0.03)
    for one, following in pairwise(tried):
        if not one.valid:
            assert following.trial.rate == one.trial.rate
    valid = [one for one in tried if one.valid]
    assert look(PLAN, tried).fit == look(PLAN, valid).fit


def test_three_invalid_ones_in_a_row_end_it_with_the_reason() -> None:
    def sees(trial: Trial, number: int) -> TrialResult:
        return result(50.0, faults=("etl-0 restarted",)) if number > 4 else exact(trial, number)

    found, _ = search(sees)
    assert isinstance(found, GivenUp)
    assert "etl-0 restarted" in found.reason
    assert not found.loader_bound


def test_loaders_that_cannot_reach_the_limit_are_what_limits_the_run() -> None:
    found, tried = search(lambda trial, _: result(50.0, loader_bound=trial.rate > 1500))
    assert isinstance(found, GivenUp)
    assert found.loader_bound
    assert max(one.trial.rate for one in tried if one.valid) > 1500 / 1.2


def test_loaders_that_cannot_double_the_load_can_still_reach_a_limit_below() -> None:
    def sees(trial: Trial, _number: int) -> TrialResult:
        return result(100.0 if trial.rate <= 1000 else 9000.0, loader_bound=trial.rate > 1400)

    found, _ = search(sees)
    assert isinstance(found, Capacity)
    assert found.v == pytest.approx(1000, rel=0.03)


def test_a_cluster_that_holds_nothing_ends_it() -> None:
    found, _ = search(lambda _trial, _number: result(9000.0))
    assert isinstance(found, GivenUp)
    assert "p99 9,000 ms" in found.reason


def test_a_cluster_that_tires_is_not_confirmed() -> None:
    def sees(trial: Trial, _number: int) -> TrialResult:
        return result(9000.0 if trial.rate > LIMIT or trial.purpose is Purpose.CONFIRM else 100.0)

    found, tried = search(sees)
    assert isinstance(found, Capacity)
    assert not found.confirmed
    assert [one.trial.purpose for one in tried[-2:]] == [Purpose.CONFIRM] * 2


def test_it_tells_how_far_it_is_and_what_it_knows() -> None:
    _, tried = search(exact)
    parts = [look(PLAN, tried[:count]) for count in range(len(tried) + 1)]
    done = [state.done for state in parts]
    assert done == sorted(done)
    assert (done[0], done[-1]) == (0.0, 1.0)
    assert parts[0].fit is None
    assert parts[-1].fit is not None
    assert isinstance(parts[-1].step, Capacity)
