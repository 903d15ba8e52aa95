"""The components a stack may have: what they are for, what they need, which can be scaled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType

from kapture_tui.model.errors import UsageError
from kapture_tui.model.spec import CHOICES, Component, StackSpec, add_database, sink_of
from kapture_tui.resources import manifests_dir
from kapture_tui.workload.sinks import outside


@dataclass(frozen=True, slots=True)
class Entry:
    """One component.

    Attributes:
        title: what it is, in a few words.
        needs: components it cannot do without.
        password: its server has one; it is generated into a Secret of the component's name.
        wheels: packages that its pods, or the observer because of it, need beyond those of every stack.
        scalable: whether its number may be changed while it runs.
        least: the smallest number it may be scaled to. Without loaders a stack drains; without consumers it only fills.
        local: whether it runs on one machine too.
    """

    title: str
    needs: tuple[Component, ...] = ()
    password: bool = False
    wheels: tuple[str, ...] = ()
    scalable: bool = False
    least: int = 1
    local: bool = True


def _sink(database: str) -> Entry:
    return Entry(f"writes transactions to {database}", (Component.KAFKA,), scalable=True)


_ENTRIES: dict[Component, Entry] = {
    Component.KAFKA: Entry("the brokers"),
    Component.LOADER: Entry(
        "sends the transactions of simulated shoppers", (Component.KAFKA,), scalable=True, least=0
    ),
    Component.ETL: Entry("rolls transactions up per state", (Component.KAFKA,), scalable=True),
    Component.OBSERVER: Entry("measures lag, rates, latency and the ledger", (Component.KAFKA,)),
    Component.REDIS: Entry("totals per customer and state", password=True),
    Component.REDIS_SINK: _sink("Redis"),
    Component.ELASTICSEARCH: Entry(
        "transactions to search in", wheels=("elastic-transport", "urllib3", "certifi", "sniffio")
    ),
    Component.ELASTICSEARCH_SINK: _sink("Elasticsearch"),
    Component.POSTGRES: Entry("transactions in tables", password=True, wheels=("psycopg", "psycopg-binary")),
    Component.POSTGRES_SINK: _sink("Postgres"),
    Component.MONGO: Entry("transactions as documents", password=True, wheels=("pymongo", "dnspython")),
    Component.MONGO_SINK: _sink("Mongo"),
    Component.SPOUT: Entry("brings orders rolled up per store back to Kafka", (Component.KAFKA,)),
    Component.WEBAPP: Entry(
        "a shop over HTTP that shows what is popular",
        (Component.REDIS,),
        wheels=("starlette", "uvicorn", "anyio", "idna", "typing-extensions", "h11", "click"),
        scalable=True,
        least=0,
    ),
    Component.SHOPPERS: Entry("visit the shop and buy", (Component.WEBAPP,), scalable=True, least=0),
    Component.PROMETHEUS: Entry("keeps the figures", (Component.OBSERVER,), local=False),
    Component.ZOOKEEPER: Entry("Kafka's quorum before KRaft", (Component.KAFKA,)),
}
CATALOGUE: Mapping[Component, Entry] = MappingProxyType(_ENTRIES)

for _name in outside():
    _database = add_database(_name)
    _ENTRIES[_database] = Entry("from outside the project")
    _ENTRIES[sink_of(_database)] = _sink(_name)

MAX_REPLICAS = 100


def component_named(name: str) -> Component:
    """The component of that name. Raises UsageError listing the names there are."""
    try:
        return Component(name)
    except ValueError:
        known = ", ".join(component.value for component in CHOICES)
        raise UsageError(f"component {name!r}", "unknown", f"choose from {known}") from None


def passwords(spec: StackSpec) -> tuple[str, ...]:
    """The components of a stack that have a password; each is in the Secret of its name."""
    return tuple(c.value for c, entry in CATALOGUE.items() if entry.password and spec.has(c))


SEVERAL_REDIS = manifests_dir() / "components" / "redis-sentinel"
"""The kustomize component for several Redis servers, in place of that for one."""


def manifests_of(component: Component) -> Path:
    """The kustomize component that deploys it; that of a database from outside lies beside its module."""
    point = outside().get(component.value)
    if point is None:
        return manifests_dir() / "components" / component.value
    module = find_spec(point.module)
    return Path(module.origin if module and module.origin else point.module).with_name("manifests")


def check_quorum(running: StackSpec, wanted: StackSpec) -> None:
    """Raises UsageError if brokers should give up KRaft for ZooKeeper, or the other way round."""
    has = running.has(Component.ZOOKEEPER)
    if has != wanted.has(Component.ZOOKEEPER):
        raise UsageError(
            f"changing {running.namespace}",
            f"its brokers keep their metadata in {'ZooKeeper' if has else 'KRaft'}, fixed when they are made",
            f"kapture-tui down {running.namespace} first",
        )


def check_scale(component: Component, replicas: int) -> None:
    """Raises UsageError if the component cannot be scaled, or not to that number."""
    entry = CATALOGUE[component]
    if not entry.scalable:
        able = ", ".join(c.value for c, e in CATALOGUE.items() if e.scalable)
        raise UsageError(f"scaling {component.value}", "it cannot be scaled", f"scale one of {able}")
    if not entry.least <= replicas <= MAX_REPLICAS:
        raise UsageError(
            f"scaling {component.value} to {replicas}", f"must be from {entry.least} to {MAX_REPLICAS}"
        )
