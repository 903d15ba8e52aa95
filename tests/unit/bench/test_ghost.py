"""Earlier runs by the second."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kapture_tui.bench.ghost import GAP_S, Ghost, of_recording, of_result
from kapture_tui.bench.judge import Judgement, Outcome
from kapture_tui.bench.result import DeploymentResult, Result, Status
from kapture_tui.bench.search import Capacity, Tried
from kapture_tui.bench.store import files, read
from kapture_tui.bench.trial import Purpose, Trial, TrialResult
from kapture_tui.model.errors import UsageError
from kapture_tui.resources import results_dir
from kapture_tui.telemetry.recording import Recording
from tests.unit.bench.stands import result
from tests.unit.telemetry.tape import recorded, snapshots

SECONDS = st.floats(0, 1000).map(lambda second: round(second, 1))


@given(st.lists(SECONDS, min_size=1, unique=True).map(sorted), SECONDS)
def test_a_figure_is_the_latest_one_of_that_second_or_not_known(seconds: list[float], second: float) -> None:
    ghost = Ghost("then", {"offered": tuple((s, 10 * s) for s in seconds)})
    near = [s for s in seconds if second - GAP_S <= s <= second + 0.5]
    assert ghost.at("offered", second) == (10 * near[-1] if near else None)
    assert ghost.at("acked", second) is None


def trial(rate: float, seconds: float = 4.0, began: str = "", **seen: object) -> Tried:
    found = TrialResult(rate, rate, 100.0, 0, 0, **seen)  # type: ignore[arg-type]
    return Tried(Trial(rate, seconds, 1, Purpose.STAIR), found, Judgement(Outcome.HELD), began)


def run(*tried: Tried, **other: object) -> Result:
    deployment = DeploymentResult(1, 1, 1, status=Status.COMPLETE, tried=tried, **other)  # type: ignore[arg-type]
    return result().with_deployment(deployment)


def test_figures_stand_at_the_second_of_the_stacks_life() -> None:
    series = {"offered": ((0.4, 90.0), (1.4, 100.0)), "etl": ((0.4, 80.0),)}
    ghost = of_result(run(trial(100.0, series=series, at_s=30.0), trial(200.0, series=series, at_s=60.0)))
    assert ghost.figures["offered"] == ((30.4, 90.0), (31.4, 100.0), (60.4, 90.0), (61.4, 100.0))
    assert ghost.at("etl", 60) == 80.0
    assert ghost.at("etl", 45) is None
    assert ghost.length_s == 61.4


def test_a_result_without_figures_by_the_second_has_the_mean_of_each_trial() -> None:
    first = trial(100.0, began="2026-01-02T17:00:42.000Z")
    ghost = of_result(run(first, started="2026-01-02T17:00:00.000Z", deploy_s=12.0))
    assert ghost.figures == {"offered": ((30.0, 100.0), (31.0, 100.0), (32.0, 100.0), (33.0, 100.0))}
    one_after_the_other = of_result(run(trial(100.0), trial(200.0)))
    assert one_after_the_other.at("offered", 3) == 100.0
    assert one_after_the_other.at("offered", 4) == 200.0


def test_it_is_the_deployment_closest_to_the_score() -> None:
    found = result()
    for number, v in enumerate((900.0, 1500.0, 1150.0), 1):
        capacity = Capacity(v, v, v, 0.01, True)
        one = DeploymentResult(
            number, 1, 1, status=Status.COMPLETE, tried=(trial(100.0 * number),), capacity=capacity
        )
        found = found.with_deployment(one)
    assert of_result(found).name == "run, deployment 3"


def test_every_run_of_the_catalogue_can_be_raced_against() -> None:
    for path in files(results_dir()):
        ghost = of_result(read(path))
        assert ghost.at("offered", 0), path


def test_a_run_without_trials_cannot() -> None:
    with pytest.raises(UsageError, match="no trial"):
        of_result(result())
    with pytest.raises(UsageError, match="no trial"):
        of_result(run())


def test_a_recorded_session_is_a_ghost_too(tmp_path: Path) -> None:
    path = tmp_path / "tape.kapture"
    kept = snapshots(30)
    path.write_bytes(recorded(kept))
    ghost = of_recording(Recording.open(path), "tape")
    for snapshot in kept:
        if snapshot.run.elapsed_s is not None and snapshot.flow and snapshot.flow.offered_per_s:
            found = ghost.at("offered", snapshot.run.elapsed_s)
            assert found == pytest.approx(snapshot.flow.offered_per_s, rel=1e-3)
    path.write_bytes(recorded([replace(snapshot, flow=None) for snapshot in kept]))
    with pytest.raises(UsageError, match="nothing flows"):
        of_recording(Recording.open(path), "tape")
