"""The topics of a stack: names, partitions, replication and what Kafka keeps of them."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping

from kapture_tui.model.states import CONTROL_TOPIC, LEDGER_TOPIC, STATES, rollups_topic, transactions_topic
from kapture_tui.workload.kafka import Admin, ClientSettings, KafkaError, open_admin
from kapture_tui.workload.process import say_ready
from kapture_tui.workload.settings import Settings

log = logging.getLogger(__name__)

Layout = dict[str, tuple[int, int, Mapping[str, str]]]
"""Topic name to (partitions, replication, configuration), as `Admin.create_topics` takes it."""

TRANSACTIONS_BYTES = 256 * 1024 * 1024
"""What a partition of transactions keeps: minutes of a consumer's absence at full speed. At 51 topics of one
partition the disk carries at most 13 GiB and a segment each."""

ROLLUPS_BYTES = 32 * 1024 * 1024

WAIT_S = 60.0
"""How long the one-shot waits for the brokers, seconds."""


def layout(settings: Settings) -> Layout:
    """Every topic the stack uses."""
    partitions, replication = settings.partitions, settings.replication
    safe = {"min.insync.replicas": "2"} if replication >= 3 else {}
    transactions = _bounded(TRANSACTIONS_BYTES) | safe
    rollups = _bounded(ROLLUPS_BYTES) | safe
    topics: Layout = {}
    for state in STATES:
        topics[transactions_topic(state)] = (partitions, replication, transactions)
        topics[rollups_topic(state)] = (partitions, replication, rollups)
    topics[LEDGER_TOPIC] = (1, replication, _compacted() | safe)
    topics[CONTROL_TOPIC] = (1, replication, _compacted() | safe)
    return topics


def _bounded(size: int) -> dict[str, str]:
    # Kafka deletes whole segments only, so a quarter of the bound is what it may be off by.
    return {"cleanup.policy": "delete", "retention.bytes": str(size), "segment.bytes": str(size // 4)}


def _compacted() -> dict[str, str]:
    # The segment being written to is never compacted: small and short-lived ones keep readers' catch-up short.
    return {
        "cleanup.policy": "compact",
        "segment.bytes": str(16 * 1024 * 1024),
        "segment.ms": "60000",
        "min.cleanable.dirty.ratio": "0.1",
    }


def main(settings: Settings) -> None:
    """Create what is missing, once the brokers answer. Raises KafkaError when they do not within a minute."""
    topics = layout(settings)
    client = ClientSettings(settings.bootstrap, settings.name, client=settings.client)
    admin = _connect(client, settings.replication)
    try:
        admin.create_topics(topics)
    finally:
        admin.close()
    log.info("%d topics, %d partitions each", len(topics), settings.partitions)
    say_ready(settings.ready_file, topics=len(topics))


def _connect(client: ClientSettings, brokers: int) -> Admin:
    """An admin connection, once as many brokers are there as a topic wants replicas."""
    deadline = time.monotonic() + WAIT_S
    while True:
        admin = None
        try:
            admin = open_admin(client)
            if (found := admin.brokers()) >= brokers:
                return admin
            cause = f"{found} of {brokers} brokers are there"
        except KafkaError as exc:
            cause = exc.cause
        if admin is not None:
            admin.close()
        if time.monotonic() > deadline:
            raise KafkaError(f"waiting for the brokers at {client.bootstrap}", cause, "see the brokers' logs")
        time.sleep(0.2)
