"""Runs of `bench` for the screens: deployments whose trials end when the test says so."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from kapture_tui.bench.campaign import Stand
from kapture_tui.bench.order import asked_for, begun, way_of
from kapture_tui.bench.result import Environment, Result, Variant
from kapture_tui.bench.trial import Bottleneck, TrialResult
from kapture_tui.model.spec import Component, LoadSpec, StackSpec
from kapture_tui.tui.measuring import Measuring
from tests.tui.fake import step
from tests.tui.sample import noise

LIMIT = 8700.0
SPEC = StackSpec("perf-test", 1, frozenset({Component.REDIS}), LoadSpec())
BEHIND = Bottleneck("etl", "3.1 s behind, its lag grows by 210/s")


def carries(rate: float, seed: int) -> TrialResult:
    """What a trial shows on a stack that carries `LIMIT`, a little more or less from trial to trial."""
    held = rate <= LIMIT * (0.9 + 0.2 * noise(seed, 3))
    p99_ms = (180 if held else 1400) * (0.8 + 0.4 * noise(seed, 5))
    lag = tuple((float(s), 20.0) for s in range(8))
    faults = ("data-loader-0 restarted",) if seed % 1000 == 4 else ()
    return TrialResult(
        rate,
        rate,
        p99_ms,
        0,
        0,
        {"etl": lag},
        0.0,
        faults,
        bottleneck=None if held else BEHIND,
        series={"offered": tuple((float(s), rate) for s in range(15))},
    )


class Deployments:
    """Where they come from; `trials` lets so many trials end.

    Attributes:
        deployed, removed: how many were.
    """

    def __init__(self) -> None:
        self.trials = asyncio.Semaphore(0)
        self.deployed = self.removed = 0
        self.measuring: Measuring | None = None

    @asynccontextmanager
    async def deployment(self, scale: int, seed: int, variant: Variant) -> AsyncIterator[Stand]:
        self.deployed += 1
        assert self.measuring is not None
        self.measuring.tell(step("loaders", "2 loaders send", True, 0.7))
        try:
            yield OneDeployment(self.trials)
        finally:
            self.removed += 1
            self.measuring.tell(step("processes", "nothing left in perf-test", True, 0.3))


class OneDeployment:
    """See `Deployments`."""

    loaders = 2
    deploy_s = 12.0

    def __init__(self, trials: asyncio.Semaphore) -> None:
        self._trials = trials

    async def trial(self, rate: float, seconds: float, seed: int) -> TrialResult:
        await self._trials.acquire()
        return carries(rate, seed)

    async def environment(self) -> Environment:
        return Environment()

    async def set_loaders(self, number: int) -> None:
        raise AssertionError("nobody asked for that")


def run(folder: Path, number: int = 3) -> tuple[Measuring, Deployments]:
    """A run that is about to begin, and its deployments."""
    asked = asked_for(SPEC, "local", budget_min=45.0, repeats=number)
    result = replace(begun(asked, seed=1), id="20260102T170000-local-1-r", started="2026-01-02T17:00:00.000Z")
    where = Deployments()
    where.measuring = Measuring(
        result,
        way_of(asked),
        lambda _: where,
        folder / f"{result.id}.json",
        clock=lambda: 100.0,
        resumed_by="kapture-tui bench perf-test 1 -r --resume",
    )
    return where.measuring, where


def result_of(name: str, v: float) -> Result:
    """An earlier run that carried `v`."""
    asked = asked_for(SPEC, "local", repeats=3)
    from kapture_tui.bench.score import score

    return replace(begun(asked, 1), id=name, score=score((0.97 * v, v, 1.03 * v)))
