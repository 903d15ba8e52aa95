"""The report as Prometheus sees it, through Prometheus' own parser."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from kapture_tui.model.histogram import Histogram
from kapture_tui.model.ledger import GroupLedger, Ledger
from kapture_tui.model.snapshot import (
    FlowView,
    GroupFlow,
    GroupLag,
    KafkaView,
    Latency,
    LoaderRow,
    ObserverReport,
    RedisView,
    TopicView,
)
from kapture_tui.workload.observer.metrics import buckets, registry
from kapture_tui.workload.observer.report import Published

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def scrape(published: Published) -> Samples:
    text = generate_latest(registry(lambda: published)).decode()
    families = text_string_to_metric_families(text)
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
        if family.name.startswith("kapture_")
    }


FULL = ObserverReport(
    time="",
    seq=41,
    kafka=KafkaView(1, {"MA": TopicView(2, 3, 4.0, {"etl": GroupLag(5, 6.0, 7.0)})}),
    flow=FlowView(
        8.0,
        9.0,
        10.0,
        11.0,
        ack_latency_ms=Latency(12.0),
        groups={"etl": GroupFlow(Latency(13.0), delivered_per_s=14.0)},
    ),
    ledger=Ledger(15, 16, 17, 18, {"etl": GroupLedger(19, 20, 21, 22, 23, 24, 25)}),
    redis=RedisView(26.0, 27, 28, 29, {"get": 30.0}, 0.31, 32),
    loaders=(LoaderRow("a", "live"), LoaderRow("b", "live"), LoaderRow("c", "dead")),
    drained=True,
)  # fmt: skip


def test_every_figure_arrives_under_its_name() -> None:
    samples = scrape(Published(FULL, {}, {"kafka": True, "redis": False}, 0.25))
    etl = ("group", "etl")
    assert samples == {
        ("kapture_observer_ticks_total", ()): 41,
        ("kapture_observer_tick_seconds", ()): 0.25,
        ("kapture_source_up", (("source", "kafka"),)): 1,
        ("kapture_source_up", (("source", "redis"),)): 0,
        ("kapture_drained", ()): 1,
        ("kapture_kafka_brokers", ()): 1,
        ("kapture_topic_end_offset", (("state", "MA"),)): 3,
        ("kapture_topic_records_per_second", (("state", "MA"),)): 4,
        ("kapture_group_lag", (etl, ("state", "MA"))): 5,
        ("kapture_group_records_per_second", (etl, ("state", "MA"))): 6,
        ("kapture_group_lag_seconds", (etl, ("state", "MA"))): 7,
        ("kapture_offered_per_second", ()): 8,
        ("kapture_acked_per_second", ()): 9,
        ("kapture_loader_slip_seconds", ()): 11,
        ("kapture_recent_ack_latency_seconds", (("quantile", "0.5"),)): 0.012,
        ("kapture_recent_latency_seconds", (etl, ("quantile", "0.5"))): 0.013,
        ("kapture_group_delivered_per_second", (etl,)): 14,
        ("kapture_loaders", (("state", "live"),)): 2,
        ("kapture_loaders", (("state", "done"),)): 0,
        ("kapture_loaders", (("state", "dead"),)): 1,
        ("kapture_ledger_attempted_total", ()): 15,
        ("kapture_ledger_acked_total", ()): 16,
        ("kapture_ledger_indeterminate", ()): 17,
        ("kapture_ledger_expired_total", ()): 18,
        ("kapture_ledger_delivered_total", (etl,)): 19,
        ("kapture_ledger_lost", (etl,)): 20,
        ("kapture_ledger_duplicated_total", (etl,)): 21,
        ("kapture_ledger_redelivered_total", (etl,)): 22,
        ("kapture_ledger_reordered_total", (etl,)): 23,
        ("kapture_ledger_recovered", (etl,)): 24,
        ("kapture_ledger_unexpected", (etl,)): 25,
        ("kapture_redis_operations_per_second", ()): 26,
        ("kapture_redis_keys", ()): 27,
        ("kapture_redis_memory_bytes", ()): 28,
        ("kapture_redis_clients", ()): 29,
        ("kapture_redis_command_calls_per_second", (("command", "get"),)): 30,
        ("kapture_redis_hit_ratio", ()): 0.31,
        ("kapture_redis_replicas", ()): 32,
    }


def test_what_is_not_known_has_no_sample() -> None:
    empty = ObserverReport("", 1, KafkaView(None, {"MA": TopicView(groups={"etl": GroupLag()})}), FlowView())
    names = {name for name, _ in scrape(Published(empty))}
    assert names == {
        "kapture_observer_ticks_total",
        "kapture_observer_tick_seconds",
        "kapture_drained",
        "kapture_loaders",
    }


def test_names_from_outside_are_only_labels() -> None:
    nasty = 'x"} 1\nkapture_fake 2'
    report = ObserverReport("", 1, redis=RedisView(commands={nasty: 3.0}))
    samples = scrape(Published(report))
    assert samples["kapture_redis_command_calls_per_second", (("command", nasty),)] == 3
    assert not any(name == "kapture_fake" for name, _ in samples)


@given(st.lists(st.integers(0, 10**9), max_size=200))
def test_buckets_are_cumulated_and_never_flatter(values_us: list[int]) -> None:
    cumulated = buckets(Histogram.of(values_us))
    assert cumulated[-1] == ("+Inf", len(values_us))
    assert [count for _, count in cumulated] == sorted(count for _, count in cumulated)
    for bound, count in cumulated[:-1]:
        limit_us = float(bound) * 1e6
        assert count <= sum(value <= limit_us for value in values_us)
        assert count >= sum(value <= limit_us * (1 - 1 / 32) for value in values_us)


@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=100))
def test_the_latency_histogram_arrives_whole(values_us: list[int]) -> None:
    histogram = Histogram.of(values_us)
    samples = scrape(Published(ObserverReport("", 1), {"etl": histogram}))
    etl = ("group", "etl")
    assert samples["kapture_latency_seconds_count", (etl,)] == len(values_us)
    assert samples["kapture_latency_seconds_sum", (etl,)] == pytest.approx(
        sum(values_us) / 1e6, rel=1 / 32, abs=1e-6
    )
    for bound, count in buckets(histogram):
        assert samples["kapture_latency_seconds_bucket", (etl, ("le", bound))] == count
