"""Cut off at any moment, a run leaves an honest file that it can be gone on with."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given
from hypothesis import strategies as st

from kapture_tui.bench import heartbeat
from kapture_tui.bench.campaign import Campaign, to_its_end
from kapture_tui.bench.result import Asked, Environment, Result, Rule, Status, Variant
from kapture_tui.bench.search import Method
from kapture_tui.bench.store import read, write
from kapture_tui.bench.trial import TrialResult
from kapture_tui.model.spec import LoadSpec
from tests.unit.bench.stands import ScriptedStand, limited

REPEATS, TRIALS = 3, 4
ASKED = Asked("local", (1,), ("redis",), LoadSpec(), REPEATS, 10.0, 1000.0, Rule.HEARTBEAT)
METHOD: Method = partial(heartbeat.look, heartbeat.RATE, TRIALS)
"""The cheapest one: what is kept does not depend on it."""


class Moments:
    """Every place at which a run waits for something: there it can be cut off."""

    def __init__(self, last: int | None = None) -> None:
        self.passed = 0
        self.deployed = 0
        self._last = last
        self._task: asyncio.Task[None] | None = None

    async def one(self) -> None:
        """Pass one; the last one does not come back."""
        self.passed += 1
        if self.passed == self._last and self._task is not None:
            self._task.cancel()
        await asyncio.sleep(0)

    @asynccontextmanager
    async def deployment(self, scale: int, seed: int, variant: Variant) -> AsyncIterator[ScriptedStand]:
        self.deployed += 1
        try:
            await self.one()
            yield _Stand(self)
        finally:
            await to_its_end(self._remove())

    async def _remove(self) -> None:
        await self.one()
        self.deployed -= 1

    def run(self, result: Result, path: Path) -> bool:
        """Make a run, or go on with one; whether it came to its end."""

        async def whole() -> None:
            self._task = asyncio.current_task()
            campaign = Campaign(result, METHOD, self, partial(write, path))
            async with aclosing(campaign.run()) as progress:
                async for _ in progress:
                    await self.one()

        with suppress(asyncio.CancelledError):
            asyncio.run(whole())
            return True
        return False


class _Stand(ScriptedStand):
    def __init__(self, moments: Moments) -> None:
        super().__init__(limited(5000.0))
        self._moments = moments

    async def trial(self, rate: float, seconds: float, seed: int) -> TrialResult:
        await self._moments.one()
        return await super().trial(rate, seconds, seed)

    async def environment(self) -> Environment:
        await self._moments.one()
        return await super().environment()


@given(st.lists(st.integers(1, 40), min_size=1, max_size=4))
def test_cut_off_as_often_as_one_likes_it_comes_to_its_end_and_no_trial_is_lost(cuts: list[int]) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "run.json"
        result, kept = Result("run", ASKED), 0
        for moment in cuts:
            moments = Moments(moment)
            ended = moments.run(result, path)
            assert moments.deployed == 0, "something was left deployed"
            result = read(path)
            trials = sum(len(one.tried) for one in result.deployments)
            assert trials >= kept, "a trial that was kept is gone"
            kept = trials
            assert result.status is (Status.COMPLETE if ended else Status.INTERRUPTED)
        Moments().run(result, path)
        result = read(path)
        assert result.status is Status.COMPLETE
        assert result.completed(1) == REPEATS
        for one in result.deployments:
            assert (one.noise is not None) == (one.status is Status.COMPLETE), "half a search is no finding"
