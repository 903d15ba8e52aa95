"""Processes are killed under load: the ledger says truthfully what happened, and no acknowledged message is lost."""

from __future__ import annotations

import asyncio
import os
import signal

import psutil
import pytest
import redis

from kapture_tui.model.event import EventKind
from kapture_tui.model.snapshot import Phase, Snapshot
from kapture_tui.targets.local.target import LocalTarget
from kapture_tui.targets.local.usage import processes_of_run
from tests.local.recount import Recount, recount
from tests.local.stacks import KAFKA_HOME, WAIT_S, Stack, real_kafka, running, spec


async def check_books(stack: Stack, embedded: bool = True) -> tuple[Snapshot, Recount]:
    """Drain, then compare the ledger and Redis with a recount of the topics."""
    final = await stack.drain()
    books = await asyncio.to_thread(recount, stack.bootstrap(), embedded)
    assert final.ledger is not None
    assert set(final.ledger.groups) == {"etl", "etl-redis"}
    for name, group in final.ledger.groups.items():
        assert group.lost == 0, name
        assert group.unexpected == 0, name
        assert group.delivered == books.messages, name
        assert group.delivered == final.ledger.acked + group.recovered, name
        assert group.duplicated == books.written_twice, name
        assert group.reordered == books.reordered, name
    assert final.kafka is not None
    assert {name: group.lag for name, group in final.kafka.total.groups.items()} == {"etl": 0, "etl-redis": 0}
    assert redis_totals(stack.redis_url()) == {
        number: tuple(total) for number, total in books.customers.items()
    }
    return final, books


def redis_totals(url: str) -> dict[int, tuple[int, int]]:
    """Orders and cents of every customer, as Redis has them."""
    client = redis.Redis.from_url(url, decode_responses=True)
    keys = list(client.scan_iter("customer:*", count=1000))
    pipeline = client.pipeline(transaction=False)
    for key in keys:
        pipeline.hmget(key, "orders", "spend_cents")
    totals = {
        int(key.split(":")[1]): (int(orders), int(cents))
        for key, (orders, cents) in zip(keys, pipeline.execute(), strict=True)
    }
    client.close()
    return totals


READERS = ("etl-0", "etl-redis-1", "redis", "observer")


@pytest.mark.parametrize(
    "victims",
    [READERS, *(pytest.param((victim,), marks=pytest.mark.thorough) for victim in READERS)],
    ids="-".join,
)
async def test_killed_readers_and_databases_lose_and_double_nothing(victims: tuple[str, ...]) -> None:
    async with running(spec("kill-readers")) as stack:
        await stack.until_delivered(1000)
        for victim in victims:
            seen = await stack.kill(victim)
            assert any(event.kind is EventKind.CHANGE and event.subject == victim for event in seen.events)
            await stack.until_delivered(1000)
        final, books = await check_books(stack)
        assert final.ledger is not None
        assert final.ledger.acked == final.ledger.attempted == books.messages == books.records
        assert (books.written_twice, final.ledger.indeterminate) == (0, 0)


async def test_what_a_killed_loader_sent_last_is_indeterminate_never_unexpected() -> None:
    async with running(spec("kill-loader")) as stack:
        await stack.until_delivered(1000)
        await stack.kill("data-loader-0")
        await stack.until_delivered(1000)
        _, books = await check_books(stack)
        assert len({loader for loader, _, _ in books.sequences}) == 3  # the restarted one is another loader


async def test_a_killed_supervisor_leaves_no_orphans() -> None:
    target = LocalTarget("orphans")
    async for _ in target.deploy(spec("orphans")):
        pass
    run = target.state.run()
    assert run is not None
    children = [p for p in processes_of_run(run.run_id) if p.pid != run.pid]
    assert len(children) > 8
    os.kill(run.pid, signal.SIGKILL)
    _, alive = await asyncio.to_thread(psutil.wait_procs, children, WAIT_S)
    assert not alive
    async for _ in target.destroy():  # what a dead supervisor left is cleared by the next call
        pass
    assert not target.state.path.exists()


async def test_the_embedded_broker_killed_ends_the_run() -> None:
    async with running(spec("broker")) as stack:
        await stack.target.kill("kafka")
        failed = await stack.until(lambda s: s.run.phase is Phase.FAILED, "failed")
        assert any(e.kind is EventKind.ALARM and "broker" in e.text for e in failed.events), failed.events


@real_kafka
@pytest.mark.thorough
async def test_a_real_broker_restarted_in_mid_run_loses_nothing() -> None:
    async with running(spec("real", kafka_home=KAFKA_HOME)) as stack:
        await stack.until_delivered(1000)
        await stack.kill("kafka")
        await stack.until_delivered(1000)
        final, books = await check_books(stack, embedded=False)
        assert final.ledger is not None
        assert final.ledger.acked > 2000
        assert books.written_twice == 0
