"""What a person can do to a stack, without any screen."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kapture_tui.model.errors import IntegrityViolated, Unreachable, UsageError
from kapture_tui.model.ledger import GroupLedger
from kapture_tui.model.snapshot import Phase, Snapshot
from kapture_tui.model.spec import Component, StackSpec
from kapture_tui.tui.actions import Session, exit_code, faults, removal
from tests.tui import sample
from tests.tui.fake import ScriptedTarget


def session(readonly: bool = False) -> tuple[Session, ScriptedTarget]:
    target = ScriptedTarget()
    opened = Session(target, "perf-test", StackSpec("perf-test", 2), readonly)
    opened.latest = sample.snapshot()
    return opened, target


async def test_presses_in_quick_succession_add_up() -> None:
    opened, target = session()
    assert await opened.add_loaders(1) == "data-loader 2 → 3"
    assert await opened.add_loaders(1) == "data-loader 3 → 4"
    assert target.done == [("scale", "data-loader", 3), ("scale", "data-loader", 4)]


async def test_what_was_asked_for_is_forgotten_once_it_runs() -> None:
    opened, _ = session()
    await opened.scale(Component.LOADER, 1)
    opened.latest = replace(
        opened.latest, pods=tuple(pod for pod in opened.latest.pods if pod.name != "data-loader-1")
    )
    assert opened.replicas(Component.LOADER) == 1
    opened.latest = sample.snapshot()
    assert opened.replicas(Component.LOADER) == 2


async def test_a_refused_scale_leaves_no_trace() -> None:
    opened, target = session()
    target.refusal = Unreachable("scaling etl", "no answer")
    with pytest.raises(Unreachable):
        await opened.scale(Component.ETL, 5)
    assert opened.replicas(Component.ETL) == 2


async def test_what_cannot_be_scaled_is_refused_before_the_target_is_asked() -> None:
    opened, target = session()
    for component, number in ((Component.KAFKA, 2), (Component.ETL, 0), (Component.LOADER, -1)):
        with pytest.raises(UsageError):
            await opened.scale(component, number)
    assert target.done == []


def test_only_what_runs_here_is_offered_for_scaling() -> None:
    opened, _ = session()
    assert opened.scalable() == [Component.LOADER, Component.ETL, Component.REDIS_SINK]
    opened.latest = replace(
        opened.latest, pods=tuple(p for p in opened.latest.pods if p.component != "etl-redis")
    )
    assert opened.scalable() == [Component.LOADER, Component.ETL]


async def test_a_read_only_session_changes_nothing() -> None:
    opened, target = session(readonly=True)
    with pytest.raises(UsageError, match="read-only"):
        await opened.add_loaders(1)
    for events in (opened.deploy(), opened.destroy()):
        with pytest.raises(UsageError, match="read-only"):
            await anext(events)
    assert target.done == []


def test_a_teardown_is_told_by_kind_and_number() -> None:
    told = removal(sample.snapshot())
    assert told.goes[0] == "9 processes: 2 data-loader, 2 etl, 2 etl-redis, 1 kafka, 1 observer, 1 redis"
    assert told.goes[1].startswith("51 topics with ")
    assert told.goes[2].startswith("Redis with 12.5k keys")
    assert told.stays == ()


def test_what_was_there_before_stays() -> None:
    snapshot = sample.snapshot()
    snapshot = replace(snapshot, pods=tuple(pod for pod in snapshot.pods if pod.component != "redis"))
    told = removal(snapshot)
    assert told.stays == ("the redis that was there already",)
    assert not any("Redis" in line for line in told.goes)


@pytest.mark.parametrize("kind", ["lost", "duplicated", "unexpected"])
def test_a_fault_in_any_group_is_exit_code_4(kind: str) -> None:
    well = sample.snapshot()
    assert well.ledger is not None
    groups = {**well.ledger.groups, "etl": replace(GroupLedger(), **{kind: 3})}
    faulty = replace(well, ledger=replace(well.ledger, groups=groups))
    assert faults(faulty) == {kind: 3}
    assert exit_code(faulty, None) == IntegrityViolated.exit_code == 4


def test_exit_codes() -> None:
    well = sample.snapshot()
    failed = replace(well, run=replace(well.run, phase=Phase.FAILED))
    assert exit_code(well, None) == exit_code(Snapshot(), None) == 0
    assert exit_code(failed, None) == 4
    assert exit_code(well, UsageError("x")) == 2
