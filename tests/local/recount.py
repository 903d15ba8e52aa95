"""An independent recount of the topics: kafka-python and the written record layout, no client or ledger of our own."""

from __future__ import annotations

import json
import struct
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from kafka import KafkaConsumer, TopicPartition

WAIT_MS = 5000


@dataclass
class Recount:
    """What the transactions topics hold.

    Attributes:
        sequences: by (loader number, topic, partition), the sequences in the order of their offsets.
        customers: by customer id, [orders, cents], every message counted once.
    """

    sequences: dict[tuple[int, str, int], list[int]] = field(default_factory=lambda: defaultdict(list))
    customers: dict[int, list[int]] = field(default_factory=lambda: defaultdict(lambda: [0, 0]))

    @property
    def records(self) -> int:
        return sum(map(len, self.sequences.values()))

    @property
    def messages(self) -> int:
        return sum(len(set(seen)) for seen in self.sequences.values())

    @property
    def written_twice(self) -> int:
        return self.records - self.messages

    @property
    def reordered(self) -> int:
        return sum(late(seen) for seen in self.sequences.values())


def late(sequences: list[int]) -> int:
    """How many first occurrences come after a higher number."""
    highest, seen, count = -1, set(), 0
    for sequence in sequences:
        if sequence not in seen and sequence < highest:
            count += 1
        seen.add(sequence)
        highest = max(highest, sequence)
    return count


def recount(bootstrap: str, embedded: bool) -> Recount:
    """Read every transactions topic from its first record to its end."""
    options: dict[str, Any] = {"api_version": (2, 1)} if embedded else {}
    consumer = KafkaConsumer(
        bootstrap_servers=bootstrap, enable_auto_commit=False, fetch_max_bytes=1 << 26, **options
    )
    try:
        topics = sorted(
            topic
            for topic in consumer.topics()
            if topic.startswith("transactions.") and topic != "transactions.dead"
        )
        partitions = [
            TopicPartition(t, p) for t in topics for p in sorted(consumer.partitions_for_topic(t) or ())
        ]
        consumer.assign(partitions)
        ends = consumer.end_offsets(partitions)
        consumer.seek_to_beginning(*partitions)
        assert all(offset == 0 for offset in consumer.beginning_offsets(partitions).values()), (
            "records were deleted"
        )
        return _read(consumer, {partition: end for partition, end in ends.items() if end})
    finally:
        consumer.close()


def _read(consumer: KafkaConsumer, ends: dict[TopicPartition, int]) -> Recount:
    result = Recount()
    while ends:
        polled = consumer.poll(timeout_ms=WAIT_MS, max_records=5000)
        assert polled, f"no answer for {ends}"
        for partition, records in polled.items():
            for record in records:
                _count(result, record)
            if partition in ends and records[-1].offset + 1 >= ends[partition]:
                del ends[partition]
    return result


def _count(result: Recount, record: Any) -> None:
    (name, packed) = record.headers[0]
    assert name == "k"
    loader, sequence, _ = struct.unpack(">QQQ", packed)
    seen = result.sequences[loader, record.topic, record.partition]
    if sequence not in seen[-200:] and sequence not in set(seen):
        transaction = json.loads(record.value)
        assert record.key == str(transaction["customer"]["id"]).encode()
        customer = result.customers[transaction["customer"]["id"]]
        customer[0] += 1
        customer[1] += sum(round(100 * p["size"] * p["per_unit_cost"]) for p in transaction["products"])
    seen.append(sequence)
