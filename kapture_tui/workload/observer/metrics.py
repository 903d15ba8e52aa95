"""The report as Prometheus metrics. A figure that is not known has no sample: a gap in the graph, not a 0."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from kapture_tui.model.histogram import Histogram, lower_bound
from kapture_tui.model.ledger import GroupLedger, Ledger, verdicts
from kapture_tui.model.snapshot import FlowView, KafkaView, Latency, ObserverReport, RedisView
from kapture_tui.workload.observer.database_metrics import database_metrics
from kapture_tui.workload.observer.report import Published

BOUNDS_MS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 30_000, 60_000, 300_000)
"""Upper bounds of the latency histogram's buckets, milliseconds."""

Sample = tuple[tuple[str, ...], float | None]
"""(label values, value; None: not known)"""


def registry(newest: Callable[[], Published]) -> CollectorRegistry:
    """A registry with the metrics of the newest report and those of this process."""
    out = CollectorRegistry()
    out.register(ReportCollector(newest))
    ProcessCollector(registry=out)
    return out


class ReportCollector(Collector):
    """Makes metrics of whatever report is the newest when it is scraped."""

    def __init__(self, newest: Callable[[], Published]) -> None:
        self._newest = newest

    def describe(self) -> Iterable[Metric]:
        """Nothing: the names depend on what there is."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """All metrics."""
        published = self._newest()
        report = published.report
        yield from _observer(published)
        if report.kafka:
            yield from _kafka(report.kafka)
        if report.flow:
            yield from _flow(report.flow)
        yield from _loaders(report)
        if report.ledger:
            yield from _ledger(report.ledger)
        if report.redis:
            yield from _redis(report.redis)
        yield from database_metrics(report)
        if published.histograms:
            yield _latency(published)


def _observer(published: Published) -> Iterator[Metric]:
    yield _counter("kapture_observer_ticks", "Ticks of the observer.", (), [((), published.report.seq)])
    yield _gauge(
        "kapture_observer_tick_seconds", "How long the last tick took.", (), [((), published.tick_s)]
    )
    yield _gauge(
        "kapture_source_up",
        "1 if the source answered in the last tick.",
        ("source",),
        [((name,), float(up)) for name, up in published.sources.items()],
    )
    yield _gauge(
        "kapture_drained",
        "1 if no loader lives and every group has read everything.",
        (),
        [((), float(published.report.drained))],
    )


def _kafka(kafka: KafkaView) -> Iterator[Metric]:
    topics = kafka.states.items()
    lags = [((group, state), lag) for state, topic in topics for group, lag in topic.groups.items()]
    yield _gauge("kapture_kafka_brokers", "Brokers that answer.", (), [((), kafka.brokers)])
    yield _gauge(
        "kapture_topic_end_offset",
        "Sum of the end offsets of a state's partitions.",
        ("state",),
        [((state,), topic.end_offset) for state, topic in topics],
    )
    yield _gauge(
        "kapture_topic_records_per_second",
        "Records appended to a state's topic.",
        ("state",),
        [((state,), topic.in_per_s) for state, topic in topics],
    )
    labels = ("group", "state")
    yield _gauge(
        "kapture_group_lag", "Records written, not committed.", labels, [(k, v.lag) for k, v in lags]
    )
    yield _gauge(
        "kapture_group_lag_seconds",
        "Age of the oldest record not committed.",
        labels,
        [(k, v.lag_s) for k, v in lags],
    )
    yield _gauge(
        "kapture_group_records_per_second",
        "Records committed by a group.",
        labels,
        [(k, v.out_per_s) for k, v in lags],
    )


def _flow(flow: FlowView) -> Iterator[Metric]:
    yield _gauge(
        "kapture_offered_per_second", "Transactions due at the loaders.", (), [((), flow.offered_per_s)]
    )
    yield _gauge(
        "kapture_acked_per_second", "Transactions acknowledged by Kafka.", (), [((), flow.acked_per_s)]
    )
    yield _gauge(
        "kapture_group_delivered_per_second",
        "Different transactions stored by a group.",
        ("group",),
        [((group,), view.delivered_per_s) for group, view in flow.groups.items()],
    )
    yield _gauge(
        "kapture_loader_slip_seconds",
        "How far the worst loader is behind its schedule.",
        (),
        [((), flow.loader_slip_s)],
    )
    yield _gauge(
        "kapture_recent_latency_seconds",
        "From the intended send time until stored, last ten seconds.",
        ("group", "quantile"),
        [
            ((group, quantile), seconds)
            for group, view in flow.groups.items()
            for quantile, seconds in _quantiles(view.latency_ms)
        ],
    )
    yield _gauge(
        "kapture_recent_ack_latency_seconds",
        "From the intended send time until acknowledged, last ten seconds.",
        ("quantile",),
        [((quantile,), seconds) for quantile, seconds in _quantiles(flow.ack_latency_ms)],
    )


def _quantiles(latency: Latency) -> list[tuple[str, float | None]]:
    values = (("0.5", latency.p50), ("0.95", latency.p95), ("0.99", latency.p99), ("1", latency.max))
    return [(quantile, None if ms is None else ms / 1000) for quantile, ms in values]


def _loaders(report: ObserverReport) -> Iterator[Metric]:
    states = [loader.state for loader in report.loaders]
    yield _gauge(
        "kapture_loaders",
        "Loaders by state.",
        ("state",),
        [((state,), states.count(state)) for state in ("live", "done", "dead")],
    )


def _ledger(ledger: Ledger) -> Iterator[Metric]:
    yield _counter("kapture_ledger_attempted", "Messages handed to the client.", (), [((), ledger.attempted)])
    yield _counter("kapture_ledger_acked", "Messages acknowledged.", (), [((), ledger.acked)])
    yield _counter(
        "kapture_ledger_expired", "Records deleted before they were read.", (), [((), ledger.expired)]
    )
    yield _gauge(
        "kapture_ledger_indeterminate",
        "Messages attempted of which no acknowledgement will come.",
        (),
        [((), ledger.indeterminate)],
    )
    for name, text in (
        ("delivered", "Different messages stored."),
        ("duplicated", "Messages written twice."),
        ("redelivered", "Records read twice."),
        ("reordered", "Messages that came after a later one."),
    ):
        yield _counter(f"kapture_ledger_{name}", text, ("group",), _of_groups(ledger, name))
    # What turns up after all leaves these, so they are no counters.
    for name, text in (
        ("lost", "Messages acknowledged that can no longer be delivered."),
        ("recovered", "Messages delivered without an acknowledgement."),
        ("unexpected", "Messages delivered and never attempted."),
    ):
        yield _gauge(f"kapture_ledger_{name}", text, ("group",), _of_groups(ledger, name))


def _of_groups(ledger: Ledger, name: str) -> list[Sample]:
    def value(group: GroupLedger) -> float:
        return float(getattr(group, name))

    return [((group,), value(verdict)) for group, verdict in verdicts(ledger).items()]


def _redis(redis: RedisView) -> Iterator[Metric]:
    yield _gauge("kapture_redis_operations_per_second", "Commands processed.", (), [((), redis.ops_per_s)])
    yield _gauge("kapture_redis_keys", "Keys in all databases.", (), [((), redis.keys)])
    yield _gauge("kapture_redis_memory_bytes", "Memory used.", (), [((), redis.memory_bytes)])
    yield _gauge("kapture_redis_clients", "Connected clients.", (), [((), redis.clients)])
    yield _gauge("kapture_redis_replicas", "Servers that follow this one.", (), [((), redis.replicas)])
    yield _gauge("kapture_redis_hit_ratio", "Key lookups that found something.", (), [((), redis.hit_ratio)])
    yield _gauge(
        "kapture_redis_command_calls_per_second",
        "Calls of the busiest commands.",
        ("command",),
        [((name,), rate) for name, rate in redis.commands.items()],
    )


def _latency(published: Published) -> Metric:
    family = HistogramMetricFamily(
        "kapture_latency_seconds",
        "From the intended send time until stored, whole run.",
        labels=("group",),
    )
    for group, histogram in published.histograms.items():
        family.add_metric([group], buckets(histogram), sum_value=_sum_s(histogram))
    return family


def buckets(histogram: Histogram) -> list[tuple[str, float]]:
    """Cumulated counts as Prometheus wants them: (upper bound in seconds, values up to it).

    A bucket of ours that reaches beyond a bound is counted above it: at most 3 % too slow, never too fast.
    """
    counts = sorted(histogram.counts.items())
    out: list[tuple[str, float]] = []
    at = seen = 0
    for bound_ms in BOUNDS_MS:
        while at < len(counts) and lower_bound(counts[at][0] + 1) - 1 <= bound_ms * 1000:
            seen += counts[at][1]
            at += 1
        out.append((repr(bound_ms / 1000), float(seen)))
    return [*out, ("+Inf", float(histogram.total))]


def _sum_s(histogram: Histogram) -> float:
    """The sum of all values in seconds, each taken to be in the middle of its bucket."""
    doubled = sum(
        (lower_bound(bucket) + lower_bound(bucket + 1) - 1) * count
        for bucket, count in histogram.counts.items()
    )
    return doubled / 2e6


def _gauge(name: str, text: str, labels: tuple[str, ...], samples: Iterable[Sample]) -> Metric:
    return _fill(GaugeMetricFamily(name, text, labels=labels), samples)


def _counter(name: str, text: str, labels: tuple[str, ...], samples: Iterable[Sample]) -> Metric:
    return _fill(CounterMetricFamily(name, text, labels=labels), samples)


def _fill(
    family: GaugeMetricFamily | CounterMetricFamily, samples: Iterable[Sample]
) -> GaugeMetricFamily | CounterMetricFamily:
    for labels, value in samples:
        if value is not None:
            family.add_metric(labels, value)
    return family
