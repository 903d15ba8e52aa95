"""Rubbish on the topics, from outside: counted, kept with the reason, and nothing else changes."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from kapture_tui.model.states import DEAD_TOPIC
from kapture_tui.workload import header
from kapture_tui.workload.kafka import ClientSettings, Record, open_producer, open_reader
from tests.local.stacks import KAFKA_HOME, real_kafka, running, spec

LATER = header.pack(1, 0, 1)

RUBBISH: dict[str, tuple[bytes | None, bytes, bytes | None]] = {
    "no header": (b"1", b'{"id": 1}', None),
    "no JSON": (b"1", b"\xff\xfe rubbish", LATER),
    "no transaction": (None, b'{"hello": "\\u001b[2J"}', LATER),
    "a number nobody gets to": (b"1", b"{}", header.pack(1, 1 << 63, 1)),
    "large": (b"1", b"x" * 600_000, LATER),
}


@pytest.mark.parametrize(
    "kafka_home", [None, pytest.param(KAFKA_HOME, marks=(real_kafka, pytest.mark.thorough))]
)
async def test_rubbish_is_kept_and_the_pipeline_goes_on(kafka_home: str | None) -> None:
    wanted = spec("rubbish", scale=1, kafka_home=kafka_home)
    async with running(wanted) as stack:
        client = ClientSettings(stack.bootstrap(), "outsider", embedded=kafka_home is None)
        await asyncio.to_thread(pour, client)
        await stack.until_delivered(500)
        groups = wanted.groups
        last = await stack.until(
            lambda s: s.ledger is not None and all(s.ledger.groups[g].unexpected == 5 for g in groups),
            "counted",
        )
        assert {event.subject for event in last.events if "no loader says" in event.text} == set(groups)
        final = await stack.drain()
        assert final.ledger is not None
        letters = await asyncio.to_thread(read_all, client, len(RUBBISH))
        for verdict in final.ledger.groups.values():
            assert (verdict.delivered, verdict.lost, verdict.unexpected) == (final.ledger.acked, 0, 5)
    assert [letter["topic"] for letter in letters] == ["transactions.MA"] * 5
    assert [letter["bytes"] for letter in letters] == [len(value) for _, value, _ in RUBBISH.values()]
    assert all(letter["reason"] for letter in letters)


def pour(client: ClientSettings) -> None:
    """Write the rubbish into one partition."""
    producer = open_producer(client)
    send = producer.lane("transactions.MA", 0, None)
    for key, value, packed in RUBBISH.values():
        assert send(key, value, packed)
    assert producer.flush(30.0) == 0


def read_all(client: ClientSettings, count: int) -> list[dict[str, Any]]:
    """The letters, one for each key: written again after a crash, one counts once."""
    reader = open_reader(client, {(DEAD_TOPIC, 0): 0})
    found: dict[bytes | None, Record] = {}
    polls = 0
    while len(found) < count and polls < 200:
        polls += 1
        for records in reader.poll(100, 0.2).values():
            found |= {record.key: record for record in records}
    reader.close()
    return [json.loads(record.value or b"") for record in found.values()]
