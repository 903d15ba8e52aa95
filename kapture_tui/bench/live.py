"""Trials on a real stack: rates through `kapture.control`, figures from its Snapshots.

A trial sets the rate, lets it settle, looks on for its seconds, pauses the loaders and waits until everything that was
sent is stored: only then is it known what was lost and how long the last ones took. Loaders are never restarted.
"""

from __future__ import annotations

import sys
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import replace

from kapture_tui.bench.campaign import to_its_end
from kapture_tui.bench.environment import environment
from kapture_tui.bench.judge import Objectives
from kapture_tui.bench.result import Environment, Variant
from kapture_tui.bench.trial import TrialResult
from kapture_tui.bench.window import Look, Window, result
from kapture_tui.model.errors import KaptureError, UsageError
from kapture_tui.model.event import Event, EventKind
from kapture_tui.model.snapshot import Phase, Snapshot
from kapture_tui.model.spec import Component, StackSpec
from kapture_tui.targets.base import Target
from kapture_tui.telemetry import Hub

FLOW_S = 180.0
"""How long the first transaction may take after the deploy, seconds."""

OBEY_S = 30.0
"""How long loaders may take to obey, seconds: an order reaches them within a second or so."""

SETTLE_S = 3.0
"""What passes at a new rate before it is measured: rates on the way are averaged over so many seconds."""

DRAIN_S = 120.0
HOPELESS_S = 5.0
"""A group that is so late, beyond three times the objective, will not make up for it: the trial ends there."""

Tell = Callable[[Event], None]
Clock = Callable[[], float]
Watch = Callable[[Target], AsyncGenerator[Snapshot, None]]


class LiveSite:
    """Fresh deployments of a stack on a target; see `campaign.Site`.

    Args:
        spec: the stack; its scale, rate and seed are set for each deployment.
        tell: is told every step of deploys and teardowns.
        with_names: let the environment name its machines.
        clock: seconds that only rise.
        wall: seconds since the epoch.
        watch: where Snapshots of the target come from; others may look at them on their way.
    """

    def __init__(
        self,
        target: Target,
        spec: StackSpec,
        objectives: Objectives,
        start_rate: float,
        tell: Tell,
        with_names: bool = False,
        clock: Clock = time.monotonic,
        wall: Clock = time.time,
        watch: Watch = lambda target: Hub(target).snapshots(),
    ) -> None:
        self._watch = watch
        self._target = target
        self._clock = clock
        self._wall = wall
        self._with_names = with_names
        self._spec = spec
        self._objectives = objectives
        self._start_rate = start_rate
        self._tell = tell

    @asynccontextmanager
    async def deployment(self, scale: int, seed: int, variant: Variant) -> AsyncIterator[LiveStand]:
        """Deploy and wait until it flows; removed at the end. Raises KaptureError."""
        spec = replace(
            self._spec, scale=scale, load=replace(self._spec.load, rate=self._start_rate, seed=seed)
        )
        began_s = self._clock()
        try:
            async for event in self._target.deploy(spec):
                self._tell(event)
            async with aclosing(self._watch(self._target)) as snapshots:
                stand = LiveStand(
                    self._target, spec, snapshots, self._objectives, self._with_names, self._clock, self._wall
                )
                await stand.begin()
                stand.deploy_s = self._clock() - began_s
                if variant is Variant.MINUS_ONE:
                    await stand.miss_a_broker()
                yield stand
        finally:
            await to_its_end(self._remove())

    async def _remove(self) -> None:
        last: Event | None = None
        with suppress(UsageError):  # not there, or not there any more
            async for event in self._target.destroy():
                self._tell(event)
                last = event
        if last is not None and last.kind is EventKind.ALARM:
            raise KaptureError("removing the deployment", last.text, "kapture-tui down NAMESPACE tries again")


class LiveStand:
    """A running stack; see `campaign.Stand`.

    Attributes:
        away: a component that is kept away on purpose; "" for none.
    """

    def __init__(
        self,
        target: Target,
        spec: StackSpec,
        snapshots: AsyncGenerator[Snapshot, None],
        objectives: Objectives,
        with_names: bool,
        clock: Clock,
        wall: Clock,
    ) -> None:
        self.loaders = 0
        self.deploy_s = 0.0
        self.away = ""
        self.target = target
        self._spec = spec
        self._with_names = with_names
        self._snapshots = snapshots
        self._late_s = 3 * objectives.p99_ms / 1000 + HOPELESS_S
        self._clock = clock
        self._wall = wall
        self._last = Look(clock(), wall(), Snapshot())
        self._whole: list[Look] = []

    async def begin(self) -> None:
        """Wait until transactions flow, then pause. Raises KaptureError."""
        if not await self._until(lambda s: s.run.phase is Phase.FLOWING, FLOW_S):
            raise KaptureError("waiting for the first transaction", f"none has arrived in {FLOW_S:.0f} s")
        await self._rest(_rate(self._last.snapshot))

    async def trial(self, rate: float, seconds: float, seed: int) -> TrialResult:
        """See `Cluster`. Arrivals go on from the deployment's own seed; this one is not needed."""
        each = rate / max(1, self.loaders) if rate else None
        before = self._last
        self._whole = []
        await self._order(each, False)
        if not await self._until(lambda s: _obeyed(s, each), OBEY_S):
            await self._rest(each)
            return TrialResult(faults=(f"the loaders did not take the new rate within {OBEY_S:.0f} s",))
        settling: list[Look] = []
        looks: list[Look] = []
        hopeless = self._hopeless if rate else _never  # without a rate everybody is late
        cut_short = await self._until(hopeless, SETTLE_S, settling.append)
        if not cut_short:
            cut_short = await self._until(hopeless, seconds, looks.append)
        drained = await self._rest(each)
        # One that is hopeless before it has settled has nothing else to show.
        seen = tuple(looks or settling)
        return result(Window(before, seen, self._last, drained, cut_short, self.away, tuple(self._whole)))

    async def environment(self) -> Environment:
        """See `Stand`."""
        return environment(await self.target.environment(self._spec), self._with_names)

    async def set_loaders(self, number: int) -> None:
        """See `Stand`."""
        await self.target.scale(Component.LOADER, number)
        if not await self._until(lambda s: _live(s) == number, FLOW_S):
            live = _live(self._last.snapshot)
            raise KaptureError(f"scaling the loaders to {number}", f"{live} run after {FLOW_S:.0f} s")
        await self._rest(_rate(self._last.snapshot))

    async def miss_a_broker(self) -> None:
        """Have one broker less, and wait until that is so. Raises KaptureError: it does not come to that."""
        self.away = Component.KAFKA.value
        number = _brokers(self._last.snapshot)
        await self.target.lose_one(Component.KAFKA)
        if not await self._until(lambda s: _brokers(s) < number, FLOW_S):
            raise KaptureError("keeping a broker away", f"all {number} still answer after {FLOW_S:.0f} s")

    async def _rest(self, each: float | None) -> bool:
        """Pause the loaders; whether everything they sent was stored in time."""
        await self._order(each, True)
        drained = await self._until(_at_rest, DRAIN_S)
        self.loaders = _live(self._last.snapshot)
        return drained

    async def _order(self, each: float | None, paused: bool) -> None:
        """Tell the loaders, again if need be: brokers at their limit may refuse. Raises KaptureError."""
        ends_s = self._clock() + OBEY_S
        while True:
            try:
                await self.target.control(each, paused)
                return
            except KaptureError:
                if self._clock() >= ends_s:
                    raise
                await self._until(_always, 0.0)

    def _hopeless(self, snapshot: Snapshot) -> bool:
        groups = snapshot.kafka.total.groups.values() if snapshot.kafka else ()
        return any((view.lag_s or 0.0) > self._late_s for view in groups)

    async def _until(
        self,
        done: Callable[[Snapshot], bool],
        limit_s: float,
        take: Callable[[Look], None] = lambda _: None,
    ) -> bool:
        """Look on until a Snapshot is as wished (True) or the time is over (False). Raises KaptureError."""
        ends_s = self._clock() + limit_s
        async for snapshot in self._snapshots:
            self._last = Look(self._clock(), self._wall(), snapshot)
            self._whole.append(self._last)
            take(self._last)
            _check(snapshot)
            if done(snapshot):
                return True
            if self._clock() >= ends_s:
                return False
        raise KaptureError("watching the stack", "it is out of sight")


def _check(snapshot: Snapshot) -> None:
    """Raises KaptureError when there is no stack to try any more."""
    if snapshot.run.phase is Phase.FAILED:
        alarms = [event.text for event in snapshot.events if event.kind is EventKind.ALARM]
        raise KaptureError("the deployment has ended", alarms[-1] if alarms else "no reason given")
    if snapshot.run.phase in (Phase.DESTROYING, Phase.GONE):
        raise KaptureError("watching the stack", "somebody is tearing it down")


def _always(_: Snapshot) -> bool:
    return True


def _never(_: Snapshot) -> bool:
    return False


def _rate(snapshot: Snapshot) -> float | None:
    """What a loader is asked for now; None: as fast as it can, or there is none."""
    return next((row.rate for row in snapshot.loaders if row.state == "live"), None)


def _brokers(snapshot: Snapshot) -> int:
    """How many answer, as far as known: what is not known is not fewer."""
    brokers = snapshot.kafka.brokers if snapshot.kafka else None
    return sys.maxsize if brokers is None else brokers


def _live(snapshot: Snapshot) -> int:
    return sum(row.state == "live" for row in snapshot.loaders)


def _obeyed(snapshot: Snapshot, each: float | None) -> bool:
    """Every loader that lives reports the new rate, and they send."""
    live = [row for row in snapshot.loaders if row.state == "live"]
    flows = snapshot.flow is not None and snapshot.flow.mode not in ("paused", "waiting")
    return flows and bool(live) and all(_same(row.rate, each) for row in live)


def _same(rate: float | None, wanted: float | None) -> bool:
    if rate is None or wanted is None:
        return rate is wanted
    return abs(rate - wanted) <= 1e-6 * wanted


def _at_rest(snapshot: Snapshot) -> bool:
    """The loaders pause, everything they sent was acknowledged and stored by every group, and nobody is behind."""
    flow, ledger, kafka = snapshot.flow, snapshot.ledger, snapshot.kafka
    if flow is None or flow.mode != "paused" or ledger is None or kafka is None or not ledger.groups:
        return False
    stored = min(group.delivered + group.lost for group in ledger.groups.values())
    answered = ledger.attempted - ledger.indeterminate <= ledger.acked
    return answered and stored >= ledger.acked and all(view.lag == 0 for view in kafka.total.groups.values())
