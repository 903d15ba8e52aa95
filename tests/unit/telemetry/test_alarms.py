"""What goes wrong is said once, and what to do about it."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from kapture_tui.model.event import EventKind
from kapture_tui.model.ledger import GroupLedger, Ledger
from kapture_tui.model.snapshot import Phase, PodRow, RunInfo, Snapshot
from kapture_tui.telemetry.alarms import STALE_S, new_alarms
from kapture_tui.telemetry.assemble import RUNNING

BROKER = PodRow("kafka-0", "kafka", "Running", ready=True)


def snapshot(
    run_id: str = "r1", phase: Phase = Phase.FLOWING, age_s: float | None = 0.5, **fields: Any
) -> Snapshot:
    return Snapshot(time="now", run=RunInfo(run_id=run_id, phase=phase), report_age_s=age_s, **fields)


def verdict(run_id: str = "r1", **counts: int) -> Snapshot:
    return snapshot(run_id, ledger=Ledger(groups={"etl": GroupLedger(), "etl-redis": GroupLedger(**counts)}))


def told(*snapshots: Snapshot) -> list[list[str]]:
    """For each Snapshot after the first, the subjects of the alarms that are raised."""
    said: frozenset[str] = frozenset()
    out = []
    for previous, now in pairwise(snapshots):
        events, said = new_alarms(now, previous, said)
        assert all(event.kind is EventKind.ALARM and event.time == "now" for event in events)
        out.append([event.subject for event in events])
    return out


def text(now: Snapshot, previous: Snapshot | None = None) -> str:
    (event,), _ = new_alarms(now, previous or Snapshot(), frozenset())
    return event.text


@pytest.mark.parametrize("fault", ["lost", "duplicated", "unexpected"])
def test_a_fault_of_integrity_is_said_once_a_run(fault: str) -> None:
    good, bad, worse = verdict(), verdict(**{fault: 1200}), verdict(**{fault: 1300})
    unknown = snapshot(ledger=None)
    assert told(good, good, bad, worse, unknown, bad, good, bad) == [[], ["etl-redis"], [], [], [], [], []]
    assert told(good, bad, verdict("r2", **{fault: 1}), verdict("r2", **{fault: 2})) == [
        ["etl-redis"],
        ["etl-redis"],
        [],
    ]
    assert "1,200 " in text(bad)
    assert "etl-redis" in text(bad)


def test_each_group_and_each_fault_is_said() -> None:
    both = snapshot(
        ledger=Ledger(groups={"etl": GroupLedger(lost=1, unexpected=2), "etl-redis": GroupLedger(lost=3)})
    )
    assert sorted(told(verdict(), both)[0]) == ["etl", "etl", "etl-redis"]


def test_what_is_no_fault_is_no_alarm() -> None:
    assert told(verdict(), verdict(redelivered=5, reordered=6, recovered=7, delivered=8)) == [[]]


def test_a_stale_report_is_said_again_when_it_was_fresh_in_between() -> None:
    fresh, stale = snapshot(), snapshot(age_s=STALE_S + 1)
    assert told(fresh, snapshot(age_s=STALE_S), stale, stale, fresh, stale) == [
        [],
        ["observer"],
        [],
        [],
        ["observer"],
    ]
    assert "6 s" in text(stale)


def test_a_report_that_is_gone_is_said_with_the_reason() -> None:
    gone = snapshot(age_s=None, unavailable={"observer": "exit code 3"})
    assert told(gone, gone, snapshot(), gone, gone) == [[], [], ["observer"], []]
    assert "exit code 3" in text(gone, snapshot())


def broker(**fields: Any) -> Snapshot:
    values: dict[str, Any] = {"name": "kafka-0", "component": "kafka", "phase": "Running", "ready": True}
    return snapshot(pods=(PodRow(**(values | fields)), PodRow("etl-0", "etl", "Failed")))


@pytest.mark.parametrize(
    "dead",
    [
        broker(phase="Failed", ready=False, reason="killed"),
        broker(phase="Unknown", ready=False),
        broker(phase="Succeeded", ready=False),
        broker(restarts=1, ready=False),
        snapshot(),
    ],
)
def test_a_broker_that_is_down_is_said(dead: Snapshot) -> None:
    well = broker()
    assert told(well, well, dead, dead, well, dead) == [[], ["kafka-0"], [], [], ["kafka-0"]]


def test_a_broker_that_only_starts_or_a_tool_that_is_over_is_no_alarm() -> None:
    starting = broker(phase="Pending", ready=False)
    tool = snapshot(pods=(BROKER, PodRow("kafka-format", "kafka", "Succeeded")))
    assert told(snapshot(), starting, starting, broker(), tool, tool, broker()) == [[], [], [], [], [], []]


@pytest.mark.parametrize("phase", sorted(set(Phase) - RUNNING, key=lambda phase: phase.value))
def test_outside_of_a_run_nothing_is_wrong(phase: Phase) -> None:
    ledger = Ledger(groups={"etl": GroupLedger(lost=1)})
    assert told(broker(), snapshot(phase=phase, age_s=99.0, ledger=ledger)) == [[]]
