"""A real Kafka under the supervisor; KAFKA_HOME names it. The workload is stand-ins."""

from __future__ import annotations

import os
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from confluent_kafka import OFFSET_BEGINNING, Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, ConfigResource

from kapture_tui.model.errors import KaptureError, UsageError
from kapture_tui.model.spec import Component
from kapture_tui.targets.local import kafka
from kapture_tui.targets.local.target import LocalTarget
from kapture_tui.targets.local.usage import processes_of_run
from kapture_tui.workload.settings import Settings
from kapture_tui.workload.topics import layout
from tests.local.stand_ins import MODULE
from tests.local.supervised import WAIT_S, every, run_id, see, spec_of

pytestmark = [
    pytest.mark.skipif("KAFKA_HOME" not in os.environ, reason="KAFKA_HOME names no Apache Kafka"),
    pytest.mark.slow,
    pytest.mark.timeout(400),
]


@pytest.fixture
async def target(
    own_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[LocalTarget]:
    monkeypatch.setenv("KAPTURE_STATE_DIR", str(own_home / "kafka"))
    monkeypatch.setenv("KAPTURE_HABITS", str(tmp_path))
    target = LocalTarget("real", MODULE)
    yield target
    with suppress(KaptureError):
        await every(target.destroy())


async def test_a_broker_of_its_own_keeps_what_it_acknowledged(target: LocalTarget) -> None:
    spec = replace(spec_of("real", keep=True), kafka_home=os.environ["KAFKA_HOME"])
    steps = [event.step for event in await every(target.deploy(spec)) if event.done]
    assert steps[:3] == ["state", "broker", "topics"]
    run = run_id(target)
    listening = {
        connection.laddr
        for process in processes_of_run(run)
        for connection in process.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    }
    assert {address.ip.removeprefix("::ffff:") for address in listening} == {"127.0.0.1"}
    bootstrap = await _bootstrap(target)

    admin = AdminClient({"bootstrap.servers": bootstrap})
    topics = set(layout(Settings("", "", bootstrap)))
    assert topics <= admin.list_topics(timeout=20).topics.keys()
    resource = ConfigResource(ConfigResource.Type.TOPIC, "transactions.CA")
    config = admin.describe_configs([resource])[resource].result(20)
    assert config["retention.bytes"].value == str(256 * 1024 * 1024)

    _write(bootstrap, 1000)
    with pytest.raises(UsageError, match=f"{len(topics)} topics of another run"):
        kafka.check_there(bootstrap)
    await target.kill("kafka")
    await see(
        target, lambda o: any(row.name == "kafka" and row.restarts == 1 and row.ready for row in o.pods), 60
    )
    assert _read(bootstrap) == list(range(1000))
    await target.restart(Component.KAFKA)
    assert _read(bootstrap) == list(range(1000))

    # The same brokers, as they look to a stack that did not bring them: its topics go with it.
    assert kafka.delete_topics(bootstrap) == len(topics)
    assert _soon_there(bootstrap) == 1
    assert (await every(target.destroy()))[-1].text == "nothing left in real"
    assert processes_of_run(run) == []


async def _bootstrap(target: LocalTarget) -> str:
    lines = (target.state.path / "kafka" / "server.properties").read_text().splitlines()
    return next(line.partition("://")[2] for line in lines if line.startswith("advertised.listeners="))


def _soon_there(bootstrap: str) -> int:
    """What `check_there` says once the deletion, which brokers only begin when asked, has come through."""
    end = time.monotonic() + WAIT_S
    while True:
        try:
            return kafka.check_there(bootstrap)
        except UsageError:
            if time.monotonic() > end:
                raise
            time.sleep(0.2)


def _write(bootstrap: str, count: int) -> None:
    producer = Producer({"bootstrap.servers": bootstrap, "acks": "all", "enable.idempotence": True})
    for number in range(count):
        producer.produce("transactions.CA", b"%d" % number, partition=0)
    assert producer.flush(60) == 0


def _read(bootstrap: str) -> list[int]:
    reader = Consumer({"bootstrap.servers": bootstrap, "group.id": "recount", "enable.auto.commit": False})
    reader.assign([TopicPartition("transactions.CA", 0, OFFSET_BEGINNING)])
    seen: list[int] = []
    while len(seen) < 1000 and (messages := reader.consume(1000, 60)):
        seen += [int(message.value() or b"") for message in messages if message.error() is None]
    reader.close()
    return seen
