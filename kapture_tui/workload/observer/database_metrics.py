"""What databases, shop and spout say, as Prometheus metrics: a name for each figure, for rules and dashboards.

Figures that are not in the table, as those of a database from outside the project, go by labels instead.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from prometheus_client.metrics_core import GaugeMetricFamily

from kapture_tui.model.snapshot import ObserverReport

OTHERS = "kapture_database_figure"


@dataclass(frozen=True, slots=True)
class Figure:
    """How a figure is exported.

    Attributes:
        metric: its name.
        text: what it is.
        label: for a text, which becomes a label of this name; "" for a number.
    """

    metric: str
    text: str
    label: str = ""


FIGURES: Mapping[str, Mapping[str, Figure]] = {
    "elasticsearch": {
        "index_per_s": Figure("kapture_elasticsearch_indexed_per_second", "Documents indexed."),
        "search_per_s": Figure(
            "kapture_elasticsearch_searches_per_second", "Searches, each counted in every shard it asks."
        ),
        "docs": Figure("kapture_elasticsearch_documents", "Documents that can be found."),
        "heap_ratio": Figure("kapture_elasticsearch_heap_ratio", "Heap used, of the node that is worst off."),
        "rejected": Figure("kapture_elasticsearch_rejected", "Requests rejected since the server started."),
        "health": Figure("kapture_elasticsearch_health", "1 for the health it reports.", "health"),
    },
    "postgres": {
        "commits_per_s": Figure("kapture_postgres_commits_per_second", "Transactions committed."),
        "rows": Figure("kapture_postgres_rows", "Rows in its tables."),
        "inserted_per_s": Figure("kapture_postgres_inserted_per_second", "Rows inserted."),
        "size_bytes": Figure("kapture_postgres_size_bytes", "Size of its tables and indices."),
        "connections": Figure("kapture_postgres_connections", "Connections."),
        "cache_hit_ratio": Figure("kapture_postgres_cache_hit_ratio", "Pages found in its cache."),
    },
    "mongo": {
        "inserts_per_s": Figure("kapture_mongo_inserts_per_second", "Documents inserted."),
        "documents": Figure("kapture_mongo_documents", "Documents."),
        "size_bytes": Figure("kapture_mongo_size_bytes", "Size of its data."),
        "connections": Figure("kapture_mongo_connections", "Connections."),
    },
    "spout": {
        "orders_per_s": Figure("kapture_spout_orders_per_second", "Orders rolled up."),
        "restocks_per_s": Figure("kapture_spout_restocks_per_second", "Messages sent back to Kafka."),
        "behind_s": Figure("kapture_spout_behind_seconds", "How far it is behind the database."),
    },
}
"""By part of the report and its public names."""

ROUTES: Mapping[str, Figure] = {
    "per_s": Figure("kapture_webapp_requests_per_second", "Requests answered."),
    "errors_per_s": Figure("kapture_webapp_errors_per_second", "Requests answered with an error."),
}
"""Of each of the shop's routes."""

LATENCY = "kapture_webapp_latency_seconds"
"""The same, with a quantile."""

QUANTILES = {"p50": "0.5", "p95": "0.95", "p99": "0.99", "max": "1"}


def database_metrics(report: ObserverReport) -> Iterator[GaugeMetricFamily]:
    """Everything that a report says of databases, shop and spout."""
    others = GaugeMetricFamily(OTHERS, "A figure without a name of its own.", labels=("database", "figure"))
    for part in (*FIGURES, *report.databases):
        told = report.databases.get(part) or getattr(report, part, None) or {}
        for name, value in told.items():
            if known := FIGURES.get(part, {}).get(name):
                yield from _named(known, value)
            elif _is_number(value):
                others.add_metric((part, name), value)
    if others.samples:
        yield others
    yield from _routes((report.webapp or {}).get("routes") or {})


def _named(figure: Figure, value: Any) -> Iterator[GaugeMetricFamily]:
    if figure.label and isinstance(value, str):
        family = GaugeMetricFamily(figure.metric, figure.text, labels=(figure.label,))
        family.add_metric((value,), 1)
        yield family
    elif _is_number(value):
        yield GaugeMetricFamily(figure.metric, figure.text, value)


def _routes(routes: Mapping[str, Mapping[str, Any]]) -> Iterator[GaugeMetricFamily]:
    for name, figure in ROUTES.items():
        family = GaugeMetricFamily(figure.metric, figure.text, labels=("route",))
        for route, told in routes.items():
            if _is_number(told.get(name)):
                family.add_metric((route,), told[name])
        yield family
    text = "From the intended time of a request until its answer, last ten seconds."
    latency = GaugeMetricFamily(LATENCY, text, labels=("route", "quantile"))
    for route, told in routes.items():
        for name, ms in (told.get("latency_ms") or {}).items():
            if name in QUANTILES and _is_number(ms):
                latency.add_metric((route, QUANTILES[name]), ms / 1000)
    yield latency


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
