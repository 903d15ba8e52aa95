"""A producer that lies: it acknowledges what it drops, writes some messages twice and others in the wrong order."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from random import Random

import pytest
import redis

from kapture_tui.model.ledger import LoaderHalf, LoaderState, Sent
from kapture_tui.model.states import LEDGER_TOPIC, STATES, transactions_topic
from kapture_tui.workload import header
from kapture_tui.workload.kafka import ClientSettings, open_producer
from kapture_tui.workload.ledger_json import encode, key_of
from kapture_tui.workload.petstore import LoaderStream, PetstoreSpec
from tests.local.recount import recount
from tests.local.stacks import KAFKA_HOME, WAIT_S, Stack, real_kafka, running, spec

MESSAGES = 3000


@dataclass(frozen=True)
class Faults:
    """How many messages of each kind."""

    dropped: int
    doubled: int
    swapped: int

    def and_(self, more: Faults) -> Faults:
        """These and those."""
        return Faults(self.dropped + more.dropped, self.doubled + more.doubled, self.swapped + more.swapped)


def written(sequences: int, faults: Faults, random: Random) -> list[int]:
    """The sequences 0 … as a faulty broker would hold them: each fault hits messages of its own."""
    # Every third message may be hit, so that faults do not touch; the last one stays, or its loss would be no hole.
    hit = random.sample(range(0, sequences - 2, 3), faults.dropped + faults.doubled + faults.swapped)
    dropped, rest = set(hit[: faults.dropped]), hit[faults.dropped :]
    doubled, swapped = set(rest[: faults.doubled]), rest[faults.doubled :]
    order = list(range(sequences))
    for at in swapped:
        order[at], order[at + 1] = order[at + 1], order[at]
    return [again for s in order if s not in dropped for again in ((s, s) if s in doubled else (s,))]


def lie(bootstrap: str, embedded: bool, faults: Faults, number: int) -> int:
    """Write with faults as the liar of that number, claim that all is well; how many messages were attempted."""
    random, name = Random(number), f"liar-{number}"
    producer = open_producer(ClientSettings(bootstrap, name, embedded=embedded))
    stream = LoaderStream(
        PetstoreSpec(stores=40, customers=100, stream=name, customer_base=(1 << 51) + (number << 20))
    )
    by_state: dict[int, list[tuple[bytes, bytes]]] = {}
    for slot, value in stream.next_batch(MESSAGES):
        by_state.setdefault(stream.states[slot], []).append((stream.keys[slot], value))
    half = LoaderHalf(name, header.loader_id(number), 0, time.time(), LoaderState.LIVE)
    report = producer.lane(LEDGER_TOPIC, 0, None)
    report(key_of(half), encode(half), None)
    assert producer.flush(WAIT_S) == 0
    attempted: dict[str, int] = {}
    victim = max(by_state, key=lambda state: len(by_state[state]))
    for state, messages in by_state.items():
        topic = transactions_topic(STATES[state])
        send = producer.lane(topic, 0, None)
        order = written(len(messages), faults if state == victim else Faults(0, 0, 0), random)
        for sequence in order:
            key, value = messages[sequence]
            assert send(key, value, header.pack(number, sequence, time.time_ns() // 1000))
        attempted[f"{topic}/0"] = len(messages)
    assert producer.flush(WAIT_S) == 0
    claims = {key: Sent(count, ((0, count),)) for key, count in attempted.items()}
    done = LoaderHalf(name, half.id, 0, time.time(), LoaderState.DONE, claims, MESSAGES)
    report(key_of(done), encode(done), None)
    assert producer.flush(WAIT_S) == 0
    return sum(attempted.values())


async def check(stack: Stack, *lies: Faults, embedded: bool = True) -> None:
    """Have one liar after the other write; the ledger and a recount must agree on all faults so far."""
    honest = await stack.drain()
    assert honest.ledger is not None
    bootstrap, total, faults = stack.bootstrap(), honest.ledger.attempted, Faults(0, 0, 0)
    for number, lied in enumerate(lies, start=1):
        total += await asyncio.to_thread(lie, bootstrap, embedded, lied, number)
        faults = faults.and_(lied)
        await _check_books(stack, bootstrap, total, faults, embedded)


async def _check_books(stack: Stack, bootstrap: str, total: int, faults: Faults, embedded: bool) -> None:
    final = await stack.until(
        lambda s: s.drained and s.ledger is not None and s.ledger.attempted == total,
        "the liar's messages read",
    )
    assert final.ledger is not None
    assert final.ledger.acked == total
    books = await asyncio.to_thread(recount, bootstrap, embedded)
    for name, group in final.ledger.groups.items():
        found = Faults(group.lost, group.duplicated, group.reordered)
        assert found == faults, name
        assert (group.unexpected, group.recovered, group.redelivered) == (0, 0, 0), name
        assert group.delivered == books.messages == total - faults.dropped, name
    assert Faults(total - books.messages, books.written_twice, books.reordered) == faults
    client = redis.Redis.from_url(stack.redis_url(), decode_responses=True)
    for number, (orders, cents) in books.customers.items():
        assert client.hmget(f"customer:{number}", "orders", "spend_cents") == [str(orders), str(cents)]
    client.close()


async def test_the_ledger_reports_exactly_the_faults() -> None:
    async with running(spec("liars", scale=1)) as stack:
        await check(stack, Faults(7, 5, 3), Faults(0, 1, 0), Faults(1, 0, 40))


@real_kafka
@pytest.mark.thorough
async def test_the_ledger_reports_exactly_the_faults_on_a_real_kafka() -> None:
    async with running(spec("liar-real", scale=1, kafka_home=KAFKA_HOME)) as stack:
        await check(stack, Faults(5, 7, 11), embedded=False)
