"""Records that are no transactions of ours are kept in `transactions.dead`, with where they stood and why."""

from __future__ import annotations

import base64
from typing import Any

from kapture_tui.model.states import DEAD_TOPIC
from kapture_tui.workload.fastjson import dumps
from kapture_tui.workload.kafka import Producer, Record, TopicPartition
from kapture_tui.workload.ledger import partition_key
from kapture_tui.workload.sinks.base import SinkUnavailable

ANSWER_S = 10.0

SHOWN_BYTES = 256 * 1024
"""What is kept of a key or a value: a letter must not be larger than a broker takes."""


class DeadLetters:
    """Keeps them. At least once: one read again after a crash is kept again, under the same key."""

    def __init__(self, producer: Producer) -> None:
        self._producer = producer
        self._open: list[tuple[bytes, bytes]] = []

    def keep(self, partition: TopicPartition, record: Record, reason: str) -> None:
        """Have one written by the next `settle`."""
        key = f"{partition_key(partition)}@{record.offset}".encode()
        self._open.append((key, encode(partition, record, reason)))

    def settle(self) -> None:
        """Write what is open: only then may those records be passed over. Raises SinkUnavailable: it still is open."""
        if not self._open:
            return
        acked: list[int] = []

        def on_delivery(acknowledged: bool, offset: int, _header: bytes | None) -> None:
            if acknowledged:
                acked.append(offset)

        send = self._producer.lane(DEAD_TOPIC, 0, on_delivery)
        for key, letter in self._open:
            while not send(key, letter, None):
                self._producer.poll(0.1)
        self._producer.flush(ANSWER_S)
        if missing := len(self._open) - len(acked):
            raise SinkUnavailable(f"writing to {DEAD_TOPIC}", f"{missing} records were not acknowledged")
        self._open.clear()


def encode(partition: TopicPartition, record: Record, reason: str) -> bytes:
    """The letter as JSON; what is no text is in base64, under `value_base64` instead of `value`."""
    letter: dict[str, Any] = {
        "topic": partition[0],
        "partition": partition[1],
        "offset": record.offset,
        "reason": reason,
        "bytes": len(record.value or b""),
        **_readable("key", record.key),
        **_readable("value", record.value),
        **_readable("header", record.header),
    }
    return dumps(letter)


def _readable(name: str, content: bytes | None) -> dict[str, str | None]:
    if content is None:
        return {name: None}
    shown = content[:SHOWN_BYTES]
    try:
        return {name: shown.decode()}
    except UnicodeDecodeError:
        return {f"{name}_base64": base64.b64encode(shown).decode()}
