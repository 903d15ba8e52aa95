"""The topics of a stack: names, partitions, replication and what Kafka keeps of them."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from kapture_tui.model.spec import spout_source
from kapture_tui.model.states import (
    CONTROL_TOPIC,
    DEAD_TOPIC,
    FIGURES_TOPIC,
    LEDGER_TOPIC,
    RESTOCK_ROLLUPS_TOPIC,
    STATES,
    restock_topic,
    rollups_topic,
    transactions_topic,
)
from kapture_tui.workload.consume import client_settings
from kapture_tui.workload.kafka import open_admin
from kapture_tui.workload.process import StopSignal
from kapture_tui.workload.settings import Settings
from kapture_tui.workload.waiting import TopicsLook, wait_for

log = logging.getLogger(__name__)

Layout = dict[str, tuple[int, int, Mapping[str, str]]]
"""Topic name to (partitions, replication, configuration), as `Admin.create_topics` takes it."""

TRANSACTIONS_BYTES = 256 * 1024 * 1024
"""What a partition of transactions keeps: minutes of a consumer's absence at full speed. At 51 topics of one
partition the disk carries at most 13 GiB and a segment each."""

ROLLUPS_BYTES = 32 * 1024 * 1024

RESTOCK_BYTES = 32 * 1024 * 1024
"""One message a second and store, of half a kilobyte: an hour of the busiest state."""

DEAD_BYTES = 64 * 1024 * 1024
"""Should somebody pour rubbish into the topics, the first of it is as good an example as the last."""


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
    # The embedded broker cannot be told later, when somebody adds a database to a running stack.
    if settings.embedded or spout_source(settings.groups):
        for state in STATES:
            topics[restock_topic(state)] = (1, replication, _bounded(RESTOCK_BYTES) | safe)
        topics[RESTOCK_ROLLUPS_TOPIC] = (len(STATES), replication, rollups)
    topics[DEAD_TOPIC] = (1, replication, _bounded(DEAD_BYTES) | safe)
    topics[LEDGER_TOPIC] = (1, replication, _compacted() | safe)
    topics[CONTROL_TOPIC] = (1, replication, _compacted() | safe)
    topics[FIGURES_TOPIC] = (1, replication, _compacted() | safe)
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


def least_partitions(settings: Settings) -> dict[str, int]:
    """Every topic the stack uses, with the partitions a process relies on."""
    return {name: partitions for name, (partitions, _, _) in layout(settings).items()}


def wait_for_topics(settings: Settings, stop: StopSignal) -> bool:
    """Wait until Kafka answers and has all topics; False: asked to stop meanwhile.

    Raises: Unreachable: they were not there within the settings' patience.
    """
    look = TopicsLook(client_settings(settings), least_partitions(settings))
    try:
        return wait_for("Kafka and its topics", look.missing, stop, settings.patience_s)
    finally:
        if not stop:  # then a look may still be at it
            look.close()


def main(settings: Settings) -> None:
    """Create what is missing, once there are as many brokers as a topic wants replicas.

    Raises: Unreachable: they were not there in time, or did not do it.
    """
    topics = layout(settings)
    client = client_settings(settings)
    look = TopicsLook(client, {}, settings.replication)
    if not wait_for("the brokers", look.missing, StopSignal().install(), settings.patience_s):
        return
    look.close()
    admin = open_admin(client)
    try:
        admin.create_topics(topics)
    finally:
        admin.close()
    log.info("%d topics, %d partitions each", len(topics), settings.partitions)
    settings.readiness.say(topics=len(topics))
