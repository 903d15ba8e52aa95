"""What makes a trial valid, and what makes it hold."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kapture_tui.bench.judge import Judgement, Objectives, Outcome, judge
from kapture_tui.bench.trial import Bottleneck, Purpose, Trial, TrialResult

TRIAL = Trial(1000.0, 15.0, 1, Purpose.STAIR)
FLAT = tuple((float(s), 50.0 + s % 3) for s in range(15))
RISING = tuple((float(s), 50.0 + 30.0 * s) for s in range(15))
GOOD = TrialResult(1000.0, 1000.0, 120.0, 0, 0, {"etl": FLAT, "etl-redis": FLAT}, 0.0)


def outcome(**other: object) -> Judgement:
    return judge(TRIAL, replace(GOOD, **other), Objectives(p99_ms=500))  # type: ignore[arg-type]


def test_a_good_trial_holds_without_a_word() -> None:
    assert outcome() == Judgement(Outcome.HELD)


@pytest.mark.parametrize(
    ("figures", "reason"),
    [
        ({"lost": 1}, "1 lost"),
        ({"duplicated": 3}, "3 written twice"),
        ({"p99_ms": 501.0}, "p99 501 ms"),
        ({"lag": {"etl": FLAT, "etl-redis": RISING}}, "lag of etl-redis grows by 30/s"),
    ],
)
def test_each_objective_is_missed_by_itself(figures: dict[str, object], reason: str) -> None:
    assert outcome(**figures) == Judgement(Outcome.MISSED, (reason,))


def test_every_objective_that_was_missed_is_named() -> None:
    assert outcome(lost=2, p99_ms=900.0).reasons == ("2 lost", "p99 900 ms")


def test_a_lag_that_grows_by_less_than_a_hundredth_of_the_load_holds() -> None:
    slow = tuple((float(s), 50.0 + 9.0 * s) for s in range(15))
    assert outcome(lag={"etl": slow}).outcome is Outcome.HELD


@pytest.mark.parametrize(
    "name", ["offered_per_s", "delivered_per_s", "p99_ms", "lost", "duplicated", "slip_s"]
)
def test_a_figure_that_is_missing_is_no_zero(name: str) -> None:
    assert outcome(**{name: None}) == Judgement(Outcome.INVALID, (f"not measured: {name}",))


def test_lag_that_was_not_seen_is_missing_too() -> None:
    assert outcome(lag={}) == Judgement(Outcome.INVALID, ("not measured: lag",))


def test_what_is_not_the_clusters_fault_is_no_miss() -> None:
    assert outcome(faults=("etl-0 restarted",), lost=5) == Judgement(Outcome.INVALID, ("etl-0 restarted",))
    late = outcome(slip_s=0.9, p99_ms=9000.0)
    assert late == Judgement(Outcome.INVALID, ("a loader was 0.9 s behind its schedule",))


def test_loaders_that_are_the_limit_say_so() -> None:
    found = outcome(loader_bound=True)
    assert found == Judgement(Outcome.INVALID, ("the loaders cannot offer 1,000/s",))


def test_a_bottleneck_elsewhere_is_no_fault_of_the_trial() -> None:
    assert outcome(bottleneck=Bottleneck("etl", "at its CPU limit")).outcome is Outcome.HELD
