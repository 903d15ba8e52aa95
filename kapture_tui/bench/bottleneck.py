"""What holds a stack back: named from the evidence of a trial, the strongest first. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kapture_tui.bench.trial import Bottleneck, Usage
from kapture_tui.model.histogram import Histogram
from kapture_tui.model.snapshot import Snapshot
from kapture_tui.model.spec import Component

BEHIND_S = 1.5
"""A group this late (looked at once a second) is what waits, or what is waited for."""

BUSY = 0.9
"""Part of a CPU limit, or of the one core that a single thread has, from which on a component is at its limit."""

LITTLE = 0.5
_BROKERS = "the brokers"

_SINK_PREFIX = "etl-"
"""A database's consumer group is named after it."""

_ONE_THREAD = (Component.ETL.value, Component.REDIS.value)
"""Components whose pods use one core and no more; sinks are of them too."""


def bottleneck(
    snapshots: Sequence[Snapshot], usage: Mapping[str, Usage], growing: Mapping[str, float]
) -> Bottleneck | None:
    """What the snapshots of a trial point to; None when nothing is near its limit.

    Args:
        growing: the groups whose lag grows, and how fast, records a second.
    """
    lateness = _lateness(snapshots)
    group = max(growing or lateness, key=lambda name: lateness.get(name, 0.0), default="")
    if group in growing or lateness.get(group, 0.0) >= BEHIND_S:
        slope = f", its lag grows by {growing[group]:,.0f}/s" if group in growing else ""
        return _behind(group, f"{lateness.get(group, 0.0):.1f} s behind{slope}", usage)
    if any(snapshot.flow and snapshot.flow.limited_by.startswith(_BROKERS) for snapshot in snapshots):
        return Bottleneck(Component.KAFKA.value, f"loaders wait for it{_cpu(Component.KAFKA.value, usage)}")
    busiest = max(usage, key=lambda name: busy(name, usage[name]) or 0.0, default="")
    if not busiest or (busy(busiest, usage[busiest]) or 0.0) < BUSY:
        return None
    return Bottleneck(busiest, f"busy{_cpu(busiest, usage)}")


def slowest(latency: Mapping[str, Histogram]) -> Bottleneck | None:
    """The group that took longest, for a trial that was missed though nothing stands out; None without latencies."""
    p99 = {group: histogram.percentile_us(99) or 0 for group, histogram in latency.items()}
    group = max(p99, key=lambda name: p99[name], default="")
    return Bottleneck(group, f"the slowest, p99 {p99[group] / 1000:,.0f} ms") if group else None


def _lateness(snapshots: Sequence[Snapshot]) -> dict[str, float]:
    """By group, how late it was at most, seconds."""
    worst: dict[str, float] = {}
    for snapshot in snapshots:
        for name, view in snapshot.kafka.total.groups.items() if snapshot.kafka else ():
            worst[name] = max(worst.get(name, 0.0), view.lag_s or 0.0)
    return worst


def _behind(group: str, why: str, usage: Mapping[str, Usage]) -> Bottleneck:
    """The group itself, or its database when that is busy and the group is not."""
    database = group.removeprefix(_SINK_PREFIX)
    if database != group and database in usage:
        waits = (busy(group, usage.get(group, Usage())) or 0.0) < LITTLE
        if waits and (busy(database, usage[database]) or 0.0) >= BUSY:
            return Bottleneck(database, f"{group} waits for it{_cpu(database, usage)}")
    return Bottleneck(group, f"{why}{_cpu(group, usage)}")


def busy(component: str, used: Usage) -> float | None:
    """How much of the CPU it can use it used, 0 to 1 and a little more; None: not known, or nothing limits it."""
    if used.cpu_cores is None:
        return None
    if used.cpu_limit:
        return used.cpu_cores / used.cpu_limit
    one_thread = component in _ONE_THREAD or component.startswith(_SINK_PREFIX)
    return used.cpu_cores / used.pods if one_thread and used.pods else None


def _cpu(component: str, usage: Mapping[str, Usage]) -> str:
    used = usage.get(component, Usage())
    if used.cpu_cores is None:
        return ""
    limit = f" of the {used.cpu_limit:g} it may use" if used.cpu_limit else ""
    throttled = f", throttled in {used.throttled_ratio:.0%} of its periods" if used.throttled_ratio else ""
    return f", {used.cpu_cores:.2f} cores{limit}{throttled}"
