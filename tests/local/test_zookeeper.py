"""Kafka 3.9 with ZooKeeper on this machine keeps the promises that it keeps with KRaft."""

from __future__ import annotations

import pytest

from kapture_tui.model.spec import Component
from tests.local.kafka_home import zookeeper_home
from tests.local.stacks import running, spec
from tests.local.test_faults import check_books

HOME = zookeeper_home()


@pytest.mark.thorough
@pytest.mark.skipif(
    HOME is None, reason="neither KAFKA_HOME nor a folder beside it has a Kafka with ZooKeeper"
)
async def test_broker_and_zookeeper_killed_in_mid_run_lose_nothing() -> None:
    async with running(spec("zookeeper", kafka_home=HOME).with_component(Component.ZOOKEEPER)) as stack:
        await stack.until_delivered(1000)
        for victim in ("zookeeper", "kafka"):
            await stack.kill(victim)
            await stack.until_delivered(1000)
        final, books = await check_books(stack, embedded=False)
        assert final.ledger is not None
        assert final.ledger.acked > 3000
        assert books.written_twice == 0
