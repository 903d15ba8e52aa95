"""Snapshots of a stack under load, as tests want them."""

from __future__ import annotations

from typing import Any

from kapture_tui.model.histogram import Histogram
from kapture_tui.model.ledger import GroupLedger, Ledger
from kapture_tui.model.snapshot import (
    FlowView,
    GroupFlow,
    GroupLag,
    KafkaView,
    LoaderRow,
    PodRow,
    Snapshot,
    TopicView,
)

GROUPS = ("etl", "etl-redis")


def pod(name: str, component: str, **other: Any) -> PodRow:
    used: dict[str, Any] = {"cpu_cores": 0.5, "memory_bytes": 100 << 20, "sample_age_s": 0.2}
    return PodRow(name, component, "Running", ready=True, **(used | other))


PODS = (pod("etl-0", "etl"), pod("etl-redis-0", "etl-redis"), pod("data-loader-0", "data-loader"))


def snapshot(lag: int = 20, lag_s: float = 0.1, latencies: int = 0, **other: Any) -> Snapshot:
    """What is seen of a stack under 1,000 a second; `latencies` of 50 ms have been counted in each group."""
    histogram = Histogram.of([50_000] * latencies)
    values: dict[str, Any] = {
        "pods": PODS,
        "kafka": KafkaView(1, total=TopicView(groups={name: GroupLag(lag, 990.0, lag_s) for name in GROUPS})),
        "flow": FlowView(
            1000.0,
            1000.0,
            990.0,
            0.0,
            "open loop",
            groups={n: GroupFlow(latency_run=histogram) for n in GROUPS},
        ),
        "ledger": Ledger(100, 100, groups=dict.fromkeys(GROUPS, GroupLedger())),
        "loaders": (LoaderRow("data-loader-0", "live", 100, 1000.0, 1000.0, 0.0),),
        "report_age_s": 0.1,
    }
    return Snapshot(**(values | other))
