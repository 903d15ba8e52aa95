"""An independent recount of the topics, for a pod: a plain consumer and the written record layout, no code of ours.

Run as a script; prints one JSON object. kafka-python, which recounts on one machine, has no place in the bundle.
"""

from __future__ import annotations

import json
import os
import struct
from collections import defaultdict
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

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
    print(json.dumps(read(consumer, ends) | totals()))


def totals() -> dict[str, object]:
    """What each database that this pod knows says that customers have ordered and spent."""
    found: dict[str, object] = {}
    for database, ask in DATABASES.items():
        if url := os.environ.get(f"KAPTURE_{database.upper()}_URL"):
            customers = ask(url)
            found[f"{database}_customers"] = customers
            found[f"{database}_orders"] = sum(orders for orders, _ in customers.values())
            found[f"{database}_cents"] = sum(cents for _, cents in customers.values())
    return found


def of_redis(url: str) -> dict[int, list[int]]:
    """Orders and cents by customer."""
    client = redis_at(url)
    keys = list(client.scan_iter("customer:*", count=5000))
    pipeline = client.pipeline(transaction=False)
    for key in keys:
        pipeline.hmget(key, "orders", "spend_cents")
    found = zip(keys, pipeline.execute(), strict=True)
    return {int(key.partition(b":")[2]): [int(orders), int(cents)] for key, (orders, cents) in found}


def redis_at(url: str) -> redis.Redis:
    """The server at a URL, or the primary that a Sentinel names."""
    parts = urlsplit(url)
    if parts.scheme != "redis+sentinel":
        return redis.Redis.from_url(url)
    asked = redis.Redis(parts.hostname, parts.port, password=parts.password)
    host, port = asked.sentinel_get_master_addr_by_name(parts.path.strip("/"))
    return redis.Redis(host, port, password=parts.password)


def of_mongo(url: str) -> dict[int, list[int]]:
    """Orders and cents by customer, of the documents as they are."""
    from pymongo import MongoClient
    from pymongo.errors import OperationFailure

    client = MongoClient(url)
    try:
        client.admin.command("ping")
    except OperationFailure:  # FerretDB has no users
        parts = urlsplit(url)
        client = MongoClient(parts.hostname, parts.port)
    customers: dict[int, list[int]] = defaultdict(lambda: [0, 0])
    for document in client.kapture.transactions.find():
        count(customers, document)
    return customers


def of_postgres(url: str) -> dict[int, list[int]]:
    """Orders and cents by customer, summed up by the server."""
    import psycopg

    totals = "SELECT customer_id, count(*), sum(cents)::bigint FROM kapture.orders GROUP BY customer_id"
    with psycopg.connect(url) as connection:
        return {customer: [orders, cents] for customer, orders, cents in connection.execute(totals)}


def of_elasticsearch(url: str) -> dict[int, list[int]]:
    """Orders and cents by customer, summed up by the server, a page of customers at a time."""
    indices = f"{url}/kapture-transactions-*"
    answer(f"{indices}/_refresh", None)
    customers: dict[int, list[int]] = {}
    after: dict[str, object] = {}
    while True:
        pages = {"size": 5000, "sources": [{"customer": {"terms": {"field": "customer.id"}}}], **after}
        cents = {"cents": {"sum": {"field": "cents"}}}
        asked = {"size": 0, "aggs": {"customers": {"composite": pages, "aggs": cents}}}
        found = answer(f"{indices}/_search", asked)["aggregations"]["customers"]
        for bucket in found["buckets"]:
            total = [bucket["doc_count"], int(bucket["cents"]["value"])]
            customers[bucket["key"]["customer"]] = total
        if "after_key" not in found:
            return customers
        after = {"after": found["after_key"]}


def answer(url: str, asked: dict[str, object] | None) -> dict[str, Any]:
    """What a server answers to JSON, or to nothing."""
    headers = {"Content-Type": "application/json"}
    body = b"" if asked is None else json.dumps(asked).encode()
    request = Request(url, body, headers, method="POST")
    with urlopen(request, timeout=WAIT_S) as response:
        found: dict[str, Any] = json.load(response)
    return found


DATABASES: dict[str, Callable[[str], dict[int, list[int]]]] = {
    "redis": of_redis,
    "mongo": of_mongo,
    "postgres": of_postgres,
    "elasticsearch": of_elasticsearch,
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
