"""Deployments that do what a test says, and results made with them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from kapture_tui.bench.result import Asked, Environment, Machine, Result, Variant
from kapture_tui.bench.trial import TrialResult
from kapture_tui.model.spec import LoadSpec

LAG = tuple((float(s), 10.0) for s in range(8))

Sees = Callable[[float], TrialResult]


def seen(p99_ms: float | None, **other: object) -> TrialResult:
    return TrialResult(1.0, 1.0, p99_ms, 0, 0, {"etl": LAG}, 0.0, **other)  # type: ignore[arg-type]


def limited(limit: float) -> Sees:
    """A cluster without noise."""
    return lambda rate: seen(100.0 if rate <= limit else 9000.0)


class ScriptedStand:
    """A stand whose trials show what `sees` says."""

    def __init__(self, sees: Sees, loaders: int = 1) -> None:
        self.loaders = loaders
        self.deploy_s = 1.0
        self._sees = sees

    async def trial(self, rate: float, seconds: float, seed: int) -> TrialResult:
        return self._sees(rate or float(self.loaders))

    async def environment(self) -> Environment:
        return Environment((Machine(2, "n1-standard-4", 4.0, 16 << 30),), {"kafka": "4.0"})

    async def set_loaders(self, number: int) -> None:
        self.loaders = number


class ScriptedSite:
    """Counts what it deploys and removes; `stand_of` makes the stand of each."""

    def __init__(self, stand_of: Callable[[int], ScriptedStand]) -> None:
        self.deployed: list[tuple[int, int, Variant]] = []
        self.removed = 0
        self._stand_of = stand_of

    @asynccontextmanager
    async def deployment(self, scale: int, seed: int, variant: Variant) -> AsyncIterator[ScriptedStand]:
        self.deployed.append((scale, seed, variant))
        try:
            yield self._stand_of(len(self.deployed))
        finally:
            self.removed += 1


def asked(**other: object) -> Asked:
    values: dict[str, object] = {
        "target": "local",
        "scales": (1,),
        "components": ("redis",),
        "load": LoadSpec(),
        "repeats": 3,
        "budget_min": 10.0,
        "p99_ms": 1000.0,
    }
    return Asked(**(values | other))  # type: ignore[arg-type]


def result(**other: object) -> Result:
    return Result(id="run", asked=asked(**other))
