"""Postgres on the cluster: its pod, the sink's and the spout's go in mid-run, and nothing is missing or there twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from kapture_tui.model.snapshot import Snapshot
from kapture_tui.model.spec import Component
from kapture_tui.targets.kubernetes.api import Api
from tests.cluster.recounting import recount
from tests.cluster.stacks import Stack, exact, running

pytestmark = [pytest.mark.thorough, pytest.mark.timeout(1800)]

SCRIPT = Path(__file__).parent / "in_pod_postgres.py"


def rows(snapshot: Snapshot) -> int:
    return (snapshot.postgres or {}).get("rows") or 0


async def until_rows(stack: Stack, more: int) -> Snapshot:
    """Until there are so many more rows than now."""
    goal = rows(await stack.until(rows, "rows")) + more
    return await stack.until(lambda s: rows(s) >= goal, f"{goal} rows")


def caught_up(snapshot: Snapshot) -> bool:
    """The spout has found nothing more; it looks once a second."""
    return snapshot.spout is not None and snapshot.spout["behind_s"] == 0


async def test_rows_outlive_the_pods_and_equal_a_replay_of_the_topics(api: Api, namespace: str) -> None:
    async with running(api, namespace, "-o", "--rate", "40", "--storage", "persistent") as stack:
        before = await until_rows(stack, 1000)
        await stack.replace_pod(Component.POSTGRES)
        after = await until_rows(stack, 500)
        assert rows(after) > rows(before), "the claimed volume has lost them"
        await stack.replace_pod(Component.POSTGRES_SINK)
        await stack.replace_pod(Component.SPOUT)
        await until_rows(stack, 500)
        await stack.drain()
        final = await stack.until(
            lambda s: s.drained and caught_up(s), "drained, and nothing left to bring back"
        )
        counted = await recount(api, namespace, "etl-postgres", SCRIPT)
    assert (counted["differing"], counted["written_twice"]) == (0, 0)
    stored = exact(final, "etl-postgres")
    assert stored.delivered == counted["messages"] == counted["brought_back"]
    assert final.ledger is not None
    assert final.ledger.restock is not None
    back = final.ledger.restock.groups["etl"]
    assert (back.lost, back.unexpected) == (0, 0)
    assert back.delivered == final.ledger.restock.acked == counted["restocks"]
