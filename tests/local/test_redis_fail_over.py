"""The Redis sink before real Sentinels: it follows the new primary, and goes back to what that one knows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from kapture_tui.model.errors import UsageError
from kapture_tui.model.ledger import GroupHalf
from kapture_tui.targets.local.redis import check_there
from kapture_tui.workload.redis_client import open_redis
from kapture_tui.workload.sinks.base import Batch, SinkUnavailable
from kapture_tui.workload.sinks.redis import RedisSink
from kapture_tui.workload.transaction import Order
from tests.local.recount import recount
from tests.local.sentinels import Sentinels
from tests.local.stacks import running, spec

PARTITION = ("transactions.MA", 0)
IDLE = ("transactions.RI", 0)


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[Sentinels]:
    made = Sentinels(tmp_path)
    try:
        made.start()
        yield made
    finally:
        made.close()


def batch(start: int, end: int, partition: tuple[str, int] = PARTITION) -> Batch:
    half = GroupHalf("etl-redis", f"{partition[0]}/{partition[1]}", "etl-redis-0", end, 1.0)
    return Batch(partition, start, half, [Order(0, 7, n, 1.0, ("rope",), 10) for n in range(start, end)])


def written(servers: Sentinels, sink: RedisSink, wanted: Batch) -> dict[tuple[str, int], int]:
    """What `write` answers once there is a primary, as the loop would try again and again."""
    answers: list[dict[tuple[str, int], int]] = []

    def try_it() -> bool:
        try:
            answers.append(dict(sink.write([wanted])))
        except SinkUnavailable:
            return False
        return True

    servers.until(try_it, "a primary that takes writes")
    return answers[-1]


def test_what_the_new_primary_lacks_is_noticed(servers: Sentinels) -> None:
    sink = RedisSink(servers.url)
    before = sink.identity()
    assert sink.write([batch(0, 3), batch(0, 2, IDLE)]) == {PARTITION: 3, IDLE: 2}
    old = servers.server(servers.primary())
    old.execute_command("WAIT", 2, 10_000)
    assert sink.identity() == before
    servers.cut_replication()
    assert sink.write([batch(3, 9), batch(2, 4, IDLE)]) == {PARTITION: 9, IDLE: 4}, (
        "acknowledged, but nowhere else"
    )
    new = servers.fail_over()
    assert written(servers, sink, batch(9, 12)) == {PARTITION: 3}
    assert sink.identity() != before, "a partition in which nothing more comes would stay behind"
    assert {p: half.offset for p, half in sink.restore([PARTITION, IDLE]).items()} == {PARTITION: 3, IDLE: 2}
    assert sink.write([batch(3, 12), batch(2, 4, IDLE)]) == {PARTITION: 12, IDLE: 4}
    assert servers.server(new).hgetall("customer:7") == {"orders": "16", "spend_cents": "160"}


def test_a_primary_that_comes_back_is_a_replica_and_the_identity_stays(servers: Sentinels) -> None:
    sink = RedisSink(servers.url)
    sink.write([batch(0, 3)])
    old = servers.primary()
    new = servers.fail_over()
    assert written(servers, sink, batch(3, 5)) == {PARTITION: 5}
    after = sink.identity()
    servers.mend_replication()
    servers.start_server(old)
    servers.until(lambda: servers.server(old).info("replication")["role"] == "slave", "the old one follows")
    assert (servers.primary(), sink.identity()) == (new, after)
    assert sink.write([batch(5, 6)]) == {PARTITION: 6}
    servers.until(
        lambda: sink.statistics().figures["replicas"] == 2, "the observer's figures are the new primary's"
    )


def test_a_client_that_still_talks_to_the_old_primary_is_sent_on(servers: Sentinels) -> None:
    sink = RedisSink(servers.url)
    sink.write([batch(0, 3)])
    servers.server(servers.primary()).execute_command("WAIT", 2, 10_000)
    old, other = servers.servers[0], servers.servers[1]
    # By hand, so that no Sentinel closes the sink's connection: a script on it meets a replica.
    servers.server(other).execute_command("REPLICAOF", "NO", "ONE")
    servers.server(old).execute_command("REPLICAOF", "127.0.0.1", str(other))
    with pytest.raises(SinkUnavailable, match=r"slave|No master"):
        sink.write([batch(3, 4)])


def test_a_primary_that_was_only_slow_is_left_before_it_learns_of_its_fail_over(servers: Sentinels) -> None:
    sink = RedisSink(servers.url)
    sink.write([batch(0, 3)])
    old, before = servers.primary(), sink.identity()
    servers.server(old).execute_command("WAIT", 2, 10_000)
    with servers.standing_still(old):
        servers.until(lambda: old not in servers.said(), "a fail-over that every Sentinel knows of")
    # The old one takes writes for some seconds more, before the Sentinels make it a replica.
    assert sink.identity() != before
    assert sink.write([batch(3, 5)]) == {PARTITION: 5}
    assert servers.server(servers.primary()).hget("customer:7", "orders") == "5"


def test_urls(servers: Sentinels) -> None:
    with open_redis(servers.url + "/2", "test", 5.0) as client:
        client.set("key", "value")
        assert client.get("key") == "value"
    with pytest.raises(UsageError, match="holds 1 keys") as told:
        check_there(servers.url + "/2")
    assert "correct-horse" not in str(told.value)
    assert "redis" in check_there(servers.url) or "valkey" in check_there(servers.url)
    with pytest.raises(UsageError, match="No master found"):
        check_there(servers.url.replace("/kapture", "/nobody"))
    for wrong in ("redis+sentinel://h:1", "redis+sentinel:///kapture", "redis+sentinel://h/kapture/x"):
        with pytest.raises(UsageError, match="not of the form"):
            check_there(wrong)


@pytest.mark.thorough
async def test_a_stack_whose_primary_is_killed_loses_nothing(servers: Sentinels) -> None:
    wanted = replace(spec("fail-over", scale=1), urls={"redis": servers.url})
    async with running(wanted) as stack:
        await stack.until_delivered(500)
        old = servers.primary()
        servers.kill(old)
        await stack.until(lambda s: servers.primary() != old, "a fail-over")
        await stack.until_delivered(500)
        servers.start_server(old)
        await stack.drain()
        counted = recount(stack.bootstrap(), embedded=True)

        def totals() -> dict[int, list[int]]:
            found = servers.server(servers.primary())
            return {
                int(key.partition(":")[2]): [int(n) for n in found.hmget(key, "orders", "spend_cents")]
                for key in found.scan_iter("customer:*", count=1000)
            }

        # On a busy machine there may have been a further fail-over in this moment.
        last = await stack.until(
            lambda s: s.drained and totals() == dict(counted.customers), "the totals of a recount"
        )
        assert last.ledger is not None
        mine = last.ledger.groups["etl-redis"]
        assert (mine.lost, mine.duplicated, mine.unexpected) == (0, 0, 0)
