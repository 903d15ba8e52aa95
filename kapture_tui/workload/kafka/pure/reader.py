"""Reading with kafka-python: what members of a group and readers of single partitions share."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from typing import Any

from kafka import KafkaConsumer, TopicPartition  # type: ignore[import-untyped]

from kapture_tui.workload import header as header_format
from kapture_tui.workload.kafka.base import ClientSettings, Record
from kapture_tui.workload.kafka.base import TopicPartition as Partition
from kapture_tui.workload.kafka.pure.admin import AdminClient
from kapture_tui.workload.kafka.pure.common import PASSING, RETRY_S, common, our_errors

log = logging.getLogger(__name__)


class ReaderClient:
    """See `Reader`."""

    def __init__(self, settings: ClientSettings, offsets: Mapping[Partition, int]) -> None:
        with our_errors(f"connecting to {settings.bootstrap}"):
            self._consumer = KafkaConsumer(**consuming(settings), group_id=None)
        # The consumer could tell bounds too, but for each new topic it waits for the next round of its metadata.
        self._admin = AdminClient(settings)
        self.assign(offsets)

    def assign(self, offsets: Mapping[Partition, int]) -> None:
        """See `Reader`."""
        self._consumer.assign([TopicPartition(*p) for p in offsets])
        for partition, offset in offsets.items():
            if offset < 0:
                self._consumer.seek_to_beginning(TopicPartition(*partition))
            else:
                self._consumer.seek(TopicPartition(*partition), offset)

    def poll(self, max_records: int, timeout_s: float) -> dict[Partition, list[Record]]:
        """See `Reader`."""
        return read(self._consumer, max_records, timeout_s)

    def bounds(self, partition: Partition) -> tuple[int, int]:
        """See `Reader`."""
        return self._admin.bounds(partition)

    def close(self) -> None:
        """See `Reader`."""
        self._consumer.close()
        self._admin.close()


def consuming(settings: ClientSettings) -> dict[str, Any]:
    return common(settings) | {
        "enable_auto_commit": False,
        "auto_offset_reset": "earliest",
        "fetch_max_wait_ms": 100,
        "fetch_min_bytes": 1,
        "fetch_max_bytes": 16 * 1024 * 1024,
        "allow_auto_create_topics": False,
        "metrics_enabled": False,
    }


def read(consumer: Any, max_records: int, timeout_s: float) -> dict[Partition, list[Record]]:
    with our_errors("reading from Kafka"):
        try:
            found = consumer.poll(timeout_ms=timeout_s * 1000, max_records=max_records)
        except PASSING as exc:
            log.warning("reading from Kafka: %s", exc)
            time.sleep(min(timeout_s, RETRY_S))
            return {}
    make, header = Record._make, _header
    return {
        tuple(partition): [make((r.offset, r.key, r.value, header(r.headers))) for r in records]
        for partition, records in found.items()
    }


def _header(headers: Sequence[tuple[str, bytes | None]]) -> bytes | None:
    if headers and headers[0][0] == header_format.NAME:  # a transaction has just the one
        return headers[0][1]
    return next((value for name, value in headers if name == header_format.NAME), None)
