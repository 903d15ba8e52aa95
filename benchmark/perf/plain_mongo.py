"""Mongo's own bulk path, what the sink is compared with: `insert_many` of documents that are ready, in a process.

Told by its environment: PLAIN_URL, PLAIN_BOOTSTRAP and PLAIN_OUT, where the result goes as JSON.
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition
from pymongo import MongoClient

BATCH = 2_000
ANSWER_S = 10.0


def main() -> None:
    """Read all transactions; then insert them, which alone is measured."""
    ready = documents(os.environ["PLAIN_BOOTSTRAP"])
    client: MongoClient[dict[str, Any]] = MongoClient(os.environ["PLAIN_URL"])
    collection = client.plain.transactions
    before = time.process_time()
    for at in range(0, len(ready), BATCH):
        collection.insert_many(ready[at : at + BATCH], ordered=False)
    found = {"records": len(ready), "cpu_s": time.process_time() - before}
    Path(os.environ["PLAIN_OUT"]).write_text(json.dumps(found))


def documents(bootstrap: str) -> list[dict[str, Any]]:
    """The transactions of all topics, with an `_id`."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "plain-mongo"})
    ends = {}
    for name, topic in consumer.list_topics(timeout=ANSWER_S).topics.items():
        for number in topic.partitions if name.startswith("transactions.") else ():
            _, end = consumer.get_watermark_offsets(TopicPartition(name, number), timeout=ANSWER_S)
            if end:
                ends[name, number] = end
    consumer.assign([TopicPartition(*partition, OFFSET_BEGINNING) for partition in ends])
    found: list[dict[str, Any]] = []
    wanted = sum(ends.values())
    while len(found) < wanted:
        for message in consumer.consume(10_000, ANSWER_S):
            document = json.loads(message.value() or b"")
            document["_id"] = f"{message.topic()}/{message.partition()}/{message.offset()}"
            found.append(document)
    consumer.close()
    return found


if __name__ == "__main__":
    main()
