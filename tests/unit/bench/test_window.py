"""From Snapshots to what a trial showed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from kapture_tui.bench.window import Look, Window, result
from kapture_tui.model.histogram import Histogram
from kapture_tui.model.ledger import GroupLedger, Ledger
from kapture_tui.model.snapshot import (
    FlowView,
    GroupFlow,
    GroupLag,
    KafkaView,
    Latency,
    LoaderRow,
    RedisView,
    RunInfo,
    Snapshot,
    TopicView,
)
from tests.unit.bench.snapshots import GROUPS, PODS, pod, snapshot


def window(*during: Snapshot, after: Snapshot | None = None, drained: bool = True, **other: Any) -> Window:
    """One Snapshot a second; the last one comes after the drain."""
    looks = tuple(Look(10.0 + at, 1e9 + at, one) for at, one in enumerate(during))
    end = 10.0 + len(during)
    last = Look(end, 1e9 + end - 10.0, after or snapshot(latencies=300))
    return Window(Look(5.0, 1e9 - 5.0, snapshot()), looks, last, drained, **other)


STEADY = tuple(snapshot(lag=20 + at % 2, latencies=10 * at) for at in range(8))


def test_a_quiet_trial_in_figures() -> None:
    found = result(window(*STEADY))
    assert found.faults == ()
    assert (found.offered_per_s, found.delivered_per_s) == (1000.0, 990.0)
    assert (found.lost, found.duplicated, found.slip_s, found.loader_bound) == (0, 0, 0.0, False)
    assert found.p99_ms == pytest.approx(50, rel=0.04)
    assert found.latency["etl"].total == 300
    assert [lag for _, lag in found.lag["etl"]][:3] == [20.0, 21.0, 20.0]
    assert found.lag["etl"][1][0] - found.lag["etl"][0][0] == pytest.approx(1.0)
    assert found.usage["etl"].cpu_cores == 0.5
    assert found.usage["etl"].cpu_limit is None
    assert found.bottleneck is None


def test_only_what_was_stored_since_it_began_counts() -> None:
    slow = [9_000_000] * 50
    before = replace(
        snapshot(), flow=FlowView(groups={n: GroupFlow(latency_run=Histogram.of(slow)) for n in GROUPS})
    )
    after = replace(
        snapshot(),
        flow=FlowView(
            groups={n: GroupFlow(latency_run=Histogram.of([*slow, *[50_000] * 100])) for n in GROUPS}
        ),
    )
    found = result(window(before, *STEADY[1:], after=after))
    assert found.latency["etl"].total == 100
    assert found.p99_ms == pytest.approx(50, rel=0.04)


def test_the_slowest_group_and_the_worst_one_decide() -> None:
    fast, slow = Histogram.of([10_000] * 10), Histogram.of([700_000] * 10)
    after = replace(
        snapshot(),
        flow=FlowView(groups={"etl": GroupFlow(latency_run=fast), "etl-redis": GroupFlow(latency_run=slow)}),
        ledger=Ledger(groups={"etl": GroupLedger(lost=2), "etl-redis": GroupLedger(duplicated=3)}),
    )
    found = result(window(*STEADY[:1] * 8, after=after))
    assert found.p99_ms == pytest.approx(700, rel=0.04)
    assert (found.lost, found.duplicated) == (2, 3)


def test_a_group_that_stored_nothing_has_no_latency_and_the_trial_none() -> None:
    after = replace(
        snapshot(latencies=10),
        flow=FlowView(groups={"etl": GroupFlow(latency_run=Histogram.of([1])), "etl-redis": GroupFlow()}),
    )
    assert result(window(*[snapshot()] * 8, after=after)).p99_ms is None


@pytest.mark.parametrize(
    ("other", "fault"),
    [
        ({"kafka": None, "unavailable": {"kafka": "no answer"}}, "kafka is missing: no answer"),
        ({"ledger": None, "unavailable": {"observer": "gone"}}, "ledger is missing: gone"),
        ({"report_age_s": 7.0}, "the observer did not report for 7 s"),
        (
            {"pods": (pod("observer", "observer", throttled_ratio=0.5),)},
            "observer was throttled by its CPU limit in 50% of its periods",
        ),
    ],
)
def test_what_was_not_seen_makes_it_invalid(other: dict[str, Any], fault: str) -> None:
    found = result(window(*STEADY[:4], *[snapshot(**other)] * 6, *STEADY[5:]))
    assert fault in found.faults


@pytest.mark.parametrize(
    ("after", "fault"),
    [
        ({"pods": (pod("etl-0", "etl", restarts=1), *PODS[1:])}, "etl-0 restarted"),
        ({"pods": PODS[1:]}, "etl-0 is gone"),
        ({"pods": (*PODS, pod("etl-1", "etl"))}, "etl-1 is new"),
    ],
)
def test_a_pod_that_came_or_went_makes_it_invalid(after: dict[str, Any], fault: str) -> None:
    assert result(window(*STEADY, after=snapshot(**after))).faults == (fault,)


def test_unless_it_is_kept_away_on_purpose() -> None:
    after = snapshot(pods=(pod("etl-0", "etl", restarts=1), *PODS[1:]))
    assert result(window(*STEADY, after=after, away="etl")).faults == ()


def test_a_throttled_etl_is_a_bottleneck_and_no_fault() -> None:
    throttled = pod("etl-0", "etl", cpu_limit=0.5, throttled_ratio=0.9)
    growing = [
        snapshot(lag=100 * at, lag_s=0.5 * at, pods=(throttled, *PODS[1:]), latencies=at) for at in range(8)
    ]
    found = result(window(*growing))
    assert found.faults == ()
    assert found.bottleneck is not None
    assert found.bottleneck.component in GROUPS
    only_etl = [
        replace(one, kafka=KafkaView(1, total=TopicView(groups={"etl": GroupLag(90 * at, 1.0, 0.5 * at)})))
        for at, one in enumerate(growing)
    ]
    bottleneck = result(window(*only_etl)).bottleneck
    assert bottleneck is not None
    assert bottleneck.component == "etl"
    assert "0.50 cores of the 0.5 it may use, throttled in 90% of its periods" in bottleneck.why


def test_a_redis_that_is_busy_while_its_sink_waits_is_what_is_named() -> None:
    pods = (pod("redis-0", "redis", cpu_cores=0.98), pod("etl-redis-0", "etl-redis", cpu_cores=0.1))
    late = [
        snapshot(
            pods=pods,
            latencies=at,
            kafka=KafkaView(1, total=TopicView(groups={"etl-redis": GroupLag(500 * at, 1.0, 1.0 * at)})),
        )
        for at in range(8)
    ]
    found = result(window(*late)).bottleneck
    assert found is not None
    assert (found.component, found.why) == ("redis", "etl-redis waits for it, 0.98 cores")


def test_a_clock_that_was_set_and_a_program_that_was_stopped_make_it_invalid() -> None:
    quiet = window(*STEADY)
    jumped = replace(quiet.looks[3], wall_s=quiet.looks[3].wall_s + 60)
    found = result(replace(quiet, looks=(*quiet.looks[:3], jumped, *quiet.looks[4:])))
    assert found.faults == ("the clock jumped by +60.0 s", "the clock jumped by -60.0 s")
    paused = tuple(replace(one, at_s=one.at_s + 30, wall_s=one.wall_s + 30) for one in quiet.looks[4:])
    after = replace(quiet.after, at_s=quiet.after.at_s + 30, wall_s=quiet.after.wall_s + 30)
    found = result(replace(quiet, looks=(*quiet.looks[:4], *paused), after=after))
    assert found.faults == ("nobody looked for 31 s",)


def test_what_did_not_drain_makes_it_invalid() -> None:
    found = result(window(*STEADY, drained=False))
    assert found.faults == ("what was sent was not all stored in the time given for draining",)


def test_a_loader_is_to_blame_only_for_what_it_blames_itself_for() -> None:
    def slipping(why: str) -> Snapshot:
        return snapshot(loaders=(LoaderRow("data-loader-0", "live", 1, 1.0, 1000.0, 2.5, limited_by=why),))

    own = result(window(*STEADY[:4], slipping("this loader: it cannot keep up with its rate")))
    assert (own.slip_s, own.loader_bound) == (2.5, True)
    held = result(window(*STEADY[:4], slipping("the slowest consumer group, etl (closed loop)")))
    assert (held.slip_s, held.loader_bound) == (0.0, False)


def test_without_loaders_nobody_says_how_late_they_are() -> None:
    assert result(window(*[snapshot(loaders=())] * 8)).slip_s is None


def test_samples_from_before_the_trial_are_none_of_it() -> None:
    old = tuple(replace(one, sample_age_s=40.0) for one in PODS)
    assert result(window(*[snapshot(pods=old)] * 8)).usage["etl"].cpu_cores is None
    told = tuple(replace(one, cpu_age_s=0.3) for one in old)
    used = result(window(*[snapshot(pods=told)] * 8)).usage["etl"]
    assert used.cpu_cores == 0.5, "the process told that itself"
    assert used.memory_bytes is None


def test_figures_are_kept_by_the_second_from_the_order_to_the_loaders_on() -> None:
    looks = tuple(
        Look(6.0 + s, 1e9 + s, snapshot(flow=FlowView(1000.4 + s, None, groups={"etl": GroupFlow(latency)})))
        for s, latency in enumerate((Latency(p99=120.0), Latency()))
    )
    began = Look(5.0, 1e9, snapshot(run=RunInfo(elapsed_s=42.0)))
    found = result(Window(began, looks, looks[-1], True, whole=looks))
    assert found.series == {"offered": ((1.0, 1000.0), (2.0, 1001.0)), "p99_ms": ((1.0, 120.0),)}
    assert found.at_s == 42.0


def test_network_and_disk_are_summed_up_and_what_is_not_known_has_a_reason() -> None:
    told = (
        pod("etl-0", "etl", network_bytes_per_s=100.0, disk_bytes_per_s=5.0),
        pod("etl-1", "etl", network_bytes_per_s=50.0, disk_bytes_per_s=None),
        pod("redis-0", "redis"),
        pod("kafka-0", "kafka"),
    )
    run = RunInfo(target="kubernetes")
    looks = [snapshot(pods=told, run=run, redis=RedisView(network_bytes_per_s=400.0)) for _ in range(4)]
    usage = result(window(*looks)).usage
    assert usage["etl"].network_bytes_per_s == 150.0
    assert usage["etl"].disk_bytes_per_s is None, "half of a sum is no sum"
    assert usage["redis"].network_bytes_per_s == 400.0, "it counts its own"
    assert usage["kafka"].network_bytes_per_s is None
    for component, used in usage.items():
        figures = ("cpu_cores", "throttled_ratio", "network_bytes_per_s", "disk_bytes_per_s")
        missing = {name for name in figures if getattr(used, name) is None}
        assert missing == set(used.unavailable), component
    assert "metrics.k8s.io" in usage["kafka"].unavailable["network_bytes_per_s"]


def test_a_throttled_loader_makes_a_trial_invalid_by_what_its_own_container_says() -> None:
    loader = pod("data-loader-0", "data-loader", cpu_limit=1.0, throttled_ratio=0.2)
    found = result(window(*[snapshot(pods=(*PODS[:2], loader))] * 5))
    assert found.faults == ("data-loader-0 was throttled by its CPU limit in 20% of its periods",)


@pytest.mark.parametrize(("seconds", "valid"), [(1, True), (4, True), (7, False)])
def test_an_observer_that_is_behind_for_a_moment_is_no_fault(seconds: int, valid: bool) -> None:
    why = {"flow": "still reading the ledger, 5 records to go"}
    blind = snapshot(flow=None, ledger=None, unavailable=why)
    found = result(window(*[snapshot()] * 5, *[blind] * seconds, *[snapshot(latencies=9)] * 3))
    assert found.faults == (() if valid else ("flow is missing: still reading the ledger, 5 records to go",))
    assert found.p99_ms is not None


def test_a_ledger_that_is_missing_at_the_end_is_a_fault_however_short() -> None:
    found = result(window(*[snapshot()] * 5, after=snapshot(ledger=None)))
    assert found.faults == ("ledger is missing: no reason given",)


def test_a_stop_that_begins_before_the_measured_part_makes_a_trial_invalid_too() -> None:
    def at(second: float) -> Look:
        return Look(second, 1e9 + second, snapshot())

    settling, measured, drained = (at(1.0), at(2.0)), (at(11.0),), at(12.0)
    seen = Window(at(0.0), measured, drained, True, whole=(*settling, *measured, drained))
    assert result(seen).faults == ("nobody looked for 9 s",)
