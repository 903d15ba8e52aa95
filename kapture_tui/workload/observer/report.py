"""The sources' answers put together: the report of one tick."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from kapture_tui.model.histogram import Histogram
from kapture_tui.model.snapshot import ContainerUsage, ObserverReport, RedisView, StateSales
from kapture_tui.model.times import timestamp
from kapture_tui.workload.observer.kafka_watch import KafkaPart
from kapture_tui.workload.sinks.base import Statistics

NOT_DEPLOYED = "not deployed"

SHOP_IN = "redis"
"""The database that knows what is bought in each state. What is popular others may tell where it is missing."""

SHOP = ("popular", "sales")
"""What it knows of that."""


@dataclass(frozen=True, slots=True)
class Published:
    """A report and what else /metrics needs.

    Attributes:
        histograms: latency of the whole run, by group.
        sources: by source, whether it answered.
        tick_s: how long the tick took, seconds.
    """

    report: ObserverReport
    histograms: Mapping[str, Histogram] = field(default_factory=dict)
    sources: Mapping[str, bool] = field(default_factory=dict)
    tick_s: float = 0.0


def assemble(
    time_s: float,
    seq: int,
    kafka: tuple[KafkaPart | None, str],
    databases: Mapping[str, tuple[Statistics | None, str]],
    containers: Mapping[str, ContainerUsage] | None = None,
) -> ObserverReport:
    """One report.

    Args:
        time_s: now, seconds since the epoch.
        seq: of the tick.
        kafka: what Kafka answered, or None and the reason.
        databases: the same of each database of the stack and of each part that tells its figures itself, by name.
        containers: what pods tell of their containers, by name.
    """
    part, no_kafka = kafka
    unavailable = dict.fromkeys(("redis", *SHOP), NOT_DEPLOYED)
    unavailable |= dict.fromkeys(("kafka", "flow", "ledger"), no_kafka) if part is None else part.unavailable
    figures: dict[str, Mapping[str, Any]] = {}
    popular: Mapping[str, tuple[str, ...]] = {}
    sales: Mapping[str, StateSales] = {}
    for name, (statistics, why) in databases.items():
        told = (name, *SHOP) if name == SHOP_IN else (name,)
        unavailable = {part: reason for part, reason in unavailable.items() if part not in told}
        if statistics is None:
            unavailable |= dict.fromkeys(told, why)
            continue
        figures[name] = statistics.figures
        if statistics.popular and (name == SHOP_IN or not popular):
            popular = statistics.popular
        sales = statistics.sales or sales
        unavailable |= {_reason_of(name, figure): why for figure, why in statistics.unavailable.items()}
    if popular:
        unavailable.pop("popular", None)
    redis = figures.pop("redis", None)
    own = {
        name: figures.pop(name, None) for name in ("elasticsearch", "postgres", "mongo", "webapp", "spout")
    }
    return ObserverReport(
        time=timestamp(time_s),
        seq=seq,
        kafka=part.kafka if part else None,
        flow=part.flow if part else None,
        ledger=part.ledger if part else None,
        redis=RedisView(**redis) if redis is not None else None,
        databases=figures,
        popular=popular,
        sales=sales,
        loaders=part.loaders if part else (),
        drained=part.drained if part else False,
        containers=containers or {},
        unavailable=unavailable,
        **own,
    )


def _reason_of(part: str, figure: str) -> str:
    """Where the reason for a missing figure stands in `unavailable`: "postgres.rows"."""
    return figure if figure in SHOP else f"{part}.{figure}"
