"""What a run of `bench` will be, before it begins."""

from __future__ import annotations

import shlex
from itertools import pairwise

import pytest

from kapture_tui.bench.judge import Judgement, Outcome
from kapture_tui.bench.order import LETTERS, asked_for, begun, deployments, resumed_by, way_of
from kapture_tui.bench.result import Rule
from kapture_tui.bench.search import GivenUp, Tried, forecast
from kapture_tui.bench.trial import Trial, TrialResult
from kapture_tui.cli import settings
from kapture_tui.cli.bench import asked_for as asked_by
from kapture_tui.cli.options import COMPONENTS
from kapture_tui.cli.parse import parse
from kapture_tui.model.errors import UsageError
from kapture_tui.model.spec import ClusterSpec, Component, LoadSpec, StackSpec

SPEC = StackSpec("pets", 2, frozenset({Component.REDIS, Component.POSTGRES}))


@pytest.mark.parametrize(
    ("spec", "other"),
    [
        (SPEC, {}),
        (StackSpec("pets"), {"budget_min": 45.0, "repeats": 4, "p99_ms": 250.0}),
        (StackSpec("pets", 1, frozenset(LETTERS), LoadSpec(9, 8, 7, 2, 55.5, 3, True, 4)), {}),
        (StackSpec("pets", cluster=ClusterSpec(storage="persistent", redis_count=3, cpu_limits=True)), {}),
    ],
)
def test_the_line_that_goes_on_asks_for_the_very_same(spec: StackSpec, other: dict[str, float]) -> None:
    asked = asked_for(spec, "kubernetes", **other)  # type: ignore[arg-type]
    line = shlex.split(resumed_by(spec, asked, "lab"))
    assert line[0] == "kapture-tui"
    command = parse(line[1:]).command
    assert isinstance(command, settings.Bench)
    assert asked_by(command) == asked
    assert command.resume
    assert command.connection.context == "lab"


def test_letters_are_those_of_the_command_line() -> None:
    flags = {option.component: option.flags[0][1:] for option in COMPONENTS.options if option.component}
    assert {component: flags[component] for component in LETTERS} == LETTERS


def test_a_way_fits_the_budget_and_one_that_cannot_is_refused() -> None:
    asked = asked_for(SPEC, "local", budget_min=60.0)
    assert way_of(asked).seconds * deployments(asked) <= 3600
    with pytest.raises(UsageError, match="take at least"):
        way_of(asked_for(SPEC, "local", budget_min=10.0))


def test_more_deployments_have_more_time_unless_it_is_said_how_much() -> None:
    assert asked_for(SPEC, "kubernetes").budget_min == 90
    many = asked_for(SPEC, "kubernetes", scales=(3, 4, 5), minus_one=True)
    assert many.budget_min > 90
    assert way_of(many).seconds * deployments(many) <= many.budget_min * 60


def test_scales_and_a_missing_broker_are_more_deployments() -> None:
    assert deployments(asked_for(SPEC, "local", repeats=3, scales=(1, 2, 4), minus_one=True)) == 18


def test_a_result_is_named_after_what_was_asked_for() -> None:
    assert begun(asked_for(SPEC, "local"), 7).id.endswith("-local-2-or")
    assert begun(asked_for(SPEC, "local", rule=Rule.HEARTBEAT), 7).id.endswith("-or-heartbeat")
    assert begun(asked_for(SPEC, "local"), 7).seed == 7


def test_what_is_left_shrinks_to_nothing_and_what_comes_next_is_known_beforehand() -> None:
    way = way_of(asked_for(SPEC, "local"))
    tried: list[Tried] = []
    left = [way.method(tried, 1).left_s]
    while isinstance(step := way.method(tried, 1).step, Trial):
        held, missed = forecast(way.method, tried, step, 1)
        holds = step.rate <= 5000
        outcome = Outcome.HELD if holds else Outcome.MISSED
        tried.append(Tried(step, TrialResult(), Judgement(outcome)))
        assert way.method(tried, 1).step == (held if holds else missed)
        left.append(way.method(tried, 1).left_s)
        assert len(tried) < 100
    assert not isinstance(step, GivenUp)
    assert left[-1] == 0
    assert left[0] > 300
    rises = sum(after > before for before, after in pairwise(left))
    assert rises <= len(left) // 10, left
