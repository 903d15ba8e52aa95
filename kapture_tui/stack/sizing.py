"""From a scale to replicas and partitions, and what a stack on one machine will take."""

from __future__ import annotations

from dataclasses import dataclass

from kapture_tui.model.spec import Component, StackSpec
from kapture_tui.model.states import STATES

PARTITIONS_PER_CONSUMER = 3
"""At least as many partitions of all topics for each member of a group, so that no member idles and shares are even."""


@dataclass(frozen=True, slots=True)
class Size:
    """What a scale means.

    Attributes:
        loaders, etl, sinks: replicas of the data-loader, of the ETL and of each database's sink.
        topics: topics of transactions.
        partitions: of each of these topics.
    """

    loaders: int
    etl: int
    sinks: int
    topics: int
    partitions: int

    def replicas(self, component: Component) -> int:
        """How many of a component the scale starts; 1 for what it does not multiply."""
        counts = {Component.LOADER: self.loaders, Component.ETL: self.etl, Component.REDIS_SINK: self.sinks}
        return counts.get(component, 1)


def size(scale: int) -> Size:
    """The size of a stack of this scale (1 or more)."""
    topics = len(STATES)
    partitions = -(-scale * PARTITIONS_PER_CONSUMER // topics)
    return Size(loaders=scale, etl=scale, sinks=scale, topics=topics, partitions=partitions)


@dataclass(frozen=True, slots=True)
class Estimate:
    """What starting a stack on this machine takes.

    Attributes:
        processes: child processes, the supervisor included.
        memory_bytes: resident memory of all of them in steady state, bytes.
        seconds: until transactions flow.
    """

    processes: int
    memory_bytes: int
    seconds: float


@dataclass(frozen=True, slots=True)
class _Cost:
    """Of one process: resident memory, and seconds of one core until it is ready."""

    mebibytes: float
    start_s: float


_MIB = 1024 * 1024
_SUPERVISOR = _Cost(40, 0.3)
_WRAPPER = _Cost(10, 0.05)
_COSTS = {
    Component.LOADER: _Cost(90, 1.0),
    Component.ETL: _Cost(75, 0.5),
    Component.REDIS_SINK: _Cost(75, 0.5),
    Component.OBSERVER: _Cost(70, 0.5),
    Component.REDIS: _Cost(40, 0.1),
}
_EMBEDDED = _Cost(120, 0.3)
_REAL_KAFKA = _Cost(900, 5.0)


def estimate(spec: StackSpec, cores: int) -> Estimate:
    """What the stack takes on a machine with that many cores: measured on two, and rounded."""
    scaled = size(spec.scale)
    costs = [_SUPERVISOR]
    for component, cost in _COSTS.items():
        if spec.has(component) and not (component is Component.REDIS and spec.redis_url):
            costs += [cost, _WRAPPER] * scaled.replicas(component)
    if not spec.kafka_bootstrap:
        costs += [_REAL_KAFKA if spec.kafka_home else _EMBEDDED, _WRAPPER]
    children = sum(cost is not _WRAPPER for cost in costs)
    return Estimate(
        processes=children,
        memory_bytes=int(sum(cost.mebibytes for cost in costs) * _MIB),
        seconds=sum(cost.start_s for cost in costs) / max(1, cores),
    )
