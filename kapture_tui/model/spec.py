"""What a person asked for: which components, how many, under which load."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum

from kapture_tui.model.errors import UsageError


class Component(Enum):
    """The parts of a stack. The value is the name on the screen, in labels and on the command line.

    The set is open: `database` adds those of a database that comes from outside the project.
    """

    KAFKA = "kafka"
    LOADER = "data-loader"
    ETL = "etl"
    OBSERVER = "observer"
    REDIS = "redis"
    REDIS_SINK = "etl-redis"
    ELASTICSEARCH = "elasticsearch"
    ELASTICSEARCH_SINK = "etl-elasticsearch"
    POSTGRES = "postgres"
    POSTGRES_SINK = "etl-postgres"
    MONGO = "mongo"
    MONGO_SINK = "etl-mongo"
    SPOUT = "spout"
    WEBAPP = "webapp"
    SHOPPERS = "shoppers"
    PROMETHEUS = "prometheus"
    ZOOKEEPER = "zookeeper"

    @classmethod
    def named(cls, name: str) -> Component:
        """The component of that name, made if there is none yet."""
        known = cls._value2member_map_.get(name)
        if known is None:
            known = object.__new__(
                cls
            )  # as Flag makes its combinations: no member to iterate over, but one of a kind
            known._name_ = known._value_ = name
            cls._value2member_map_[name] = known
        assert isinstance(known, cls)
        return known


ALWAYS = (Component.KAFKA, Component.LOADER, Component.ETL, Component.OBSERVER)
"""What every stack has."""

CHOICES = (
    Component.REDIS,
    Component.ELASTICSEARCH,
    Component.POSTGRES,
    Component.MONGO,
    Component.WEBAPP,
    Component.PROMETHEUS,
    Component.ZOOKEEPER,
)
"""What a person may add, in the order of the setup screen."""

SENDERS = (Component.LOADER, Component.WEBAPP)
"""What puts transactions into Kafka: while one of these runs, more may come."""

SINK_PREFIX = "etl-"
"""A database's sink is named after it."""

_DATABASES = [Component.REDIS, Component.ELASTICSEARCH, Component.POSTGRES, Component.MONGO]

_COMES_WITH: Mapping[Component, tuple[Component, ...]] = {
    Component.SPOUT: (Component.POSTGRES, Component.MONGO),
    Component.SHOPPERS: (Component.WEBAPP,),
}
"""What nobody chooses: it is there as soon as one of these is."""


def databases() -> tuple[Component, ...]:
    """Every database that transactions can be written to; each has a sink."""
    return tuple(_DATABASES)


def add_database(name: str) -> Component:
    """Make a database from outside the project known, and its sink with it."""
    database = Component.named(name)
    if database not in _DATABASES:
        _DATABASES.append(database)
    Component.named(SINK_PREFIX + name)
    return database


def sink_of(database: Component) -> Component:
    """The sink that writes to a database."""
    return Component(SINK_PREFIX + database.value)


def spout_source(groups: Collection[str]) -> str | None:
    """The one of a stack's consumer groups whose database the spout reads; None: the stack has no spout."""
    sources = [sink_of(database).value for database in _COMES_WITH[Component.SPOUT]]
    return next((source for source in sources if source in groups), None)


def chosen_by(component: Component) -> tuple[Component, ...]:
    """Which choices bring a component along; itself, if it is chosen as such."""
    name = component.value
    if name.startswith(SINK_PREFIX):
        return (Component(name.removeprefix(SINK_PREFIX)),)
    return _COMES_WITH.get(component, (component,))


NAMESPACE = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
"""A DNS label (RFC 1123), as Kubernetes demands it."""

_CLUSTERS_OWN = ("default", "kube-")


def refuse_reserved(namespace: str) -> None:
    """Raises UsageError for a namespace of a cluster that belongs to the cluster itself."""
    if namespace == _CLUSTERS_OWN[0] or namespace.startswith(_CLUSTERS_OWN[1]):
        raise UsageError(
            f"namespace {namespace!r}", "is the cluster's own, where no stack belongs", "choose another name"
        )


MAX_CUSTOMERS = 1 << 20
"""Customers a loader may have: its customer ids are a block of this size."""


MAX_RATE = 10_000_000.0
"""Transactions a second that may be asked of a loader: far more than one can send."""


MAX_SHOPPERS = 1000
"""Shoppers of one process, which can make about two thousand visits a second of a core: half of that is on time."""


@dataclass(frozen=True, slots=True)
class LoadSpec:
    """The load.

    Attributes:
        stores: pet stores, shared by all loaders.
        customers: customers *of each loader*.
        days: simulated days of a round; loaders begin another round when it is over.
        models: purchasing models the customers are spread over.
        rate: transactions a second and loader; None: as fast as the brokers take them.
        seed: the run's seed; the same seed and names give the same bytes.
        compat: publish products as field names only, as the 2016 queue loader did.
        shoppers: that visit the webapp, *of each process of them*; each asks for a page a second, on average.
    """

    stores: int = 250
    customers: int = 5000
    days: int = 2500
    models: int = 1
    rate: float | None = None
    seed: int = 1
    compat: bool = False
    shoppers: int = 5

    def check(self) -> None:
        """Raises UsageError for the first figure that is out of range."""
        for name in ("stores", "customers", "days", "models", "shoppers"):
            if getattr(self, name) < 1:
                raise UsageError(f"--{name} {getattr(self, name)}", "must be 1 or more")
        if self.customers > MAX_CUSTOMERS:
            raise UsageError(
                f"--customers {self.customers}", f"a loader has at most {MAX_CUSTOMERS:,}", "use more loaders"
            )
        if self.shoppers > MAX_SHOPPERS:
            raise UsageError(
                f"--shoppers {self.shoppers}", f"a process has at most {MAX_SHOPPERS:,}", "scale the shoppers"
            )
        if self.rate is not None and not 0 < self.rate <= MAX_RATE:
            raise UsageError(
                f"--rate {self.rate}",
                f"must be more than 0 and at most {MAX_RATE:,.0f}",
                "leave it out for an unbounded rate",
            )


STORAGE = ("ephemeral", "persistent")
"""What brokers and databases keep their data on: the node's disk as long as the pod lives, or claimed volumes."""

REDIS_COUNTS = (1, *range(3, 10))
"""How many Redis servers there may be: most of the Sentinels must be able to agree while one is away."""

_PAIR = re.compile(r"[^=:\s]+=[^=:\s]*")
_TOLERATION = re.compile(r"[^=:\s]+(=[^=:\s]*)?(:(NoSchedule|PreferNoSchedule|NoExecute))?")


@dataclass(frozen=True, slots=True)
class ClusterSpec:
    """What only a stack on Kubernetes has.

    Attributes:
        storage: see `STORAGE`.
        storage_class: of claimed volumes; None: the cluster's default.
        redis_count: Redis servers; from three on, Sentinels make another one the primary when it is away.
        kustomize: directory of a kustomization to deploy instead of the project's own; None: the project's.
        image: of the workload, with the package in it; None: a stock Python image and the bundle.
        registry: prefix that replaces the registry and organisation of every image ("registry.example/mirror").
        pull_secret: name of a Secret of the namespace that pulls images.
        node_selector: "key=value" labels that nodes must have.
        tolerations: "key=value:effect" taints that are borne; value and effect may be missing.
        cpu_limits: set CPU limits as well, as high as the quota or the LimitRange of the namespace wants them.
    """

    storage: str = "ephemeral"
    storage_class: str | None = None
    redis_count: int = 1
    kustomize: str | None = None
    image: str | None = None
    registry: str | None = None
    pull_secret: str | None = None
    node_selector: tuple[str, ...] = ()
    tolerations: tuple[str, ...] = ()
    cpu_limits: bool = False

    def check(self) -> None:
        """Raises UsageError for the first thing that cannot be meant."""
        if self.storage not in STORAGE:
            raise UsageError(f"--storage {self.storage}", "unknown", f"choose from {', '.join(STORAGE)}")
        if self.storage_class and self.storage != "persistent":
            raise UsageError("--storage-class", "the stack claims no volumes", "add --storage persistent")
        if self.redis_count not in REDIS_COUNTS:
            raise UsageError(
                f"--redis-count {self.redis_count}",
                "of two servers neither can tell whether the other is away or itself cut off"
                if self.redis_count == 2
                else "one server, or with fail-over from three to nine",
                "choose 3, or leave it out for one server",
            )
        for pair in self.node_selector:
            if not _PAIR.fullmatch(pair):
                raise UsageError(f"--node-selector {pair!r}", "not of the form key=value")
        for toleration in self.tolerations:
            if not _TOLERATION.fullmatch(toleration):
                raise UsageError(
                    f"--toleration {toleration!r}",
                    "not of the form key=value:effect",
                    "effects are NoSchedule, PreferNoSchedule and NoExecute",
                )


@dataclass(frozen=True, slots=True)
class StackSpec:
    """A stack as it was asked for.

    Attributes:
        namespace: its name; on Kubernetes the namespace.
        scale: 1 or more; what it means in replicas is stack/sizing's business.
        components: those chosen beyond `ALWAYS`.
        load: see `LoadSpec`.
        kafka_bootstrap: "host:port,…" of brokers that are there already; None: the target brings its own.
        kafka_home: directory of an Apache Kafka to run locally; None: the embedded broker.
        urls: by database, one that is there already; the target brings its own for all others.
        keep: leave a local stack running when the console that started it goes.
        cluster: what only Kubernetes knows.
    """

    namespace: str
    scale: int = 1
    components: frozenset[Component] = frozenset()
    load: LoadSpec = field(default_factory=LoadSpec)
    kafka_bootstrap: str | None = None
    kafka_home: str | None = None
    urls: Mapping[str, str] = field(default_factory=dict)
    keep: bool = False
    cluster: ClusterSpec = field(default_factory=ClusterSpec)

    def check(self) -> None:
        """Raises UsageError for the first thing that cannot be meant."""
        if not NAMESPACE.fullmatch(self.namespace):
            raise UsageError(
                f"namespace {self.namespace!r}",
                "not a DNS label",
                "use lower-case letters, digits and '-', 63 at most, beginning and ending with a letter or digit",
            )
        if not 1 <= self.scale <= 100:
            raise UsageError(f"scale {self.scale}", "must be from 1 to 100")
        self.load.check()
        self.cluster.check()
        if self.has(Component.WEBAPP) and not self.has(Component.REDIS):
            raise UsageError("the webapp", "it shows what is popular, which Redis knows", "add Redis (-r)")

    def has(self, component: Component) -> bool:
        """Whether the component belongs to the stack."""
        return component in ALWAYS or any(choice in self.components for choice in chosen_by(component))

    def with_component(self, component: Component) -> StackSpec:
        """The same stack with one component more."""
        return replace(self, components=self.components | {component})

    def url(self, database: Component) -> str | None:
        """Where a database is that is there already; None: the target brings its own."""
        return self.urls.get(database.value)

    @property
    def databases(self) -> tuple[Component, ...]:
        """Those of its components that are databases with a sink."""
        return tuple(database for database in databases() if database in self.components)

    @property
    def groups(self) -> tuple[str, ...]:
        """The consumer groups of its transactions, the ETL first."""
        return (Component.ETL.value, *(sink_of(database).value for database in self.databases))
