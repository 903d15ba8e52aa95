"""The picture of a search, for any trials and any size."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kapture_tui.bench.judge import Judgement, Outcome
from kapture_tui.bench.order import asked_for, begun
from kapture_tui.bench.probit import Fit
from kapture_tui.bench.result import DeploymentResult, Rule, Status
from kapture_tui.bench.score import score
from kapture_tui.bench.search import SearchState, Tried
from kapture_tui.bench.trial import Purpose, Trial, TrialResult
from kapture_tui.tui.lines import line_width
from kapture_tui.tui.measuring import Measured
from kapture_tui.tui.panels import bench
from kapture_tui.tui.rival import Rival
from tests.tui.measured import SPEC, result_of

RATES = st.floats(1.0, 1e6)
TRIED = st.builds(
    lambda rate, outcome, purpose, p99: Tried(
        Trial(rate, 8.0, 1, purpose), TrialResult(rate, rate, p99), Judgement(outcome, ("why",))
    ),
    RATES,
    st.sampled_from(Outcome),
    st.sampled_from([Purpose.EXPLORE, Purpose.STAIR, Purpose.CONFIRM]),
    st.none() | st.floats(0.1, 1e6),
)
FITS = st.none() | st.builds(Fit, st.floats(0.0, 14.0), st.floats(0.001, 0.5), st.floats(0.005, 0.3))


def measured(tried: tuple[Tried, ...], fit: Fit | None, rate: float = 500.0) -> Measured:
    trial = Trial(rate, 8.0, 1, Purpose.STAIR)
    now = DeploymentResult(1, 1, 1, status=Status.RUNNING, tried=tried)
    result = begun(asked_for(SPEC, "local"), 1).with_deployment(now)
    search = SearchState(tried, trial, fit, 0.5, 100.0)
    return Measured(result, Path("run.json"), 6, now, search, (trial, trial), trial_s=3.0, left_s=500.0)


@given(st.lists(TRIED, max_size=30).map(tuple), FITS, RATES, st.integers(10, 200), st.integers(4, 60))
def test_any_search_is_drawn_in_its_space(
    tried: tuple[Tried, ...], fit: Fit | None, rate: float, cells: int, rows: int
) -> None:
    view, then = measured(tried, fit, rate), result_of("then", 900.0)
    plot = bench.plot(view, then, cells, rows)
    assert len(plot.rows) == max(rows, 4)
    assert {line_width(row) for row in plot.rows} == {cells}
    for row in bench.trials(view, cells).rows:
        assert line_width(row) <= cells
    for row in bench.known(view, Rival("then", then), cells).rows:
        assert line_width(row) <= max(cells, 14)


@given(RATES, RATES, st.integers(30, 200))
def test_a_larger_load_never_lies_further_left(one: float, other: float, cells: int) -> None:
    ground = bench.Ground(cells, 10, bench.Axis(min(one, other) / 1.25, max(one, other) * 1.25, True))
    columns = [ground.column(load) for load in sorted((one, other))]
    assert None not in columns
    assert columns == sorted(columns)  # type: ignore[type-var]


def test_every_outcome_has_its_sign_and_its_place() -> None:
    def one(rate: float, outcome: Outcome) -> Tried:
        return Tried(Trial(rate, 8.0, 1, Purpose.EXPLORE), TrialResult(), Judgement(outcome))

    tried = (
        one(100, Outcome.HELD),
        one(100, Outcome.HELD),
        one(900, Outcome.MISSED),
        one(300, Outcome.INVALID),
    )
    picture = bench.plot(measured(tried, None), None, 60, 12)
    rows = ["".join(text for text, _ in row) for row in picture.rows]
    assert [row.count("●") for row in rows[:3]] == [1, 1, 0], "those that held hang from above"
    assert "○" in rows[9], "those that missed stand below"
    assert "×" in rows[5], "those that say nothing float between"
    assert rows[0].index("●") < rows[5].index("×") < rows[9].index("○")


@pytest.mark.parametrize(
    ("rule", "said"),
    [(Rule.CAPACITY, "this run carries -50.0 %"), (Rule.KAPTURE, "by another rule, not to be compared")],
)
def test_how_far_the_run_is_ahead_of_an_earlier_one(rule: Rule, said: str) -> None:
    then = result_of("then", 1000.0)
    then = replace(then, asked=replace(then.asked, rule=rule))
    view = measured((), None)
    view = replace(view, result=replace(view.result, score=score((500.0, 500.0))))
    told = " ".join(
        "".join(text for text, _ in row) for row in bench.known(view, Rival("then", then), 100).rows
    )
    assert said in told
