"""A run: fresh deployments one after the other, a search on each, everything kept as soon as it is known.

What happens is told as a stream of `Progress`, frozen values that a command line prints and a screen draws.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, aclosing
from dataclasses import dataclass, replace
from typing import Any, Protocol

from kapture_tui.bench.bottleneck import slowest
from kapture_tui.bench.judge import Objectives, Outcome, judge
from kapture_tui.bench.result import DeploymentResult, Environment, Result, Status, Variant
from kapture_tui.bench.search import Capacity, Found, GivenUp, Method, Noise, SearchState, Summary, Tried
from kapture_tui.bench.trial import Bottleneck, Cluster, Trial
from kapture_tui.model.errors import KaptureError
from kapture_tui.model.times import timestamp

FAILURES = 3
"""So many deployments may fail before the run is given up."""

DOUBLINGS = 4
"""How often --auto-loaders doubles the loaders of a deployment: if sixteen times as many will not do, none will."""

Keep = Callable[[Result], None]
"""Keeps what is known so far. Raises KaptureError when that cannot be done; the run then ends."""


class Stand(Cluster, Protocol):
    """A fresh deployment to make trials on.

    Attributes:
        loaders: how many offer the load; 0: not known.
        deploy_s: what its deploy took, seconds.
    """

    loaders: int
    deploy_s: float

    async def environment(self) -> Environment:
        """What it runs on."""
        ...

    async def set_loaders(self, number: int) -> None:
        """Have so many loaders, at rest. Raises KaptureError when that cannot be done."""
        ...


class Site(Protocol):
    """Where fresh deployments come from."""

    def deployment(self, scale: int, seed: int, variant: Variant) -> AbstractAsyncContextManager[Stand]:
        """Deploy; remove it at the end, whatever happens meanwhile: see `to_its_end`. Raises KaptureError."""
        ...


async def to_its_end(removal: Coroutine[Any, Any, None]) -> None:
    """Wait for a removal, and when cancelled meanwhile still do: what is half removed is in everybody's way."""
    task = asyncio.ensure_future(removal)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await task
        raise


@dataclass(frozen=True, slots=True)
class Progress:
    """How a run stands.

    Attributes:
        result: all of it so far.
        deployment: the one at work.
        search: how its search stands; its `step` is the trial that is made now, or what was found.
    """

    result: Result
    deployment: DeploymentResult
    search: SearchState


class Campaign:
    """Makes a run, or goes on with one.

    Args:
        result: what is known already; deployments that were cut off are kept and made anew.
        method: how to search on each deployment.
        keep: called after every trial.
        wall: seconds since the epoch.
    """

    def __init__(
        self, result: Result, method: Method, site: Site, keep: Keep, wall: Callable[[], float] = time.time
    ) -> None:
        self.result = result
        self._method = method
        self._objectives = Objectives(result.asked.p99_ms)
        self._site = site
        self._keep = keep
        self._wall = wall

    async def run(self) -> AsyncGenerator[Progress, None]:
        """Do it; ends as well when too many deployments have failed.

        Raises: KaptureError: the result cannot be kept.
        """
        try:
            async with aclosing(self._run()) as progress:
                async for one in progress:
                    yield one
        except _CannotKeep as exc:
            raise exc.error from exc

    async def _run(self) -> AsyncGenerator[Progress, None]:
        self.result = _ended(self.result)
        self._save(replace(self.result, status=Status.RUNNING, reason=""))
        try:
            while (task := next(self._tasks(), None)) is not None:
                async with aclosing(self._deployment(*task)) as progress:
                    async for one in progress:
                        yield one
                if self._is_over():
                    return
        except (asyncio.CancelledError, GeneratorExit):
            self._end(Status.INTERRUPTED)
            raise
        self._end(Status.COMPLETE)

    def _tasks(self) -> Iterator[tuple[int, Variant]]:
        """(scale, variant) of what is still to be deployed, in order."""
        asked = self.result.asked
        variants = (Variant.FULL, Variant.MINUS_ONE) if asked.minus_one else (Variant.FULL,)
        for repeat in range(asked.repeats):
            for scale in asked.scales:
                for variant in variants:
                    if self.result.completed(scale, variant) <= repeat:
                        yield scale, variant

    def _is_over(self) -> bool:
        """Whether the last deployment ended the whole run."""
        last = self.result.deployments[-1]
        if last.status is Status.LOADER_BOUND:
            self._end(Status.LOADER_BOUND, last.reason)
            return True
        failed = [one for one in self.result.deployments if one.status is Status.FAILED]
        if len(failed) >= FAILURES:
            self._end(Status.FAILED, f"{len(failed)} deployments failed; the last one: {last.reason}")
            return True
        return False

    # --- one deployment -----------------------------------------------------------------------------------------

    async def _deployment(self, scale: int, variant: Variant) -> AsyncGenerator[Progress, None]:
        number = len(self.result.deployments) + 1
        seed = self.result.seed + number - 1
        now = DeploymentResult(number, scale, seed, variant, started=self._now())
        self._save(self.result.with_deployment(now))
        try:
            async with self._site.deployment(scale, seed, variant) as stand:
                now = replace(now, deploy_s=stand.deploy_s, loaders=stand.loaders)
                if self.result.environment == Environment():
                    self.result = replace(self.result, environment=await stand.environment())
                async with aclosing(self._search(now, stand)) as progress:
                    async for one in progress:
                        yield one
        except (asyncio.CancelledError, GeneratorExit):
            self._close(number, Status.INTERRUPTED, "it was cut off")
            raise
        except KaptureError as exc:
            self._close(number, Status.FAILED, str(exc))

    async def _search(self, now: DeploymentResult, stand: Stand) -> AsyncGenerator[Progress, None]:
        while True:
            state = self._method(now.tried, now.seed)
            if not isinstance(state.step, Trial):
                now = _concluded(replace(now, ended=self._now()), state.step)
                self._save(self.result.with_deployment(now))
                yield Progress(self.result, now, state)
                return
            yield Progress(self.result, now, state)
            tried = await self._try(state.step, stand)
            if self._wants_relief(now, tried):
                tried = replace(tried, relieved=True)
                await stand.set_loaders(2 * stand.loaders)
            now = replace(now, tried=(*now.tried, tried), loaders=stand.loaders)
            self._save(self.result.with_deployment(now))

    def _wants_relief(self, now: DeploymentResult, tried: Tried) -> bool:
        doublings = sum(one.relieved for one in now.tried)
        return tried.result.loader_bound and self.result.asked.auto_loaders and doublings < DOUBLINGS

    async def _try(self, trial: Trial, stand: Stand) -> Tried:
        if trial.loaders is not None and trial.loaders != stand.loaders:
            await stand.set_loaders(trial.loaders)
        began, loaders = self._now(), stand.loaders
        result = await stand.trial(trial.rate, trial.seconds, trial.seed)
        judgement = judge(trial, result, self._objectives)
        if judgement.outcome is Outcome.MISSED and result.bottleneck is None:
            result = replace(result, bottleneck=slowest(result.latency))
        return Tried(trial, result, judgement, began, loaders)

    # --- keeping ------------------------------------------------------------------------------------------------

    def _save(self, result: Result) -> None:
        self.result = result
        try:
            self._keep(result)
        except KaptureError as exc:
            raise _CannotKeep(exc) from exc

    def _close(self, number: int, status: Status, reason: str) -> None:
        """A deployment ended; what it had found before, while it was being removed, stays found."""
        open_one = self.result.deployments[number - 1]
        closed = replace(open_one, status=status, reason=reason, ended=self._now())
        if open_one.status is not Status.RUNNING:
            closed = replace(open_one, reason=reason if status is Status.FAILED else open_one.reason)
        self._save(self.result.with_deployment(closed))

    def _end(self, status: Status, reason: str = "") -> None:
        self._save(replace(self.result, status=status, reason=reason, ended=self._now()))

    def _now(self) -> str:
        return timestamp(self._wall())


class _CannotKeep(Exception):
    """The result cannot be kept: no fault of the deployment's, and no use in going on."""

    def __init__(self, error: KaptureError) -> None:
        super().__init__(str(error))
        self.error = error


def _ended(result: Result) -> Result:
    """A run whose process is gone: what it was at is cut off."""
    for one in result.deployments:
        if one.status is Status.RUNNING:
            cut = replace(one, status=Status.INTERRUPTED, reason="it was cut off without warning")
            result = result.with_deployment(cut)
    return result


def _concluded(now: DeploymentResult, found: Found) -> DeploymentResult:
    match found:
        case Capacity():
            bottleneck = limit_of(now.tried, found.v)
            return replace(now, status=Status.COMPLETE, capacity=found, bottleneck=bottleneck)
        case Summary():
            return replace(now, status=Status.COMPLETE, summary=found)
        case Noise():
            return replace(now, status=Status.COMPLETE, noise=found)
        case GivenUp():
            status = Status.LOADER_BOUND if found.loader_bound else Status.FAILED
            return replace(now, status=status, reason=found.reason)


def limit_of(tried: Sequence[Tried], v: float) -> Bottleneck | None:
    """What most of the trials name that were missed close to the limit `v`."""
    named = [
        one.result.bottleneck
        for one in tried
        if one.valid and not one.held and one.result.bottleneck and one.trial.rate < 1.5 * v
    ]
    if not named:
        return None
    components = [one.component for one in named]
    most = max(components, key=components.count)
    return next(one for one in reversed(named) if one.component == most)
