"""Processes that are there before what they need, and a loader with a generator of somebody else's."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path

import pytest

from kapture_tui.model.ledger import GroupHalf, LoaderState
from kapture_tui.model.spec import LoadSpec
from kapture_tui.model.states import LEDGER_TOPIC
from kapture_tui.targets.local import redis
from kapture_tui.targets.local.ports import free_ports
from kapture_tui.workload.kafka import ClientSettings, open_producer
from kapture_tui.workload.ledger_json import encode, key_of
from kapture_tui.workload.settings import Settings
from kapture_tui.workload.topics import layout
from tests.local.kafka_home import Real
from tests.local.processes import PATIENCE_S, Observed, Processes, delivered, until

pytestmark = pytest.mark.slow

GROUPS = ("etl", "etl-redis")
LOAD = LoadSpec(stores=20, customers=100, rate=50.0)
SETTINGS = Settings("", "run", "kafka.invalid:9092", groups=GROUPS, load=LOAD, patience_s=240)
WAITING = ("topics", "loader", "etl", "sink redis")


@pytest.fixture
def end() -> Iterator[ExitStack]:
    with ExitStack() as end:
        yield end


@pytest.fixture
def processes(end: ExitStack, tmp_path: Path) -> Processes:
    port = free_ports(1)[0]
    return Processes(end, tmp_path, replace(SETTINGS, urls={"redis": redis.url(port)}))


@pytest.mark.parametrize("kind", WAITING)
def test_names_that_do_not_resolve_yet_are_waited_for_until_told_to_stop(
    processes: Processes, kind: str
) -> None:
    process = processes.start(kind)
    until(lambda: process.says("kafka.invalid:9092: "), f"{kind} says what it waits for")
    assert process.popen.poll() is None
    assert process.stop() == 0


def test_nobody_waits_for_ever(processes: Processes) -> None:
    processes.settings = replace(processes.settings, patience_s=1)
    process = processes.start("etl")
    assert process.popen.wait(60) == 3
    assert process.says("etl: waiting 1 s for Kafka and its topics: kafka.invalid:9092: ")


@pytest.mark.thorough
def test_brokers_topics_and_redis_that_come_late(
    processes: Processes, end: ExitStack, tmp_path: Path
) -> None:
    if not os.environ.get("KAFKA_HOME"):
        pytest.skip("KAFKA_HOME names no Apache Kafka")
    server = redis.find_server()
    assert server is not None
    (tmp_path / "kafka").mkdir()
    kafka = end.enter_context(closing(Real(tmp_path / "kafka")))
    kafka.stop()
    processes.settings = replace(processes.settings, bootstrap=kafka.bootstrap, partitions=2)
    workers = {kind: processes.start(kind) for kind in (*WAITING[1:], "observer")}
    observed = Observed(processes)
    assert observed.ask("GET", "/healthz")[0] == 200
    gone = f"waiting for Kafka and its topics: {kafka.bootstrap}: Connection refused"
    observed.until(lambda r: gone in r.unavailable.get("kafka", ""), "what the observer waits for")
    status, text = observed.ask("POST", "/control", b'{"rate": 20, "paused": false}')
    assert (status, b"Connection refused" in text) == (503, True)

    kafka.start()
    # With one partition each the topics are not yet as they should be.
    kafka.create(dict.fromkeys(layout(processes.settings), 1))
    observed.until(
        lambda r: "has 1 partitions" in r.unavailable.get("kafka", ""), "topics that are too small"
    )
    assert processes.start("topics").popen.wait(60) == 0
    held = "what does not read yet: etl-redis"
    observed.until(lambda r: [row.limited_by for row in r.loaders] == [held], "a loader that holds back")
    assert workers["sink redis"].says("waiting for redis: asking whether it is there (redis://127.0.0.1:")

    (tmp_path / "redis").mkdir()
    port = int(processes.settings.urls["redis"].rpartition(":")[2].partition("/")[0])
    processes.run("redis", redis.command(server, port, tmp_path / "redis"))
    observed.until(lambda r: delivered(r) > 20, "transactions in Redis")
    assert workers["loader"].stop() == 0
    last = observed.until(lambda r: r.drained, "everything read")
    assert last.ledger is not None
    assert {(row.delivered, row.lost) for row in last.ledger.groups.values()} == {(last.ledger.acked, 0)}
    assert [worker.stop() for worker in workers.values()] == [0, 0, 0, 0]


def test_a_loader_sends_nothing_before_every_group_reads(processes: Processes) -> None:
    processes.settings = replace(processes.settings, embedded=True, bootstrap="-", groups=("etl", "another"))
    processes.start("kafka", "kapture_tui.targets.local.broker")
    bootstrap = str(processes.ready("kafka")["bootstrap"])
    processes.settings = replace(processes.settings, bootstrap=bootstrap)
    loader = processes.start("loader")
    processes.start("observer")
    observed = Observed(processes)

    def held_by(*groups: str) -> None:
        text = f"what does not read yet: {', '.join(groups)}"
        observed.until(lambda r: [row.limited_by for row in r.loaders] == [text], text)

    held_by("another", "etl")
    processes.start("etl")
    held_by("another")
    observed.until(lambda r: r.flow and r.flow.mode == "waiting", "loaders that wait")
    # A rate asked for meanwhile counts from when the sending begins: nothing of it is overdue then.
    assert observed.ask("POST", "/control", b'{"rate": 100.0, "paused": false}') == (204, b"")
    waiting = observed.until(lambda r: [row.rate for row in r.loaders] == [100.0], "the new rate")
    assert [(row.acked, row.slip_s) for row in waiting.loaders] == [(0, 0.0)]

    client = ClientSettings(bootstrap, "another", embedded=True)
    half = GroupHalf("another", "transactions.MA/0", "another-0", 0, 1.0)
    producer = open_producer(client)
    producer.lane(LEDGER_TOPIC, 0, None)(key_of(half), encode(half), None)
    assert producer.flush(PATIENCE_S) == 0
    first = observed.until(lambda r: [row.acked > 0 for row in r.loaders] == [True], "transactions")
    assert [row.limited_by for row in first.loaders] == [""]
    assert loader.stop() == 0


GENERATOR = """
import itertools, json

def make(settings):
    for number in itertools.count():
        customer = 10 + number % 3
        order = {"id": number // 3, "customer": {"id": customer}, "dateTime": number / 100, "products": []}
        yield ("MA", "WY", "AL")[number % 3], customer, json.dumps(order).encode()
"""


def test_a_generator_of_somebody_elses(processes: Processes, tmp_path: Path) -> None:
    (tmp_path / "sold_here.py").write_text(GENERATOR)
    processes.settings = replace(processes.settings, embedded=True, bootstrap="-", groups=("etl",), urls={})
    processes.start("kafka", "kapture_tui.targets.local.broker")
    bootstrap = str(processes.ready("kafka")["bootstrap"])
    processes.settings = replace(processes.settings, bootstrap=bootstrap, generator="sold_here:make")
    loader = processes.start("loader", PYTHONPATH=os.pathsep.join([str(tmp_path), *sys.path]))
    processes.start("etl")
    processes.start("observer")
    observed = Observed(processes)
    observed.until(lambda r: delivered(r) > 20, "transactions in the ETL")

    assert observed.ask("POST", "/control", b'{"rate": 200.0, "paused": false}') == (204, b"")
    observed.until(lambda r: [row.rate for row in r.loaders] == [200.0], "the new rate")
    assert loader.stop() == 0
    last = observed.until(lambda r: r.drained, "everything read")
    assert last.ledger is not None
    assert last.ledger.groups["etl"].delivered == last.ledger.acked > 20
    assert last.ledger.groups["etl"].lost == 0
    assert [row.state for row in last.loaders] == [LoaderState.DONE.value]
    assert last.kafka is not None
    used = {state for state, view in last.kafka.states.items() if view.end_offset}
    assert used == {"MA", "WY", "AL"}


def test_a_generator_that_is_not_there_is_said_at_once(processes: Processes) -> None:
    processes.settings = replace(processes.settings, generator="sold_nowhere:make")
    loader = processes.start("loader")
    assert loader.popen.wait(60) == 2
    assert loader.says("loading KAPTURE_GENERATOR=sold_nowhere:make: No module named 'sold_nowhere'")
