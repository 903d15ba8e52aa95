"""An independent recount of the topics, for a pod: a plain consumer and the written record layout, no code of ours.

Run as a script; prints one JSON object. kafka-python, which recounts on one machine, has no place in the bundle.
"""

from __future__ import annotations

import json
import os
import struct
from collections import defaultdict

import redis
from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition

BOOTSTRAP = "kafka:9092"
WAIT_S = 30.0


def main() -> None:
    """Read every transactions topic from its first record to its end."""
    consumer = Consumer(
        {
            "bootstrap.servers": BOOTSTRAP,
            "group.id": "recount",
            "enable.auto.commit": False,
            "check.crcs": True,
        }
    )
    ends = {}
    for name, topic in consumer.list_topics(timeout=WAIT_S).topics.items():
        for number in topic.partitions if name.startswith("transactions.") else ():
            first, end = consumer.get_watermark_offsets(TopicPartition(name, number), timeout=WAIT_S)
            assert first == 0, f"records of {name} were deleted"
            if end:
                ends[name, number] = end
    consumer.assign([TopicPartition(*partition, OFFSET_BEGINNING) for partition in ends])
    print(json.dumps(read(consumer, ends) | totals(os.environ["KAPTURE_REDIS_URL"])))


def totals(url: str) -> dict[str, int]:
    """What Redis says all customers have ordered and spent."""
    client = redis.Redis.from_url(url)
    pipeline = client.pipeline(transaction=False)
    for key in client.scan_iter("customer:*", count=5000):
        pipeline.hmget(key, "orders", "spend_cents")
    found = pipeline.execute()
    return {
        "redis_orders": sum(int(orders) for orders, _ in found),
        "redis_cents": sum(int(cents) for _, cents in found),
    }


def read(consumer: Consumer, ends: dict[tuple[str, int], int]) -> dict[str, object]:
    """Count what is there: a message is (loader, partition, sequence), however often it is written."""
    seen: dict[tuple[int, str, int], set[int]] = defaultdict(set)
    customers: dict[int, list[int]] = defaultdict(lambda: [0, 0])
    records = 0
    while ends:
        batch = consumer.consume(5000, timeout=WAIT_S)
        assert batch, f"no answer for {ends}"
        for record in batch:
            assert record.error() is None, record.error()
            records += 1
            loader, sequence, _ = struct.unpack(">QQQ", dict(record.headers())["k"])
            sequences = seen[loader, record.topic(), record.partition()]
            if sequence not in sequences:
                sequences.add(sequence)
                count(customers, json.loads(record.value()))
            if record.offset() + 1 >= ends.get((record.topic(), record.partition()), 1 << 62):
                del ends[record.topic(), record.partition()]
    messages = sum(map(len, seen.values()))
    return {
        "records": records,
        "messages": messages,
        "written_twice": records - messages,
        "orders": sum(orders for orders, _ in customers.values()),
        "cents": sum(cents for _, cents in customers.values()),
        "customers": customers,
    }


def count(customers: dict[int, list[int]], transaction: dict[str, object]) -> None:
    """Add a transaction to its customer's orders and cents."""
    customer = customers[transaction["customer"]["id"]]  # type: ignore[index]
    customer[0] += 1
    customer[1] += sum(round(100 * p["size"] * p["per_unit_cost"]) for p in transaction["products"])  # type: ignore[attr-defined]


if __name__ == "__main__":
    main()
