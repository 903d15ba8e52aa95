"""The Snapshot: everything one telemetry tick learned, for every reader: console, --json, recorder, bench.

Field names are public. A figure that is not known is None and its reason stands in `Snapshot.unavailable`; it is never
0. Readers must bear further fields.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from kapture_tui.model.event import Event
from kapture_tui.model.histogram import Histogram
from kapture_tui.model.ledger import Ledger

SCHEMA = 1


class Phase(Enum):
    """Where a run stands."""

    NONE = "none"
    """There is no stack of that name."""
    DEPLOYING = "deploying"
    STARTING = "starting"
    """Everything is deployed; no transaction has arrived yet."""
    FLOWING = "flowing"
    PAUSED = "paused"
    """A person paused the loaders."""
    DRAINING = "draining"
    """The loaders have stopped; consumers read what is left."""
    DRAINED = "drained"
    FAILED = "failed"
    """The run cannot go on; the last events say why."""
    DESTROYING = "destroying"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class RunInfo:
    """Which run this is.

    Attributes:
        elapsed_s: since the end of the deploy, seconds; None before.
        addresses: by component, where a person opens it: an address, or the command that makes it reachable.
    """

    namespace: str = ""
    target: str = "local"
    run_id: str = ""
    phase: Phase = Phase.NONE
    elapsed_s: float | None = None
    scale: int = 0
    components: tuple[str, ...] = ()
    addresses: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PodRow:
    """A pod, or a child process of the local target.

    Attributes:
        phase: as Kubernetes says it: Pending, Running, Succeeded, Failed, Unknown; Terminating when on its way out.
        reason: why it is not running well, in a few words; "" if it is.
        age_s: since it was started, seconds.
        node: None for a local process.
        cpu_cores: cores in use; None when not measured (yet).
        memory_bytes: resident set (local) or working set (Kubernetes).
        cpu_limit, memory_limit: None: unlimited.
        throttled_ratio: part of the periods in which the CPU limit held it back, 0 to 1; None: not known.
        sample_age_s: age of the usage figures, seconds.
        cpu_age_s: age of `cpu_cores` where the process told it itself, as a mean over three seconds; None: it is as old
            as the other usage figures.
        network_bytes_per_s: received and sent, without the loopback; None: not known, as for a process that shares its
            machine's network.
        disk_bytes_per_s: read from and written to a disk; None: not known.
    """

    name: str
    component: str
    phase: str = "Pending"
    reason: str = ""
    ready: bool = False
    restarts: int = 0
    age_s: float | None = None
    node: str | None = None
    cpu_cores: float | None = None
    memory_bytes: int | None = None
    cpu_limit: float | None = None
    memory_limit: int | None = None
    throttled_ratio: float | None = None
    sample_age_s: float | None = None
    cpu_age_s: float | None = None
    network_bytes_per_s: float | None = None
    disk_bytes_per_s: float | None = None


@dataclass(frozen=True, slots=True)
class GroupLag:
    """One consumer group's place in a topic (or in all of them).

    Attributes:
        lag: records written and not yet committed; never clamped: below 0 would be a fault worth seeing.
        out_per_s: records committed a second; None until two samples exist.
        lag_s: how late it is: age of the oldest record not yet committed, seconds; 0 when lag is 0; None: not known.
    """

    lag: int | None = None
    out_per_s: float | None = None
    lag_s: float | None = None


@dataclass(frozen=True, slots=True)
class TopicView:
    """A state's topic, or the sum of all.

    Attributes:
        end_offset: sum of the partitions' end offsets.
        in_per_s: records appended a second; None until two samples exist.
        groups: by consumer group.
    """

    partitions: int = 0
    end_offset: int | None = None
    in_per_s: float | None = None
    groups: Mapping[str, GroupLag] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class KafkaView:
    """Kafka as the observer sees it. `states` has all 51; `brokers` is the number that answer."""

    brokers: int | None = None
    states: Mapping[str, TopicView] = field(default_factory=dict)
    total: TopicView = field(default_factory=TopicView)


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds, from the intended send time until stored; None when nothing arrived in the time looked at."""

    p50: float | None = None
    p95: float | None = None
    p99: float | None = None
    max: float | None = None


@dataclass(frozen=True, slots=True)
class GroupFlow:
    """A consumer group's speed.

    Attributes:
        latency_ms: over the last ten seconds.
        latency_run_ms: over the whole run.
        latency_run: the histogram behind it; what was counted between two Snapshots is their difference.
        delivered_per_s: different messages stored a second.
    """

    latency_ms: Latency = field(default_factory=Latency)
    latency_run_ms: Latency = field(default_factory=Latency)
    latency_run: Histogram = field(default_factory=Histogram)
    delivered_per_s: float | None = None


@dataclass(frozen=True, slots=True)
class FlowView:
    """Transactions a second through the stack.

    Attributes:
        offered_per_s: due by the loaders' schedules; without a rate, handed to the client.
        acked_per_s: acknowledged by Kafka.
        delivered_per_s: stored by the slowest consumer group.
        loader_slip_s: how far the worst loader is behind its schedule; None without a schedule.
        mode: "open loop" (on schedule), "unbounded", "closed loop" (held back by the slowest group), "waiting" (for
            groups that do not read yet) or "paused" (all loaders are, by a person); None when no loader lives.
        limited_by: what the loaders say holds them back; "" if nothing does.
        ack_latency_ms: from the intended time to Kafka's acknowledgement, over the last ten seconds.
        groups: by consumer group.
    """

    offered_per_s: float | None = None
    acked_per_s: float | None = None
    delivered_per_s: float | None = None
    loader_slip_s: float | None = None
    mode: str | None = None
    limited_by: str = ""
    ack_latency_ms: Latency = field(default_factory=Latency)
    groups: Mapping[str, GroupFlow] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RedisView:
    """Redis INFO, where it matters.

    Attributes:
        commands: command name to calls a second, the busiest first.
        hit_ratio: key lookups that found something, 0 to 1, over the last tick with any; None: no lookups.
        replicas: servers that follow this one now; None: it does not say.
        network_bytes_per_s: received and sent, commands and replication; None until there are two samples.
    """

    ops_per_s: float | None = None
    keys: int | None = None
    memory_bytes: int | None = None
    clients: int | None = None
    commands: Mapping[str, float] = field(default_factory=dict)
    hit_ratio: float | None = None
    replicas: int | None = None
    network_bytes_per_s: float | None = None


@dataclass(frozen=True, slots=True)
class Sale:
    """One transaction, as a person would tell it.

    Attributes:
        customer, number: together they name it: the customer's transactions count 0, 1, 2, …
        day: simulated time, days.
        cents: price of all items; 0 where the record carries none.
        products: in the order they were picked.
        store: where; "" where the record does not say.
    """

    customer: int
    number: int
    day: float = 0.0
    cents: int = 0
    products: tuple[str, ...] = ()
    store: str = ""


@dataclass(frozen=True, slots=True)
class StateSales:
    """What has been sold in one state, as the databases have it.

    Attributes:
        orders, items, revenue_cents: since the run began.
        stores: how many of its stores have sold something; None: not known.
        busiest: of these, best first.
        latest: the last transactions, newest first.
    """

    orders: int | None = None
    items: int | None = None
    revenue_cents: int | None = None
    stores: int | None = None
    busiest: tuple[str, ...] = ()
    latest: tuple[Sale, ...] = ()


@dataclass(frozen=True, slots=True)
class Evidence:
    """A figure that speaks for what is said about the limit.

    Attributes:
        subject: whose figure it is: a component, a pod or a database.
        figure: its name in `telemetry/limits.py`: "lag_growth_per_s".
        value: in the unit its name ends with.
        text: for people: "its lag grows by 3,200/s".
    """

    subject: str
    figure: str
    value: float
    text: str


@dataclass(frozen=True, slots=True)
class Limit:
    """What keeps the stack from carrying more now.

    Attributes:
        rule: id of the rule that found it; "none" where nothing is short.
        subject: the component at the limit; "" where nothing is short.
        text: one sentence with its evidence, or how much room is left.
        evidence: the figures behind it, the weightiest first.
    """

    rule: str
    subject: str
    text: str
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True)
class LoaderRow:
    """One loader's own words: see `LoaderHalf`. `state` is live, done or dead."""

    name: str
    state: str
    acked: int = 0
    acked_per_s: float | None = None
    rate: float | None = None
    slip_s: float | None = None
    held_back: int = 0
    limited_by: str = ""


@dataclass(frozen=True, slots=True)
class ContainerUsage:
    """What a process that is alone in its container says of it: see `PodRow`. None: not known."""

    network_bytes_per_s: float | None = None
    disk_bytes_per_s: float | None = None
    throttled_ratio: float | None = None
    cpu_cores: float | None = None


@dataclass(frozen=True, slots=True)
class ObserverReport:
    """What the observer serves at /report: the part of the Snapshot that is read from inside the stack.

    Attributes:
        time: UTC, ISO 8601 with milliseconds and "Z".
        seq: counts the observer's ticks.
        databases: figures of databases from outside the project, by name.
        popular: by state, the best-selling products, best first.
        sales: by state, what has been sold.
        drained: every group has read everything the loaders sent, and no loader is live.
        containers: by pod, of those that tell.
        unavailable: what could not be measured, with the reason.
    """

    time: str
    seq: int
    kafka: KafkaView | None = None
    flow: FlowView | None = None
    ledger: Ledger | None = None
    redis: RedisView | None = None
    elasticsearch: Mapping[str, Any] | None = None
    postgres: Mapping[str, Any] | None = None
    mongo: Mapping[str, Any] | None = None
    webapp: Mapping[str, Any] | None = None
    spout: Mapping[str, Any] | None = None
    databases: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    popular: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    sales: Mapping[str, StateSales] = field(default_factory=dict)
    loaders: tuple[LoaderRow, ...] = ()
    drained: bool = False
    containers: Mapping[str, ContainerUsage] = field(default_factory=dict)
    unavailable: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything one tick learned. Start with `Snapshot()`: a valid picture of nothing.

    Attributes:
        time: UTC, ISO 8601 with milliseconds and "Z"; "" before the first tick.
        limit: where the limit is now; None: nothing that could say it is measured.
        report_age_s: age of the observer's report in this snapshot, seconds; None: there is none.
        age_s: age of what the target told, seconds; more than 0 when it does not answer (`unavailable["target"]`).
        unavailable: for each part or figure that is None, the reason.
    """

    schema: int = SCHEMA
    time: str = ""
    seq: int = 0
    run: RunInfo = field(default_factory=RunInfo)
    pods: tuple[PodRow, ...] = ()
    kafka: KafkaView | None = None
    flow: FlowView | None = None
    limit: Limit | None = None
    ledger: Ledger | None = None
    redis: RedisView | None = None
    elasticsearch: Mapping[str, Any] | None = None
    postgres: Mapping[str, Any] | None = None
    mongo: Mapping[str, Any] | None = None
    webapp: Mapping[str, Any] | None = None
    spout: Mapping[str, Any] | None = None
    databases: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    popular: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    sales: Mapping[str, StateSales] = field(default_factory=dict)
    loaders: tuple[LoaderRow, ...] = ()
    events: tuple[Event, ...] = ()
    report_age_s: float | None = None
    age_s: float = 0.0
    drained: bool = False
    unavailable: Mapping[str, str] = field(default_factory=dict)
