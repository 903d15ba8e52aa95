"""One Kafka surface on two clients: confluent-kafka where its wheel exists, eight times as fast, else kafka-python."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from kapture_tui.model.errors import UsageError
from kapture_tui.workload.kafka.base import (
    Admin,
    ClientSettings,
    GroupConsumer,
    GroupListener,
    KafkaError,
    Lane,
    OnDelivery,
    Producer,
    Reader,
    Record,
    TopicPartition,
)

__all__ = [
    "Admin",
    "ClientSettings",
    "GroupConsumer",
    "GroupListener",
    "KafkaError",
    "Lane",
    "OnDelivery",
    "Producer",
    "Reader",
    "Record",
    "TopicPartition",
    "client_name",
    "open_admin",
    "open_consumer",
    "open_producer",
    "open_reader",
]

_MODULES = {"confluent": "confluent", "kafka-python": "pure"}


def client_name(settings: ClientSettings) -> str:
    """Which client these settings lead to: "confluent" or "kafka-python"."""
    if settings.client == "auto":
        return "confluent" if find_spec("confluent_kafka") else "kafka-python"
    if settings.client not in _MODULES:
        raise UsageError(
            f"Kafka client {settings.client!r}", "unknown", "use auto, confluent or kafka-python"
        )
    return settings.client


def _client(settings: ClientSettings) -> Any:
    return import_module(f"{__name__}.{_MODULES[client_name(settings)]}")


def open_producer(settings: ClientSettings) -> Producer:
    """A producer with acks=all and idempotence."""
    return _client(settings).ProducerClient(settings)  # type: ignore[no-any-return]


def open_consumer(
    settings: ClientSettings, group: str, topics: Sequence[str], listener: GroupListener
) -> GroupConsumer:
    """A member of `group` that reads `topics`."""
    return _client(settings).GroupClient(settings, group, topics, listener)  # type: ignore[no-any-return]


def open_reader(settings: ClientSettings, offsets: Mapping[TopicPartition, int]) -> Reader:
    """A reader of these partitions, each from the given offset; -1 means the oldest record there is."""
    return _client(settings).ReaderClient(settings, offsets)  # type: ignore[no-any-return]


def open_admin(settings: ClientSettings) -> Admin:
    """A connection for questions to the cluster."""
    return _client(settings).AdminClient(settings)  # type: ignore[no-any-return]
