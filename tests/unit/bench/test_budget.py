"""What fits into a time."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from kapture_tui.bench.budget import LEAST_STAIRS, MOST_STAIRS, plan_for
from kapture_tui.bench.judge import Objectives
from kapture_tui.model.errors import UsageError

OBJECTIVES = Objectives(250.0)


@given(st.floats(1, 600), st.integers(1, 24), st.floats(0, 120))
def test_what_is_planned_fits_or_is_refused_with_what_would(
    minutes: float, deployments: int, deploy_s: float
) -> None:
    try:
        plan = plan_for(minutes, deployments, deploy_s, OBJECTIVES)
    except UsageError as error:
        least = float(error.cause.split("at least ")[1].split()[0])
        assert least > minutes
        plan = plan_for(least, deployments, deploy_s, OBJECTIVES)
    else:
        assert plan.seconds * deployments <= minutes * 60
    assert LEAST_STAIRS <= plan.stairs <= MOST_STAIRS
    assert plan.objectives == OBJECTIVES


def test_more_time_is_more_trials_and_then_longer_ones() -> None:
    plans = [plan_for(minutes, 6, 60.0, OBJECTIVES) for minutes in (50, 90, 130)]
    worth = [(plan.stair_s, plan.stairs) for plan in plans]
    assert worth == sorted(worth)
