"""`--simulate MODULE:FACTORY`: another cluster in place of a real one, for trying the search itself."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from importlib import import_module

from kapture_tui.bench.environment import versions
from kapture_tui.bench.result import Environment, Variant
from kapture_tui.bench.trial import Cluster, TrialResult
from kapture_tui.model.errors import UsageError

Factory = Callable[[int], Cluster]
"""Makes a fresh deployment from a seed."""


def load(name: str) -> Factory:
    """The factory that "MODULE:FACTORY" names. Raises UsageError if it cannot be imported or called."""
    module, _, attribute = name.partition(":")
    try:
        found = getattr(import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as exc:
        raise UsageError(f"--simulate {name}", str(exc), "name it MODULE:FACTORY, on PYTHONPATH") from exc
    if not callable(found):
        raise UsageError(f"--simulate {name}", "it cannot be called", "a factory takes a seed")
    return found  # type: ignore[no-any-return]


class SimulatedSite:
    """Deployments of a factory; see `campaign.Site`. They take no time."""

    def __init__(self, factory: Factory) -> None:
        self._factory = factory

    @asynccontextmanager
    async def deployment(self, scale: int, seed: int, variant: Variant) -> AsyncIterator[SimulatedStand]:
        """A fresh one. There is one scale, and no broker to take away."""
        yield SimulatedStand(self._factory(seed))


class SimulatedStand:
    """A simulated deployment; see `campaign.Stand`."""

    def __init__(self, cluster: Cluster) -> None:
        self.loaders = 0
        self.deploy_s = 0.0
        self._cluster = cluster

    async def trial(self, rate: float, seconds: float, seed: int) -> TrialResult:
        """See `Cluster`."""
        return await self._cluster.trial(rate, seconds, seed)

    async def environment(self) -> Environment:
        """See `Stand`. It runs nowhere."""
        return Environment(versions=versions(), unavailable={"machines": "simulated"})

    async def set_loaders(self, number: int) -> None:
        """See `Stand`. Raises UsageError: a simulation has none."""
        raise UsageError(f"having {number} loaders", "a simulated cluster has none")
