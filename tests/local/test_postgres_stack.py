"""A whole stack with Postgres, which is hurt: totals and restocks are those of an independent replay of the topics."""

from __future__ import annotations

import asyncio

import pytest

from kapture_tui.model.snapshot import Snapshot
from kapture_tui.model.spec import Component, LoadSpec, StackSpec
from tests.local.postgres_server import needs_postgres, orphans, totals
from tests.local.recount import recount
from tests.local.restocks import check_restocks
from tests.local.stacks import Stack, running

pytestmark = needs_postgres

GROUPS = {"etl", "etl-postgres"}


def spec(namespace: str) -> StackSpec:
    load = LoadSpec(stores=40, customers=300, rate=200.0, seed=7)
    return StackSpec(namespace, 2, frozenset({Component.POSTGRES}), load)


async def check_books(stack: Stack) -> Snapshot:
    """Drain, then compare the ledger, Postgres and the restocks with a recount of the topics."""
    final = await stack.drain()
    books = await asyncio.to_thread(recount, stack.bootstrap(), True)
    assert final.ledger is not None
    assert set(final.ledger.groups) == GROUPS
    for name, group in final.ledger.groups.items():
        assert (group.lost, group.unexpected) == (0, 0), name
        assert group.delivered == books.messages, name
        assert group.duplicated == books.written_twice, name
    url = stack.url("postgres")
    assert totals(url) == {customer: tuple(total) for customer, total in books.customers.items()}
    assert orphans(url) == 0
    await check_restocks(stack, final, books)
    return final


async def test_the_sink_killed_and_postgres_restarted() -> None:
    async with running(spec("pg-short")) as stack:
        await stack.until_delivered(300)
        await asyncio.gather(stack.kill("etl-postgres-0"), stack.kill("postgres"))
        await stack.until_delivered(300)
        final = await check_books(stack)
        assert final.postgres is not None
        assert final.postgres["rows"]
        assert final.spout is not None
        assert final.spout["behind_s"] == 0


@pytest.mark.thorough
@pytest.mark.timeout(600)
async def test_everything_around_postgres_is_hurt_again_and_again() -> None:
    async with running(spec("pg-long")) as stack:
        for _ in range(3):
            await stack.until_delivered(500)
            await stack.kill("spout")
            await stack.until_delivered(300)
            await asyncio.gather(stack.kill("etl-postgres-1"), stack.kill("postgres"))
            await stack.until_delivered(300)
            with stack.standing_still("postgres"):
                before = await stack.until(lambda s: s.ledger is not None, "a ledger")
                assert before.ledger is not None
                goal = before.ledger.groups["etl"].delivered + 1000

                def went_on(snapshot: Snapshot, goal: int = goal) -> bool:
                    return bool(snapshot.ledger and snapshot.ledger.groups["etl"].delivered >= goal)

                await stack.until(went_on, "the ETL is not slowed down")
        await check_books(stack)


async def test_postgres_is_added_to_a_running_stack() -> None:
    without = StackSpec("pg-added", 1, load=LoadSpec(stores=40, customers=300, rate=200.0, seed=7))
    async with running(without) as stack:
        async for _ in stack.target.deploy(without.with_component(Component.POSTGRES)):
            pass
        await stack.until(
            lambda s: bool(s.ledger and s.ledger.restock and s.ledger.restock.acked and s.spout), "restocks"
        )
        await check_books(stack)
