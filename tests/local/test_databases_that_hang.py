"""A database that hangs holds its own sink up and no other one; afterwards everything is there once."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from kapture_tui.model.spec import Component
from tests.local.postgres_server import needs_postgres, totals
from tests.local.recount import recount
from tests.local.stacks import Stack, running, spec
from tests.local.test_faults import redis_totals
from tests.watching import lag

RATE = 50.0
"""Of each of two loaders."""

BEHIND = 1500
"""Records by which a sink is late when its database has hung for 15 s; longer than any request may take."""

HELD_UP = 700
"""Records by which the others must not be late meanwhile, on however busy a machine: 7 s."""

PROGRAMS = {"redis": ("valkey-server", "redis-server"), "postgres": ("postgres",)}


@needs_postgres
@pytest.mark.thorough
async def test_redis_and_postgres_in_turn() -> None:
    both = frozenset({Component.REDIS, Component.POSTGRES})
    async with running(replace(spec("hang", rate=RATE), components=both)) as stack:
        await stack.until_delivered(100)
        await hang(stack, "redis", ("etl", "etl-postgres"))
        await hang(stack, "postgres", ("etl", "etl-redis"))
        final = await stack.drain()
        books = await asyncio.to_thread(recount, stack.bootstrap(), True)
        stored = {number: tuple(total) for number, total in books.customers.items()}
        assert redis_totals(stack.url("redis")) == stored
        assert totals(stack.url("postgres")) == stored
        assert final.ledger is not None
        for name, group in final.ledger.groups.items():
            assert (group.lost, group.duplicated, group.unexpected) == (0, 0, 0), name
            assert group.delivered == books.messages, name


async def hang(stack: Stack, database: str, others: tuple[str, ...]) -> None:
    """Let it hang until its sink is behind; then until it has caught up."""
    group = f"etl-{database}"
    with stack.standing_still(*PROGRAMS[database]):
        behind = await stack.until(lambda s: lag(s, group) > BEHIND, f"{group} behind")
        assert database in behind.unavailable
        for other in others:
            assert lag(behind, other) < HELD_UP, f"{other} is held up by {database}"
    await stack.until(lambda s: lag(s, group) < HELD_UP, f"{group} has caught up")
