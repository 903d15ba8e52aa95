"""One observation becomes one Snapshot."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kapture_tui.model.event import Event, EventKind
from kapture_tui.model.ledger import GroupLedger, Ledger
from kapture_tui.model.snapshot import (
    ContainerUsage,
    FlowView,
    KafkaView,
    LoaderRow,
    ObserverReport,
    Phase,
    PodRow,
    RedisView,
    RunInfo,
    Sale,
    Snapshot,
    StateSales,
)
from kapture_tui.model.spec import Component, StackSpec
from kapture_tui.model.wire import from_wire, to_wire
from kapture_tui.targets.base import Observation
from kapture_tui.telemetry.assemble import EVENTS, RUNNING, assemble, latest_events

SPEC = StackSpec("demo", 2, frozenset({Component.REDIS}))
LIVE, DONE, DEAD = (LoaderRow(name, name) for name in ("live", "done", "dead"))


def report(in_etl: int = 5, in_redis: int = 5, **fields: Any) -> ObserverReport:
    groups = {"etl": GroupLedger(delivered=in_etl), "etl-redis": GroupLedger(delivered=in_redis)}
    values: dict[str, Any] = {
        "kafka": KafkaView(brokers=1),
        "flow": FlowView(mode="unbounded"),
        "ledger": Ledger(groups=groups),
        "redis": RedisView(keys=3),
        "popular": {"MA": ("Kibble",)},
        "sales": {"MA": StateSales(3, latest=(Sale(7, 0),))},
        "loaders": (LIVE,),
    }
    return ObserverReport("t", 1, **(values | fields))


def seen(report: ObserverReport | None, phase: Phase = Phase.STARTING, **fields: Any) -> Observation:
    values: dict[str, Any] = {"spec": SPEC, "run_id": "r1", "report_age_s": 0.5 if report else None}
    return Observation(phase=phase, report=report, **(values | fields))


def snapshot(observation: Observation, previous: Snapshot | None = None) -> Snapshot:
    return assemble(observation, previous or Snapshot(), target="local", time="now")


def test_what_the_report_says_is_passed_on_unchanged() -> None:
    told = report(drained=True, elasticsearch={"docs": 7}, databases={"paper": {"lines": 2}})
    pods = (PodRow("etl-0", "etl"),)
    result = snapshot(seen(told, pods=pods, elapsed_s=7.0), Snapshot(seq=41))
    assert (result.time, result.seq, result.pods, result.report_age_s) == ("now", 42, pods, 0.5)
    passed_on = {f.name for f in fields(ObserverReport)} - {"time", "seq", "unavailable", "containers"}
    for name in passed_on:
        assert getattr(result, name) == getattr(told, name), name
    assert result.run == RunInfo(
        "demo",
        "local",
        "r1",
        Phase.DRAINED,
        7.0,
        2,
        ("kafka", "data-loader", "etl", "observer", "redis", "etl-redis"),
    )
    assert from_wire(Snapshot, to_wire(result)) == result


class TestPhase:
    """The target knows that it runs, the report knows what flows."""

    @pytest.mark.parametrize("phase", sorted(set(Phase) - RUNNING, key=lambda phase: phase.value))
    def test_outside_of_a_run_the_target_has_the_word(self, phase: Phase) -> None:
        assert snapshot(seen(report(), phase)).run.phase is phase

    @pytest.mark.parametrize(
        ("told", "phase"),
        [
            (report(), Phase.FLOWING),
            (report(in_etl=0), Phase.STARTING),
            (report(in_redis=0), Phase.STARTING),
            (report(ledger=Ledger(groups={"etl": GroupLedger(delivered=5)})), Phase.STARTING),
            (report(loaders=()), Phase.FLOWING),
            (report(loaders=(DEAD, LIVE)), Phase.FLOWING),
            (report(loaders=(DONE, DEAD)), Phase.DRAINING),
            (report(loaders=(DONE,), drained=True), Phase.DRAINED),
            (report(flow=FlowView(mode="paused")), Phase.PAUSED),
            (report(flow=FlowView(mode="paused"), in_redis=0), Phase.PAUSED),
            (report(flow=FlowView(mode="paused"), loaders=(DONE,)), Phase.DRAINING),
            (report(flow=None), Phase.FLOWING),
        ],
    )
    def test_in_a_run_the_report_has(self, told: ObserverReport, phase: Phase) -> None:
        assert snapshot(seen(told)).run.phase is phase

    @pytest.mark.parametrize("phase", [Phase.PAUSED, Phase.DRAINING])
    def test_what_the_target_did_counts_before_the_report_shows_it(self, phase: Phase) -> None:
        assert snapshot(seen(report(), phase)).run.phase is phase
        assert snapshot(seen(report(drained=True), phase)).run.phase is Phase.DRAINED

    @pytest.mark.parametrize("away", [None, report(ledger=None)])
    def test_an_observer_that_is_away_changes_no_phase(self, away: ObserverReport | None) -> None:
        flowing = snapshot(seen(report()))
        assert snapshot(seen(away), flowing).run.phase is Phase.FLOWING
        assert snapshot(seen(away, run_id="r2"), flowing).run.phase is Phase.STARTING
        assert snapshot(seen(away, Phase.FAILED), flowing).run.phase is Phase.FAILED
        assert snapshot(seen(away), snapshot(seen(None, Phase.DEPLOYING))).run.phase is Phase.STARTING

    def test_no_stack(self) -> None:
        none = snapshot(Observation(None, "", Phase.NONE))
        assert none.run == RunInfo(target="local")
        assert none.unavailable["run"] == "there is no stack of that name"


class TestReasons:
    """What is missing has a reason."""

    def check(self, result: Snapshot) -> None:
        parts = ("kafka", "flow", "ledger", "redis", "elasticsearch", "postgres", "mongo", "webapp", "spout")
        for part in parts:
            assert (getattr(result, part) is None) == (part in result.unavailable), part

    @pytest.mark.parametrize("told", [None, report(), report(redis=None, unavailable={"redis": "refused"})])
    @pytest.mark.parametrize("components", [frozenset(), frozenset(Component)])
    def test_every_part_is_there_or_has_one(
        self, told: ObserverReport | None, components: frozenset[Component]
    ) -> None:
        if told and Component.REDIS not in components:
            told = replace(told, redis=None, popular={})
        self.check(snapshot(seen(told, spec=StackSpec("demo", 1, components))))

    def test_nearest_to_the_fault_wins(self) -> None:
        refused = report(redis=None, unavailable={"redis": "refused", "lag_s": "vague"})
        result = snapshot(seen(refused, unavailable={"pods": "no metrics"}))
        assert result.unavailable["redis"] == "refused"
        assert result.unavailable["lag_s"] == "vague"
        assert result.unavailable["pods"] == "no metrics"
        assert result.unavailable["elasticsearch"] == "not deployed"

    def test_without_a_report_the_observers_reason_is_that_of_all_its_parts(self) -> None:
        result = snapshot(seen(None, unavailable={"observer": "exit code 3"}))
        assert {result.unavailable[part] for part in ("kafka", "flow", "ledger", "redis")} == {"exit code 3"}
        assert snapshot(seen(None)).unavailable["kafka"] == "the observer has not reported yet"

    def test_a_stack_without_redis(self) -> None:
        result = snapshot(seen(None, spec=StackSpec("demo")))
        assert result.unavailable["redis"] == result.unavailable["sales"] == "not deployed"

    @pytest.mark.parametrize("reasons", [{}, {"popular": "503 busy"}])
    def test_without_redis_another_database_may_tell_what_is_popular(self, reasons: dict[str, str]) -> None:
        spec = StackSpec("demo", components=frozenset({Component.ELASTICSEARCH}))
        told = report(redis=None, sales={}, unavailable={"redis": "not deployed"} | reasons)
        result = snapshot(seen(told, spec=spec))
        assert result.popular == told.popular
        assert result.unavailable.get("popular") == reasons.get("popular")


events = st.integers(0, 400).map(lambda number: Event(f"t{number}", EventKind.CHANGE, "x", "y"))


@given(st.lists(st.lists(events, max_size=150), max_size=6))
def test_events_are_told_once_in_their_order_and_are_bounded(batches: list[list[Event]]) -> None:
    known: tuple[Event, ...] = ()
    told: list[Event] = []
    for batch in batches:
        unique = list(dict.fromkeys(batch))
        new = [event for event in unique if event not in known]
        known = latest_events(known, tuple(unique))
        told = [*told, *new][-EVENTS:]
        assert list(known) == told
        assert len(set(known)) == len(known)


def test_a_target_asked_anew_repeats_its_events_and_we_do_not() -> None:
    first = tuple(Event(f"t{n}", EventKind.STEP, "", "x") for n in range(3))
    once = snapshot(seen(None, events=first))
    again = snapshot(seen(None, events=(*first, Event("t3", EventKind.CHANGE, "", "y"))), once)
    assert [event.time for event in again.events] == ["t0", "t1", "t2", "t3"]


def test_what_pods_tell_of_their_containers_stands_with_the_pods() -> None:
    pods = (PodRow("etl-0", "etl", cpu_cores=0.5), PodRow("kafka-0", "kafka", disk_bytes_per_s=7.0))
    told = report(
        containers={"etl-0": ContainerUsage(100.0, 20.0, 0.25, 0.75), "gone-0": ContainerUsage(1.0)}
    )
    etl, kafka = snapshot(seen(told, pods=pods)).pods
    assert etl == replace(
        pods[0],
        network_bytes_per_s=100.0,
        disk_bytes_per_s=20.0,
        throttled_ratio=0.25,
        cpu_cores=0.75,
        cpu_age_s=seen(told).report_age_s,
    )
    assert kafka == pods[1], "what the target measured stays where nobody tells otherwise"
