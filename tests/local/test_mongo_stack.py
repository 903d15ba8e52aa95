"""A whole stack with Mongo by URL: what it stored equals an independent replay, whatever was killed meanwhile."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from kapture_tui.model.snapshot import Snapshot
from kapture_tui.model.spec import Component, StackSpec
from tests.local.mongo_server import MongoServer, needs_mongo
from tests.local.recount import recount
from tests.local.restocks import check_restocks
from tests.local.stacks import Stack, running, spec
from tests.watching import lag

pytestmark = needs_mongo

RATE = 60.0
"""A loader; FerretDB on SQLite takes a few hundred documents a second and little beside them."""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[MongoServer]:
    made = MongoServer(tmp_path)
    made.start()
    yield made
    made.kill()


def customers(server: MongoServer) -> dict[int, list[int]]:
    """Orders and cents by customer, asked by a client of the test's own."""
    totals: dict[int, list[int]] = defaultdict(lambda: [0, 0])
    with server.client as client:
        for document in client.pets.transactions.find({}, {"customer.id": 1, "products": 1}):
            entry = totals[document["customer"]["id"]]
            entry[0] += 1
            entry[1] += sum(round(100 * p["size"] * p["per_unit_cost"]) for p in document["products"])
    return dict(totals)


async def drained(stack: Stack, server: MongoServer) -> Snapshot:
    """The last snapshot; what Mongo holds then is what the topics hold."""
    last = await stack.drain()
    counted = recount(stack.bootstrap(), embedded=True)
    assert counted.written_twice == 0
    assert customers(server) == dict(counted.customers)
    assert last.ledger is not None
    mine = last.ledger.groups["etl-mongo"]
    assert (mine.lost, mine.duplicated, mine.unexpected) == (0, 0, 0)
    assert mine.delivered == counted.messages
    await check_restocks(stack, last, counted)
    return last


def mongo_alone(namespace: str, server: MongoServer) -> StackSpec:
    """A stack whose only database is Mongo, so that it is the spout's source."""
    wanted = spec(namespace, rate=RATE, scale=1)
    return replace(wanted, components=frozenset({Component.MONGO}), urls={"mongo": server.url})


async def test_what_stores_sold_comes_back_from_mongo_although_the_spout_is_killed(
    server: MongoServer,
) -> None:
    async with running(mongo_alone("mongo-spout", server)) as stack:
        await stack.until(restocked, "restocks")
        await stack.kill("spout")
        await stack.until_delivered(100)
        last = await drained(stack, server)
        assert last.spout is not None
        assert last.spout["behind_s"] == 0


def restocked(snapshot: Snapshot) -> bool:
    return bool(
        snapshot.spout and snapshot.ledger and snapshot.ledger.restock and snapshot.ledger.restock.acked
    )


@pytest.mark.thorough
async def test_killed_and_hanging_and_nothing_is_lost(server: MongoServer) -> None:
    async with running(mongo_alone("mongo", server)) as stack:
        await stack.until_delivered(100)
        await stack.kill("etl-mongo-0")
        await stack.until_delivered(100)
        server.kill()
        await stack.until(lambda s: lag(s, "etl-mongo") > 100, "a lag while Mongo is away")
        meanwhile = await stack.until(lambda s: s.mongo is None, "the console says so")
        assert "mongo" in meanwhile.unavailable
        assert lag(meanwhile, "etl") < lag(meanwhile, "etl-mongo"), "the others are held up"
        server.start()
        await stack.until_delivered(100)
        server.hang()
        await stack.until(lambda s: lag(s, "etl-mongo") > 100, "a lag while Mongo hangs")
        server.go_on()
        await stack.until_delivered(100)
        last = await drained(stack, server)
        seen = await stack.until(
            lambda s: (s.mongo or {}).get("documents") == last.ledger.groups["etl-mongo"].delivered,
            "Mongo's own number of documents",
        )
        assert seen.mongo is not None
        assert seen.mongo["size_bytes"] > 0
    with server.client as client:
        assert client.pets.list_collection_names() == [], "the teardown leaves documents"
