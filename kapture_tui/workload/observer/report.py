"""The sources' answers put together: the report of one tick."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from kapture_tui.model.histogram import Histogram
from kapture_tui.model.snapshot import ObserverReport
from kapture_tui.model.times import timestamp
from kapture_tui.workload.observer.kafka_watch import KafkaPart
from kapture_tui.workload.observer.redis_watch import RedisPart


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
    redis: tuple[RedisPart | None, str] | None,
) -> ObserverReport:
    """One report.

    Args:
        time_s: now, seconds since the epoch.
        seq: of the tick.
        kafka: what Kafka answered, or None and the reason.
        redis: the same of Redis; None: this stack has none.
    """
    part, no_kafka = kafka
    store, no_redis = (None, "not deployed") if redis is None else redis
    unavailable: dict[str, str] = dict.fromkeys(("kafka", "flow", "ledger"), no_kafka) if part is None else {}
    if store is None:
        unavailable |= {"redis": no_redis, "popular": no_redis, "sales": no_redis}
    return ObserverReport(
        time=timestamp(time_s),
        seq=seq,
        kafka=part.kafka if part else None,
        flow=part.flow if part else None,
        ledger=part.ledger if part else None,
        redis=store.redis if store else None,
        popular=store.popular if store else {},
        sales=store.sales if store else {},
        loaders=part.loaders if part else (),
        drained=part.drained if part else False,
        unavailable=unavailable
        | dict(part.unavailable if part else {})
        | dict(store.unavailable if store else {}),
    )
