"""From a scale to replicas and partitions, and what a stack will take: docs/sizing.md has it as a table."""

from __future__ import annotations

from dataclasses import dataclass

from kapture_tui.model.spec import Component, StackSpec, databases, sink_of
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
        brokers: of Kafka, where the stack brings a cluster of its own; on one machine it is one broker.
    """

    loaders: int
    etl: int
    sinks: int
    topics: int
    partitions: int
    brokers: int

    def replicas(self, component: Component) -> int:
        """How many of a component the scale starts; 1 for what it does not multiply."""
        counts = {Component.LOADER: self.loaders, Component.ETL: self.etl}
        counts |= {sink_of(database): self.sinks for database in databases()}
        counts[Component.ZOOKEEPER] = len(voters(self.brokers))
        return counts.get(component, 1)


def size(scale: int) -> Size:
    """The size of a stack of this scale (1 or more)."""
    topics = len(STATES)
    partitions = -(-scale * PARTITIONS_PER_CONSUMER // topics)
    return Size(loaders=scale, etl=scale, sinks=scale, topics=topics, partitions=partitions, brokers=scale)


def replication(brokers: int) -> int:
    """How many replicas a partition has."""
    return min(3, brokers)


def min_insync(brokers: int) -> int:
    """How many replicas must have a message before it counts as written: with three, one may be away."""
    return 2 if replication(brokers) >= 3 else 1


def voters(brokers: int) -> tuple[int, ...]:
    """The brokers that vote on Kafka's metadata; fixed when the cluster is made. As many ZooKeepers do it for them."""
    return (0, 1, 2) if brokers >= 3 else (0,)


def cpu_limit(name: str) -> str:
    """The CPU limit of each container of a workload, where limits are wanted."""
    return _CPU_LIMITS.get(name, "1")


def claimed(name: str) -> str:
    """The size of the volume a server's pod claims."""
    return _CLAIMS.get(name, "5Gi")


_CPU_LIMITS = {"kafka": "2", "data-loader": "2"}

# At most 51 partitions of 256 MiB and 51 of 32 MiB on a broker, and a segment more of each: see workload/topics.py.
# Mongo keeps every transaction for good.
# In Postgres a transaction takes some 400 bytes with its items and indexes, and up to 1 GiB is log.
_CLAIMS = {
    "kafka": "20Gi",
    "mongo": "10Gi",
    "postgres": "20Gi",
    "elasticsearch": "10Gi",
    "zookeeper": "1Gi",
}


@dataclass(frozen=True, slots=True)
class Estimate:
    """What starting a stack on this machine takes.

    Attributes:
        processes: all of them: children, their wrappers, the supervisor.
        memory_bytes: resident memory of all of them after some minutes at full speed, bytes.
        seconds: until transactions flow.
    """

    processes: int
    memory_bytes: int
    seconds: float


@dataclass(frozen=True, slots=True)
class _Cost:
    """Of one process: resident memory after two minutes at full speed, and CPU seconds until it is ready."""

    mebibytes: float
    start_s: float


# Measured on two cores with Python 3.11: a stack of scale 1 that carried 16 to 24 thousand transactions a second.
_MIB = 1024 * 1024
_SUPERVISOR = _Cost(32, 0.5)
_WRAPPER = _Cost(9, 0.02)
_COSTS = {
    Component.LOADER: _Cost(67, 0.7),
    Component.ETL: _Cost(85, 0.6),
    Component.REDIS_SINK: _Cost(86, 0.6),
    Component.POSTGRES_SINK: _Cost(116, 0.3),
    Component.MONGO_SINK: _Cost(94, 0.3),
    Component.SPOUT: _Cost(53, 0.3),
    # What its processes share counted once; more than a minute at 11 thousand transactions a second.
    Component.POSTGRES: _Cost(165, 0.7),
    Component.OBSERVER: _Cost(51, 0.5),
    Component.REDIS: _Cost(10, 0.1),
    Component.WEBAPP: _Cost(66, 0.6),
    Component.SHOPPERS: _Cost(48, 0.5),
    # With a heap of 512 MiB, its launcher included.
    Component.ELASTICSEARCH: _Cost(910, 23.0),
    Component.ELASTICSEARCH_SINK: _Cost(98, 0.8),
}
_EMBEDDED = _Cost(200, 0.4)
_REAL_KAFKA = _Cost(700, 14.0)
_ZOOKEEPER = _Cost(70, 0.6)
_LOADER_PER_CUSTOMER = _Cost(0.006, 0.00016)
_REDIS_PER_CUSTOMER_MIB = 0.00015
_WAITS_S = 1.0
"""What does not get shorter with more cores: groups wait for their members."""


def estimate(spec: StackSpec, cores: int) -> Estimate:
    """What the stack takes on a machine with that many cores."""
    scaled = size(spec.scale)
    costs = [_COSTS[component] for component in _COSTS for _ in range(_here(spec, component, scaled))]
    if not spec.kafka_bootstrap:
        costs.append(_REAL_KAFKA if spec.kafka_home else _EMBEDDED)
        costs += [_ZOOKEEPER] if spec.has(Component.ZOOKEEPER) else []
    costs += [_WRAPPER] * len(costs) + [_SUPERVISOR]
    customers = spec.load.customers * scaled.loaders
    mebibytes = sum(cost.mebibytes for cost in costs) + customers * _LOADER_PER_CUSTOMER.mebibytes
    if _here(spec, Component.REDIS, scaled):
        mebibytes += customers * _REDIS_PER_CUSTOMER_MIB
    cpu_s = sum(cost.start_s for cost in costs) + customers * _LOADER_PER_CUSTOMER.start_s
    return Estimate(len(costs), int(mebibytes * _MIB), _WAITS_S + cpu_s / max(1, cores))


def _here(spec: StackSpec, component: Component, scaled: Size) -> int:
    """How many processes of a component this machine runs."""
    if not spec.has(component) or spec.url(component):
        return 0
    return scaled.replicas(component)
