"""Trials on a target that behaves as each test says, on a clock that goes a second with every look."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, cast

import pytest

from kapture_tui.bench.judge import Objectives
from kapture_tui.bench.live import LiveSite
from kapture_tui.bench.result import Variant
from kapture_tui.model.errors import KaptureError
from kapture_tui.model.event import Event, EventKind
from kapture_tui.model.histogram import Histogram
from kapture_tui.model.ledger import GroupLedger, Ledger
from kapture_tui.model.snapshot import (
    FlowView,
    GroupFlow,
    GroupLag,
    KafkaView,
    LoaderRow,
    ObserverReport,
    Phase,
    TopicView,
)
from kapture_tui.model.spec import Component, StackSpec
from kapture_tui.targets.base import Environment, Machine, Observation, Target
from tests.unit.bench.snapshots import PODS, pod

SPEC = StackSpec("demo")
TIME = "2016-05-04T12:00:00.000Z"


class QueueTarget:
    """A stack with one group that stores `capacity` a second.

    Attributes:
        deaf: loaders obey no order any more.
        stuck: the group stores nothing any more.
        refusals: so many orders more are refused, each after ten seconds.
        phase: what the target says of itself.
    """

    name = "local"
    namespace = "demo"

    def __init__(self, capacity: float) -> None:
        self.capacity = capacity
        self.now_s = 0.0
        self.rate: float | None = None
        self.paused = False
        self.loaders = 1
        self.sent = self.stored = 0
        self.latency = Histogram()
        self.orders: list[tuple[float | None, bool]] = []
        self.lost: list[Component] = []
        self.refusals = 0
        self.calls: list[str] = []
        self.deaf = self.stuck = False
        self.phase = Phase.STARTING

    def clock(self) -> float:
        return self.now_s

    async def deploy(self, spec: StackSpec) -> AsyncIterator[Event]:
        self.calls.append("deploy")
        self.rate = spec.load.rate
        yield Event(TIME, EventKind.STEP, "", "deployed")

    async def destroy(self, purge: bool = False) -> AsyncIterator[Event]:
        self.calls.append("destroy")
        yield Event(TIME, EventKind.STEP, "", "nothing left")

    async def control(self, rate: float | None, paused: bool) -> None:
        if self.refusals:
            self.refusals -= 1
            self.now_s += 10.0
            raise KaptureError("telling the loaders", "not acknowledged within 10 s")
        self.orders.append((rate, paused))
        if not self.deaf:
            self.rate, self.paused = rate, paused

    async def scale(self, component: Component, replicas: int) -> None:
        self.loaders = replicas

    async def lose_one(self, component: Component) -> None:
        self.lost.append(component)

    async def environment(self, spec: StackSpec) -> Environment:
        return Environment((Machine("secret-host", "n1", 2.0, 1 << 30),))

    def _second(self) -> None:
        self.now_s += 1.0
        waiting = self.sent - self.stored
        arriving = 0 if self.paused else int((self.rate or 1000.0) * self.loaders)
        self.sent += arriving
        done = 0 if self.stuck else min(waiting + arriving, int(self.capacity))
        self.stored += done
        late_us = int((self.sent - self.stored) / self.capacity * 1e6) + 50_000
        self.latency += Histogram.of([late_us] * min(done, 100))

    async def observe(self) -> AsyncIterator[Observation]:
        while True:
            self._second()
            lag = self.sent - self.stored
            rows = tuple(
                LoaderRow(f"data-loader-{n}", "live", self.sent, self.rate, self.rate, 0.0)
                for n in range(self.loaders)
            )
            flow = FlowView(
                offered_per_s=(self.rate or 1000.0) * self.loaders,
                delivered_per_s=float(min(self.capacity, self.rate or 1000.0)),
                mode="paused" if self.paused else "open loop",
                groups={"etl": GroupFlow(latency_run=self.latency)},
            )
            report = ObserverReport(
                TIME,
                1,
                KafkaView(
                    3 - len(self.lost),
                    total=TopicView(groups={"etl": GroupLag(lag, 1.0, lag / self.capacity)}),
                ),
                flow,
                Ledger(self.sent, self.sent, groups={"etl": GroupLedger(self.stored)}),
                loaders=rows,
            )
            brokers = [pod(f"kafka-{number}", "kafka") for number in range(3 - len(self.lost))]
            yield Observation(SPEC, "run", self.phase, 1.0, (*PODS, *brokers), report, 0.0)
            for _ in range(5):  # let whoever reads have a look at each of them
                await asyncio.sleep(0)


def site(target: QueueTarget, **other: Any) -> LiveSite:
    clocks = {"clock": target.clock, "wall": target.clock}
    return LiveSite(cast(Target, target), SPEC, Objectives(), 100.0, lambda _: None, **(clocks | other))


async def test_a_trial_sets_the_rate_looks_on_and_waits_until_all_is_stored() -> None:
    target = QueueTarget(1000.0)
    async with site(target).deployment(1, 7, Variant.FULL) as stand:
        assert target.orders == [(100.0, True)], "it starts at rest"
        found = await stand.trial(600.0, 10, 1)
    assert target.orders[1:] == [(600.0, False), (600.0, True)]
    assert found.faults == ()
    assert found.offered_per_s == 600.0
    assert found.p99_ms == pytest.approx(50, rel=0.05)
    assert len(found.lag["etl"]) == pytest.approx(10, abs=1)
    assert (found.lost, found.duplicated, found.cut_short) == (0, 0, False)
    assert target.sent == target.stored
    assert target.calls == ["deploy", "destroy"]


async def test_what_cannot_be_held_is_cut_short_and_still_drained() -> None:
    target = QueueTarget(100.0)
    async with site(target).deployment(1, 7, Variant.FULL) as stand:
        found = await stand.trial(1000.0, 600, 1)
    assert found.cut_short
    assert target.now_s < 200
    assert found.bottleneck is not None
    assert found.bottleneck.component == "etl"
    assert found.p99_ms is not None
    assert found.p99_ms > 1000
    assert found.faults == ()


async def test_the_rate_is_shared_by_the_loaders() -> None:
    target = QueueTarget(1000.0)
    async with site(target).deployment(1, 7, Variant.FULL) as stand:
        await stand.set_loaders(4)
        assert stand.loaders == 4
        await stand.trial(600.0, 5, 1)
        await stand.trial(0.0, 5, 1)
    assert (150.0, False) in target.orders
    assert (None, False) in target.orders


async def test_loaders_that_do_not_obey_make_the_trial_invalid() -> None:
    target = QueueTarget(1000.0)
    async with site(target).deployment(1, 7, Variant.FULL) as stand:
        target.deaf = True
        found = await stand.trial(600.0, 5, 1)
    assert found.faults == ("the loaders did not take the new rate within 30 s",)


async def test_what_is_never_stored_makes_the_trial_invalid() -> None:
    target = QueueTarget(1000.0)
    async with site(target).deployment(1, 7, Variant.FULL) as stand:
        target.stuck = True
        found = await stand.trial(100.0, 5, 1)
    assert "what was sent was not all stored in the time given for draining" in found.faults


async def broken_off(target: QueueTarget, phase: Phase) -> None:
    async with site(target).deployment(1, 7, Variant.FULL) as stand:
        target.phase = phase
        await stand.trial(100.0, 5, 1)


@pytest.mark.parametrize("phase", [Phase.FAILED, Phase.DESTROYING])
async def test_a_stack_that_is_gone_ends_the_deployment_and_is_removed(phase: Phase) -> None:
    target = QueueTarget(1000.0)
    with pytest.raises(KaptureError):
        await broken_off(target, phase)
    assert target.calls == ["deploy", "destroy"]


async def test_one_broker_is_away_before_the_first_trial() -> None:
    target = QueueTarget(1000.0)
    async with site(target).deployment(3, 7, Variant.MINUS_ONE) as stand:
        assert target.lost == [Component.KAFKA]
        found = await stand.trial(100.0, 5, 1)
    assert found.faults == ()


async def test_an_order_that_is_refused_is_given_again() -> None:
    target = QueueTarget(1000.0)
    async with site(target).deployment(1, 7, Variant.FULL) as stand:
        target.refusals = 2
        await stand.trial(600.0, 5, 1)
    assert target.orders[1:] == [(600.0, False), (600.0, True)]


async def refused(target: QueueTarget) -> None:
    async with site(target).deployment(1, 7, Variant.FULL) as stand:
        target.refusals = 1000
        await stand.trial(600.0, 5, 1)


async def test_an_order_that_is_refused_for_long_ends_the_deployment() -> None:
    target = QueueTarget(1000.0)
    with pytest.raises(KaptureError, match="not acknowledged"):
        await refused(target)
    assert target.calls == ["deploy", "destroy"]


async def test_the_environment_names_its_hosts_only_on_request() -> None:
    for with_names, names in ((False, ()), (True, ("secret-host",))):
        async with site(QueueTarget(1000.0), with_names=with_names).deployment(1, 7, Variant.FULL) as stand:
            assert (await stand.environment()).machines[0].names == names


async def test_an_interrupt_while_it_is_removed_does_not_leave_half_of_it() -> None:
    target = QueueTarget(1000.0)
    removing, go_on, removed = asyncio.Event(), asyncio.Event(), list[str]()
    destroy = target.destroy

    async def slowly(purge: bool = False) -> AsyncIterator[Event]:
        removing.set()
        await go_on.wait()
        async for event in destroy(purge):
            yield event
        removed.append("removed")

    target.destroy = slowly  # type: ignore[method-assign]

    async def whole() -> None:
        async with site(target).deployment(1, 1, Variant.FULL):
            pass

    task = asyncio.ensure_future(whole())
    await removing.wait()
    task.cancel()
    await asyncio.sleep(0)
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert target.calls == ["deploy", "destroy"]
    assert removed == ["removed"]
