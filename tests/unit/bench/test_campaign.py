"""Runs: what is deployed, what is kept, and what an end at any moment leaves."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from functools import partial

import pytest

from kapture_tui.bench import heartbeat, kapture_rule
from kapture_tui.bench.campaign import Campaign, Progress
from kapture_tui.bench.result import Result, Rule, Status, Variant
from kapture_tui.bench.search import Method, Plan, look
from kapture_tui.bench.trial import Bottleneck, TrialResult
from kapture_tui.model.errors import KaptureError
from kapture_tui.model.histogram import Histogram
from tests.unit.bench.stands import ScriptedSite, ScriptedStand, limited, result, seen

PLAN = Plan(stairs=6)
SEARCH: Method = partial(look, PLAN)


class Book:
    """Keeps every state of a result."""

    def __init__(self) -> None:
        self.kept: list[Result] = []

    def keep(self, result: Result) -> None:
        self.kept.append(result)

    @property
    def last(self) -> Result:
        return self.kept[-1]


async def run(campaign: Campaign, until: Callable[[Progress], bool] = lambda _: False) -> list[Progress]:
    told = []
    async with aclosing(campaign.run()) as progress:
        async for one in progress:
            told.append(one)
            if until(one):
                break
    return told


FIVE_THOUSAND = limited(5000.0)


def site(sees: Callable[[float], TrialResult] = FIVE_THOUSAND) -> ScriptedSite:
    return ScriptedSite(lambda _: ScriptedStand(sees))


async def test_every_repeat_is_a_fresh_deployment_with_a_seed_of_its_own() -> None:
    book, where = Book(), site()
    await run(Campaign(result(), SEARCH, where, book.keep, wall=lambda: 0.0))
    assert where.deployed == [(1, seed, Variant.FULL) for seed in (1, 2, 3)]
    assert where.removed == 3
    assert book.last.status is Status.COMPLETE
    assert book.last.capacities() == pytest.approx([5000.0] * 3, rel=0.05)
    assert book.last.score is not None
    assert book.last.score.repeats == 3
    assert book.last.environment.nodes == 2
    assert book.last.environment.cores == 8


async def test_it_is_kept_after_every_trial() -> None:
    book = Book()
    await run(Campaign(result(), SEARCH, site(), book.keep))
    trials = [sum(len(one.tried) for one in kept.deployments) for kept in book.kept]
    assert trials == sorted(trials)
    assert set(trials) == set(range(trials[-1] + 1)), "none was added together with another one"


async def test_scales_and_a_missing_broker_are_deployments_too() -> None:
    book, where = Book(), site()
    await run(Campaign(result(scales=(3, 6), minus_one=True), SEARCH, where, book.keep))
    assert [(scale, variant) for scale, _, variant in where.deployed[:4]] == [
        (3, Variant.FULL),
        (3, Variant.MINUS_ONE),
        (6, Variant.FULL),
        (6, Variant.MINUS_ONE),
    ]
    assert len(where.deployed) == 12
    assert len(book.last.capacities(6, Variant.MINUS_ONE)) == 3


@pytest.mark.parametrize("at", [1, 4, 9, 16, 23])
async def test_cut_off_anywhere_it_goes_on_and_mixes_no_deployments(at: int) -> None:
    book, where = Book(), site()
    await run(Campaign(result(), SEARCH, where, book.keep), lambda _: len(book.kept) > at)
    cut = book.last
    assert cut.status is Status.INTERRUPTED
    assert where.removed == len(where.deployed)
    await run(Campaign(cut, SEARCH, where, book.keep))
    assert book.last.status is Status.COMPLETE
    assert len(book.last.capacities()) == 3
    kept = [one for one in book.last.deployments if one.status is not Status.COMPLETE]
    assert [one.reason for one in kept] == ["it was cut off"] * len(kept)
    for one in cut.deployments:
        assert book.last.deployments[one.number - 1].tried[: len(one.tried)] == one.tried, "a trial was lost"


async def test_ended_without_warning_it_goes_on_from_any_state_that_was_kept() -> None:
    first = Book()
    await run(Campaign(result(), SEARCH, site(), first.keep))
    for state in first.kept[::7]:
        book = Book()
        await run(Campaign(state, SEARCH, site(), book.keep))
        assert book.last.status is Status.COMPLETE
        assert len(book.last.capacities()) == 3


async def test_cancelled_in_a_trial_it_is_interrupted_and_removed() -> None:
    began = asyncio.Event()

    class Slow(ScriptedStand):
        async def trial(self, rate: float, seconds: float, seed: int) -> TrialResult:
            began.set()
            await asyncio.sleep(1e9)
            raise AssertionError

    book, where = Book(), ScriptedSite(lambda _: Slow(limited(1.0)))
    task = asyncio.ensure_future(run(Campaign(result(), SEARCH, where, book.keep)))
    await began.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (book.last.status, book.last.deployments[0].status) == (Status.INTERRUPTED,) * 2
    assert where.removed == 1


async def test_a_disk_that_is_full_ends_it_and_the_stack_is_removed() -> None:
    where, kept = site(), 0

    def keep(_: Result) -> None:
        nonlocal kept
        kept += 1
        if kept > 5:
            raise KaptureError("keeping the result", "no space left on device")

    with pytest.raises(KaptureError, match="no space left"):
        await run(Campaign(result(), SEARCH, where, keep))
    assert (len(where.deployed), where.removed) == (1, 1)


async def test_loaders_that_are_the_limit_end_the_run_without_a_score() -> None:
    book = Book()
    where = site(lambda rate: seen(50.0, loader_bound=rate > 900))
    await run(Campaign(result(), SEARCH, where, book.keep))
    assert book.last.status is Status.LOADER_BOUND
    assert "loaders" in book.last.reason
    assert book.last.score is None
    assert len(where.deployed) == 1


async def test_loaders_are_doubled_where_that_was_asked_for() -> None:
    book, stands = Book(), []

    def stand(_: int) -> ScriptedStand:
        made = ScriptedStand(
            lambda rate: seen(100.0 if rate <= 5000 else 9e3, loader_bound=rate > 900 * made.loaders)
        )
        stands.append(made)
        return made

    await run(Campaign(result(auto_loaders=True), SEARCH, ScriptedSite(stand), book.keep))
    assert book.last.status is Status.COMPLETE
    assert book.last.capacities() == pytest.approx([5000.0] * 3, rel=0.05)
    assert [one.loaders for one in stands] == [8, 8, 8]
    assert book.last.deployments[0].loaders == 8


async def test_a_deployment_that_fails_is_kept_and_made_again_three_times_at_most() -> None:
    def fails(rate: float) -> TrialResult:
        raise KaptureError("the deployment has ended", "the embedded broker died")

    book = Book()
    where = ScriptedSite(lambda number: ScriptedStand(fails if number == 2 else limited(5000.0)))
    await run(Campaign(result(), SEARCH, where, book.keep))
    assert [one.status.value for one in book.last.deployments] == [
        "complete",
        "failed",
        "complete",
        "complete",
    ]
    assert "the embedded broker died" in book.last.deployments[1].reason
    await run(Campaign(result(), SEARCH, site(fails), book.keep))
    assert book.last.status is Status.FAILED
    assert len(book.last.deployments) == 3


async def test_the_bottleneck_is_what_most_of_the_missed_trials_near_the_limit_name() -> None:
    def sees(rate: float) -> TrialResult:
        if rate > 9000:
            return seen(9000.0, bottleneck=Bottleneck("kafka", "far beyond the limit"))
        return seen(100.0 if rate <= 5000 else 9000.0, bottleneck=Bottleneck("etl", f"busy at {rate:.0f}"))

    book = Book()
    await run(Campaign(result(), SEARCH, site(sees), book.keep))
    assert book.last.bottlenecks == {"etl": 3}


async def test_where_nothing_else_stands_out_the_slowest_group_is_named() -> None:
    latency = {"etl": Histogram.of([1_200_000] * 50), "etl-redis": Histogram.of([90_000] * 50)}
    book = Book()
    where = site(lambda rate: seen(100.0 if rate <= 5000 else 1200.0, latency=latency))
    await run(Campaign(result(), SEARCH, where, book.keep))
    tried = book.last.deployments[0].tried
    assert {one.result.bottleneck is None for one in tried if one.held} == {True}
    assert book.last.bottlenecks == {"etl": 3}


async def test_kaptures_rule_adds_loaders_until_the_rate_declines() -> None:
    rates = {1: 1000.0, 2: 1900.0, 3: 2500.0, 4: 2400.0}
    book, where = (
        Book(),
        ScriptedSite(
            lambda _: ScriptedStand(
                lambda n: (
                    seen(
                        9e9,
                    )
                    if not n
                    else _rate(rates[int(n)])
                )
            )
        ),
    )
    await run(Campaign(result(rule=Rule.KAPTURE), partial(kapture_rule.look, 60.0), where, book.keep))
    assert book.last.capacities() == pytest.approx([(1000 + 1900 + 2500) / 6] * 3)
    assert book.last.deployments[0].loaders == 4


def _rate(per_s: float) -> TrialResult:
    return TrialResult(per_s, per_s, 9000.0, 0, 0, {"etl": ()}, 0.0)


async def test_a_heartbeat_has_no_score_and_says_how_much_the_cluster_varies() -> None:
    book = Book()
    p99 = iter([100.0, 120.0, 90.0, 5000.0, 110.0])
    where = site(lambda _: seen(next(p99)))
    method = partial(heartbeat.look, 100.0, 5)
    await run(Campaign(result(rule=Rule.HEARTBEAT, repeats=1), method, where, book.keep))
    noise = book.last.deployments[0].noise
    assert noise is not None
    assert (noise.trials, noise.missed, noise.p99_ms, noise.worst_p99_ms) == (5, 1, 110.0, 5000.0)
    assert book.last.score is None
    assert book.last.status is Status.COMPLETE
