"""The components a stack may have: what they are for, what they need, which can be scaled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from kapture_tui.model.errors import UsageError
from kapture_tui.model.spec import CHOICES, Component


@dataclass(frozen=True, slots=True)
class Entry:
    """One component.

    Attributes:
        title: what it is, in a few words.
        needs: components it cannot do without.
        brings: components that come along with it: a database's sink.
        scalable: whether its number may be changed while it runs.
        least: the smallest number it may be scaled to. Without loaders a stack drains; without consumers it only fills.
        local: whether this machine can run it in this release.
    """

    title: str
    needs: tuple[Component, ...] = ()
    brings: tuple[Component, ...] = ()
    scalable: bool = False
    least: int = 1
    local: bool = True


CATALOGUE: Mapping[Component, Entry] = MappingProxyType(
    {
        Component.KAFKA: Entry("the brokers"),
        Component.LOADER: Entry(
            "sends the transactions of simulated shoppers", (Component.KAFKA,), scalable=True, least=0
        ),
        Component.ETL: Entry("rolls transactions up per state", (Component.KAFKA,), scalable=True),
        Component.OBSERVER: Entry("measures lag, rates, latency and the ledger", (Component.KAFKA,)),
        Component.REDIS: Entry("totals per customer and state", brings=(Component.REDIS_SINK,)),
        Component.REDIS_SINK: Entry(
            "writes transactions to Redis", (Component.KAFKA, Component.REDIS), scalable=True
        ),
        Component.ELASTICSEARCH: Entry("transactions to search in", local=False),
        Component.POSTGRES: Entry("transactions in tables", local=False),
        Component.MONGO: Entry("transactions as documents", local=False),
        Component.WEBAPP: Entry("a shop that reads what is popular", (Component.REDIS,), local=False),
        Component.PROMETHEUS: Entry("keeps the figures", (Component.OBSERVER,), local=False),
        Component.ZOOKEEPER: Entry("Kafka's quorum before KRaft", (Component.KAFKA,), local=False),
    }
)

MAX_REPLICAS = 100


def component_named(name: str) -> Component:
    """The component of that name. Raises UsageError listing the names there are."""
    try:
        return Component(name)
    except ValueError:
        known = ", ".join(component.value for component in CHOICES)
        raise UsageError(f"component {name!r}", "unknown", f"choose from {known}") from None


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
