"""The search on a real stack of this machine whose limit was planted: an ETL that serves so many records a second."""

from __future__ import annotations

import asyncio
import os
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from kapture_tui.bench.campaign import Campaign
from kapture_tui.bench.judge import Objectives, Outcome, judge
from kapture_tui.bench.live import LiveSite, LiveStand
from kapture_tui.bench.result import Asked, Result, Status, Variant
from kapture_tui.bench.scaling import fit
from kapture_tui.bench.search import Plan, look
from kapture_tui.bench.store import read, write
from kapture_tui.bench.trial import Purpose, Trial, TrialResult
from kapture_tui.model.spec import Component, LoadSpec, StackSpec
from kapture_tui.targets.local.target import LocalTarget

LIMIT = 500.0
PLANTED = Path(__file__).parent / "planted"
OBJECTIVES = Objectives()
LOAD = LoadSpec(stores=40, customers=300)


@pytest.fixture
def planted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Children started from now on have an ETL with a limit."""
    path = os.pathsep.join(filter(None, (str(PLANTED), os.environ.get("PYTHONPATH"))))
    monkeypatch.setenv("PYTHONPATH", path)
    monkeypatch.setenv("PLANTED_ETL_RECORDS_PER_S", str(LIMIT))


def site(namespace: str, start: float = 100.0) -> LiveSite:
    spec = StackSpec(namespace, 1, frozenset({Component.REDIS}), LOAD)
    return LiveSite(LocalTarget(namespace), spec, OBJECTIVES, start, lambda _: None)


async def tried(stand: LiveStand, rate: float, seconds: float) -> tuple[Outcome, TrialResult]:
    result = await stand.trial(rate, seconds, 1)
    return judge(Trial(rate, seconds, 1, Purpose.STAIR), result, OBJECTIVES).outcome, result


@pytest.mark.usefixtures("planted")
async def test_a_load_below_the_limit_holds_and_one_above_names_the_etl() -> None:
    async with site("bench-short").deployment(1, 1, Variant.FULL) as stand:
        outcome, below = await tried(stand, 0.6 * LIMIT, 5)
        assert outcome is Outcome.HELD, below
        assert below.offered_per_s == pytest.approx(0.6 * LIMIT, rel=0.2)
        assert (below.lost, below.duplicated, below.faults) == (0, 0, ())
        assert set(below.latency) == {"etl", "etl-redis"}
        outcome, above = await tried(stand, 2 * LIMIT, 6)
        assert outcome is Outcome.MISSED, above
        assert above.bottleneck is not None
        assert above.bottleneck.component == "etl"
        assert (above.lost, above.duplicated) == (0, 0)
        environment = await stand.environment()
        assert environment.cores
        assert environment.machines[0].names == ()


@pytest.mark.usefixtures("planted")
async def test_what_is_acknowledged_is_known_though_reports_are_always_in_flight(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("PLANTED_ETL_RECORDS_PER_S")
    monkeypatch.setenv("PLANTED_OVERLAP", "1")
    async with site("bench-overlap").deployment(1, 1, Variant.FULL) as stand:
        # At 2,000 a second only some of the messages are followed to their acknowledgement, most likely not the last.
        _, result = await tried(stand, 2000, 3)
        assert result.faults == ()


@pytest.mark.thorough
@pytest.mark.timeout(240)
@pytest.mark.usefixtures("planted")
async def test_a_killed_loader_makes_a_trial_invalid_and_the_next_one_is_good_again() -> None:
    async with site("bench-killed").deployment(1, 1, Variant.FULL) as stand:
        trial = asyncio.create_task(tried(stand, 100, 10))
        await asyncio.sleep(8)
        await stand.target.kill("data-loader-0")
        outcome, result = await trial
        assert outcome is Outcome.INVALID
        assert any("data-loader-0" in fault for fault in result.faults)
        outcome, result = await tried(stand, 100, 5)
        assert outcome is Outcome.HELD, result


@pytest.mark.verdict
@pytest.mark.timeout(1500)
@pytest.mark.usefixtures("planted")
async def test_the_capacity_is_the_planted_limit(tmp_path: Path) -> None:
    plan = Plan(OBJECTIVES, stairs=10, explore_s=5.0, stair_s=10.0, confirm_s=20.0)
    asked = Asked("local", (1,), ("redis",), LOAD, 1, 20.0, OBJECTIVES.p99_ms)
    path = tmp_path / "planted.json"
    campaign = Campaign(
        Result("planted", asked), partial(look, plan), site("bench-planted"), partial(write, path)
    )
    async for _ in campaign.run():
        pass
    found = read(path)
    assert found.status is Status.COMPLETE, found.reason
    (capacity,) = found.capacities()
    assert capacity == pytest.approx(LIMIT, rel=0.05)
    assert found.bottlenecks == {"etl": 1}


SHORT = Plan(OBJECTIVES, start=100.0, stairs=4, explore_s=4.0, stair_s=6.0, confirm_s=10.0)
"""Enough to see that it works, not to know it exactly."""


async def searched(name: str, folder: Path, repeats: int = 1, **other: Any) -> Result:
    """A run of short searches; its file."""
    asked = Asked(
        "local", other.pop("scales", (1,)), ("redis",), LOAD, repeats, 20.0, OBJECTIVES.p99_ms, **other
    )
    path = folder / f"{name}.json"
    campaign = Campaign(
        Result(name, asked), partial(look, SHORT), site(f"bench-{name}"), partial(write, path)
    )
    async for progress in campaign.run():
        print([(round(t.trial.rate), t.judgement, t.loaders) for t in progress.search.tried[-1:]], flush=True)
    return read(path)


@pytest.mark.verdict
@pytest.mark.timeout(1800)
@pytest.mark.usefixtures("planted")
async def test_more_of_what_is_the_limit_carries_more_and_the_law_says_how_much(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    each = 0.3 * LIMIT  # four of them must not be as much as the machine itself can do
    monkeypatch.setenv("PLANTED_ETL_RECORDS_PER_S", str(each))
    found = await searched("scales", tmp_path, scales=(1, 2, 4))
    assert found.status is Status.COMPLETE, found.reason
    by_scale = {scale: found.capacities(scale)[0] for scale in found.asked.scales}
    curve = fit({scale: (v,) for scale, v in by_scale.items()})
    assert curve is not None
    assert curve.law.one == pytest.approx(each, rel=0.2)
    # Some states have more stores than others, so one of several ETLs is full before the rest are.
    assert by_scale[1] < by_scale[2] < by_scale[4] < 4.3 * each, by_scale
    assert set(found.bottlenecks) == {"etl"}


@pytest.mark.verdict
@pytest.mark.timeout(1800)
@pytest.mark.usefixtures("planted")
async def test_loaders_that_are_the_limit_give_no_score_and_are_doubled_where_asked(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PLANTED_LOADER_RECORDS_PER_S", str(0.4 * LIMIT))
    found = await searched("few", tmp_path)
    assert found.status is Status.LOADER_BOUND, found.reason
    assert found.score is None
    assert any(one.result.loader_bound for one in found.deployments[0].tried)
    found = await searched("doubled", tmp_path, auto_loaders=True)
    assert found.status is Status.COMPLETE, found.reason
    assert found.deployments[0].loaders >= 4
    assert found.capacities()[0] == pytest.approx(LIMIT, rel=0.15)
    assert found.bottlenecks == {"etl": 1}
