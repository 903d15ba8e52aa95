"""What the spout has brought back, read from the topics by a client of the tests' own."""

from __future__ import annotations

import asyncio
import json
import struct
from typing import Any

from kafka import KafkaConsumer, TopicPartition

from kapture_tui.model.snapshot import Snapshot
from tests.local.recount import Recount
from tests.local.stacks import Stack


async def check_restocks(stack: Stack, final: Snapshot, books: Recount) -> None:
    """Every order of the topics was brought back in one restock, and the ledger says what the topics hold."""
    brought_back, again = await asyncio.to_thread(restocks, stack.bootstrap())
    assert sum(each["orders"] for each in brought_back) == books.messages
    assert sum(each["cents"] for each in brought_back) == sum(cents for _, cents in books.customers.values())
    assert final.ledger is not None
    ledger = final.ledger.restock
    assert ledger is not None
    assert ledger.attempted == ledger.acked == len(brought_back)
    verdict = ledger.groups["etl"]
    assert (verdict.delivered, verdict.duplicated) == (len(brought_back), again)
    assert (verdict.lost, verdict.unexpected) == (0, 0)


def restocks(bootstrap: str) -> tuple[list[dict[str, Any]], int]:
    """What is in the topics of restocks, each once; and how many were written again. By a client of our own."""
    consumer = KafkaConsumer(
        bootstrap_servers=bootstrap, enable_auto_commit=False, group_id=None, api_version=(2, 1)
    )
    found: dict[tuple[str, int, int], dict[str, Any]] = {}
    records = 0
    try:
        partitions = [TopicPartition(t, 0) for t in sorted(consumer.topics()) if t.startswith("restock.")]
        consumer.assign(partitions)
        ends = {p: end for p, end in consumer.end_offsets(partitions).items() if end}
        consumer.seek_to_beginning(*partitions)
        while ends:
            for partition, batch in consumer.poll(timeout_ms=5000).items():
                for record in batch:
                    loader, sequence, _ = struct.unpack(">QQQ", record.headers[0][1])
                    value = json.loads(record.value)
                    same = found.setdefault((record.topic, loader, sequence), value)
                    assert same == value, "a restock that is sent again is the same"
                    records += 1
                if batch[-1].offset + 1 >= ends.get(partition, 0):
                    ends.pop(partition, None)
    finally:
        consumer.close()
    return list(found.values()), records - len(found)
