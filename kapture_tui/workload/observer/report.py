"""The sources' answers put together: the report of one tick."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from kapture_tui.model.histogram import Histogram
from kapture_tui.model.snapshot import ObserverReport, RedisView
from kapture_tui.model.times import timestamp
from kapture_tui.workload.observer.kafka_watch import KafkaPart
from kapture_tui.workload.sinks.base import Statistics

NOT_DEPLOYED = "not deployed"

POPULAR_IN = "redis"
"""The database that knows what is popular in every state at any time; others are good enough where it is missing."""


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
) -> ObserverReport:
    """One report.

    Args:
        time_s: now, seconds since the epoch.
        seq: of the tick.
        kafka: what Kafka answered, or None and the reason.
        databases: the same of each database of the stack, by name.
    """
    part, no_kafka = kafka
    unavailable = {"redis": NOT_DEPLOYED, "popular": NOT_DEPLOYED}
    unavailable |= dict.fromkeys(("kafka", "flow", "ledger"), no_kafka) if part is None else part.unavailable
    figures: dict[str, Mapping[str, Any]] = {}
    popular: Mapping[str, tuple[str, ...]] = {}
    for name, (statistics, why) in databases.items():
        unavailable.pop(name, None)
        if name == POPULAR_IN:
            del unavailable["popular"]
        if statistics is None:
            unavailable |= dict.fromkeys((name, "popular") if name == POPULAR_IN else (name,), why)
            continue
        figures[name] = statistics.figures
        if statistics.popular and (name == POPULAR_IN or not popular):
            popular = statistics.popular
        unavailable |= {_reason_of(name, figure): why for figure, why in statistics.unavailable.items()}
    if popular:
        unavailable.pop("popular", None)
    redis = figures.pop("redis", None)
    own = {name: figures.pop(name, None) for name in ("elasticsearch", "postgres", "mongo")}
    return ObserverReport(
        time=timestamp(time_s),
        seq=seq,
        kafka=part.kafka if part else None,
        flow=part.flow if part else None,
        ledger=part.ledger if part else None,
        redis=RedisView(**redis) if redis is not None else None,
        databases=figures,
        popular=popular,
        loaders=part.loaders if part else (),
        drained=part.drained if part else False,
        unavailable=unavailable,
        **own,
    )


def _reason_of(database: str, figure: str) -> str:
    """Where the reason for a missing figure stands in `unavailable`: "postgres.rows"."""
    return figure if figure == "popular" else f"{database}.{figure}"
