"""The short form of `make verdict`."""

from __future__ import annotations

import pytest

from benchmark.verdict.clusters import Deployment, Model
from benchmark.verdict.trials import SHORT, comparisons, searches
from kapture_tui.bench.score import Verdict


def test_capacities_are_the_truth_within_a_few_percent() -> None:
    found = searches(Model(), 20)
    assert found.failed == 0
    assert 0.97 < found.mean < 1.03
    assert found.deviation < 0.06


def test_a_short_search_waits_until_a_cold_cluster_is_warm() -> None:
    found = searches(Model().chilled(), 30, plan=SHORT)
    assert found.failed == 0
    assert 0.95 < found.mean < 1.03


def test_a_planted_slow_down_is_found_and_none_is_made_up() -> None:
    slowed = comparisons(Model(), Model().slowed(0.2), pairs=3, repeats=6)
    assert slowed == [Verdict.SLOWER] * 3
    equal = comparisons(Model(), Model(), pairs=3, repeats=6)
    assert Verdict.SLOWER not in equal
    assert Verdict.FASTER not in equal


def test_the_truth_is_where_load_and_service_meet() -> None:
    model = Model(capacity=1000.0, pressure=0.5)
    # x (1 + x / 2000) = 1000 has its root at 1000 (sqrt 3 - 1).
    assert model.truth == pytest.approx(1000 * (3**0.5 - 1))


async def test_a_deployment_without_luck_holds_just_below_its_truth_and_misses_just_above() -> None:
    calm = Model(trial_noise=0, deployment_noise=0, cold=0, slow_disk=0, jitter_s=0)
    below = await Deployment(calm, 1).trial(calm.truth * 0.9, 60, 1)
    above = await Deployment(calm, 1).trial(calm.truth * 1.1, 60, 1)
    assert below.p99_ms is not None
    assert above.p99_ms is not None
    assert below.p99_ms < 1000 < above.p99_ms
