"""One reader, many subscribers, the latest for each."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any, cast

import pytest

from kapture_tui.model.errors import Unreachable
from kapture_tui.model.event import EventKind
from kapture_tui.model.ledger import GroupLedger, Ledger
from kapture_tui.model.snapshot import FlowView, GroupFlow, KafkaView, ObserverReport, Phase, Snapshot
from kapture_tui.model.spec import StackSpec
from kapture_tui.targets.base import Observation, Target
from kapture_tui.telemetry import Hub
from kapture_tui.telemetry import hub as hub_module

End = type("End", (), {})
"""Makes the target's iterator end."""


class FakeTarget:
    """Observes what the test puts in."""

    name = "local"

    def __init__(self) -> None:
        self.queue: asyncio.Queue[Any] = asyncio.Queue()
        self.readers = 0
        self.most_readers = 0
        self.opened = 0

    async def observe(self) -> AsyncIterator[Observation]:
        self.opened += 1
        self.readers += 1
        self.most_readers = max(self.most_readers, self.readers)
        try:
            while True:
                item = await self.queue.get()
                if item is End:
                    return
                if isinstance(item, Exception):
                    raise item
                yield item
        finally:
            self.readers -= 1

    def sees(self, *, delivered: int = 0, lost: int = 0, **fields: Any) -> None:
        report = ObserverReport("t", 1, ledger=Ledger(groups={"etl": GroupLedger(delivered, lost)}))
        values: dict[str, Any] = {"report": report, "report_age_s": 0.1}
        self.queue.put_nowait(Observation(StackSpec("demo"), "r1", Phase.STARTING, **(values | fields)))


@pytest.fixture
def target() -> FakeTarget:
    return FakeTarget()


@pytest.fixture
def hub(target: FakeTarget) -> Hub:
    return Hub(cast(Target, target), wall=lambda: 0.0)


async def settle() -> None:
    """Let every task that can run do so."""
    for _ in range(20):
        await asyncio.sleep(0)


async def test_each_observation_becomes_a_snapshot(target: FakeTarget, hub: Hub) -> None:
    async with aclosing(hub.snapshots()) as snapshots:
        for delivered, phase in ((0, Phase.STARTING), (3, Phase.FLOWING)):
            target.sees(delivered=delivered)
            snapshot = await anext(snapshots)
            assert (snapshot.run.phase, snapshot.run.target) == (phase, "local")
            assert snapshot.time == "1970-01-01T00:00:00.000Z"
            assert hub.latest is snapshot
    assert snapshot.seq == 2


async def test_a_slow_subscriber_gets_the_latest_and_disturbs_nobody(target: FakeTarget, hub: Hub) -> None:
    async with aclosing(hub.snapshots()) as slow, aclosing(hub.snapshots()) as fast:
        target.sees(delivered=1)
        assert (await anext(slow)).seq == (await anext(fast)).seq == 1
        for expected in (2, 3, 4, 5):
            target.sees(delivered=expected)
            assert (await anext(fast)).seq == expected
        latest = await anext(slow)
        assert (latest.seq, latest.ledger and latest.ledger.groups["etl"].delivered) == (5, 5)
    assert target.most_readers == 1


async def test_the_target_is_read_as_long_as_somebody_listens(target: FakeTarget, hub: Hub) -> None:
    assert target.opened == 0
    first, second = hub.snapshots(), hub.snapshots()
    target.sees()
    await anext(first)
    await anext(second)
    await first.aclose()
    assert target.readers == 1
    target.sees()
    assert (await anext(second)).seq == 2
    await second.aclose()
    assert target.readers == 0
    async with aclosing(hub.snapshots()) as third:
        assert (await anext(third)).seq == 2  # what is known, at once
        target.sees()
        assert (await anext(third)).seq == 3
    assert (target.opened, target.most_readers) == (2, 1)


async def test_a_target_that_has_no_more_ends_all(target: FakeTarget, hub: Hub) -> None:
    target.sees()
    target.queue.put_nowait(End)

    async def collect() -> list[Snapshot]:
        return [snapshot async for snapshot in hub.snapshots()]

    both = await asyncio.gather(collect(), collect())
    assert [[snapshot.seq for snapshot in one] for one in both] == [[1], [1]]


async def test_a_target_that_fails_is_shown_and_asked_anew(
    target: FakeTarget, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub_module, "BACKOFF_MAX_S", 0.0)
    async with aclosing(hub.snapshots()) as snapshots:
        target.sees(delivered=4)
        before = await anext(snapshots)
        target.queue.put_nowait(Unreachable("asking the supervisor", "no such socket"))
        failed = await anext(snapshots)
        assert failed.unavailable["target"] == "asking the supervisor: no such socket"
        assert (failed.ledger, failed.run) == (before.ledger, before.run)
        assert [event.kind for event in failed.events] == [EventKind.ALARM]
        target.queue.put_nowait(Unreachable("asking the supervisor", "no such socket"))
        again = await anext(snapshots)
        assert again.events == failed.events
        target.sees(delivered=5)
        well = await anext(snapshots)
        assert "target" not in well.unavailable
        assert target.opened == 3


async def test_a_bug_in_a_target_reaches_every_subscriber(target: FakeTarget, hub: Hub) -> None:
    async def collect() -> None:
        async for _ in hub.snapshots():
            pass

    tasks = [asyncio.create_task(collect()) for _ in range(2)]
    await settle()
    target.queue.put_nowait(ZeroDivisionError("bug"))
    for task in tasks:
        with pytest.raises(ZeroDivisionError):
            await task
    assert target.readers == 0


async def test_alarms_stand_among_the_events_once(target: FakeTarget, hub: Hub) -> None:
    async with aclosing(hub.snapshots()) as snapshots:
        for lost in (0, 2, 3):
            target.sees(delivered=9, lost=lost)
            snapshot = await anext(snapshots)
    assert [(event.subject, event.kind) for event in snapshot.events] == [("etl", EventKind.ALARM)]
    assert snapshot.events[0].text.startswith("2 acknowledged messages are lost")


async def test_every_snapshot_says_where_the_limit_is(target: FakeTarget, hub: Hub) -> None:
    async with aclosing(hub.snapshots()) as snapshots:
        target.sees()
        unknown = await anext(snapshots)
        assert (unknown.limit, unknown.unavailable["limit"]) == (None, "no figures yet that could say it")
        held = FlowView(
            mode="closed loop", limited_by="3 partitions wait for etl", groups={"etl": GroupFlow()}
        )
        target.sees(report=ObserverReport("t", 2, kafka=KafkaView(), flow=held))
        limit = (await anext(snapshots)).limit
        assert limit is not None
        assert (limit.rule, limit.subject) == ("group.holds", "etl")
