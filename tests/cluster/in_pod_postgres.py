"""Totals per customer in Postgres against an independent recount of the topics, for a pod of the sink: no code of ours.

Run as a script; prints one JSON object.
"""

from __future__ import annotations

import json
import os
import struct
from collections import defaultdict
from collections.abc import Iterator

import psycopg
from confluent_kafka import OFFSET_BEGINNING, Consumer, Message, TopicPartition

WAIT_S = 30.0
TOTALS = "SELECT customer_id, count(*), sum(cents)::bigint FROM kapture.orders GROUP BY customer_id"


def main() -> None:
    """Compare what customers bought with what Postgres has, and with what came back as restocks."""
    customers: dict[int, list[int]] = defaultdict(lambda: [0, 0])
    seen: set[object] = set()
    written_twice = 0
    for record in records("transactions."):
        message = identity(record)
        if message in seen:
            written_twice += 1
            continue
        seen.add(message)
        transaction = json.loads(record.value())
        total = customers[transaction["customer"]["id"]]
        total[0] += 1
        total[1] += sum(round(100 * p["size"] * p["per_unit_cost"]) for p in transaction["products"])
    with psycopg.connect(os.environ["KAPTURE_POSTGRES_URL"]) as connection:
        stored = {customer: [orders, cents] for customer, orders, cents in connection.execute(TOTALS)}
    restocks = {identity(record): json.loads(record.value()) for record in records("restock.")}
    print(
        json.dumps(
            {
                "messages": len(seen),
                "written_twice": written_twice,
                "customers": len(customers),
                "differing": sum(customers[c] != stored.get(c) for c in customers)
                + len(stored.keys() - customers),
                "restocks": len(restocks),
                "brought_back": sum(restock["orders"] for restock in restocks.values()),
            }
        )
    )


def identity(record: Message) -> tuple[object, ...]:
    """Which message it is, however often it was written."""
    loader, sequence, _ = struct.unpack(">QQQ", dict(record.headers())["k"])
    return record.topic(), record.partition(), loader, sequence


def records(prefix: str) -> Iterator[Message]:
    """Every record of the topics whose names begin so, from the first one to the end there is now."""
    consumer = Consumer(
        {"bootstrap.servers": "kafka:9092", "group.id": "recount", "enable.auto.commit": False}
    )
    ends = {}
    for name, topic in consumer.list_topics(timeout=WAIT_S).topics.items():
        for number in topic.partitions if name.startswith(prefix) else ():
            first, end = consumer.get_watermark_offsets(TopicPartition(name, number), timeout=WAIT_S)
            assert first == 0, f"records of {name} were deleted"
            if end:
                ends[name, number] = end
    consumer.assign([TopicPartition(*partition, OFFSET_BEGINNING) for partition in ends])
    while ends:
        batch = consumer.consume(5000, timeout=WAIT_S)
        assert batch, f"no answer for {ends}"
        for record in batch:
            assert record.error() is None, record.error()
            yield record
            if record.offset() + 1 >= ends.get((record.topic(), record.partition()), 1 << 62):
                del ends[record.topic(), record.partition()]
    consumer.close()


if __name__ == "__main__":
    main()
