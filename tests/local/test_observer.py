"""The observer as a process, before the real embedded broker and a real Redis; the halves come from the test."""

from __future__ import annotations

import gzip
import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import pytest
import redis
from confluent_kafka import Consumer, TopicPartition
from prometheus_client.parser import text_string_to_metric_families

from kapture_tui.model.histogram import Histogram
from kapture_tui.model.ledger import GroupHalf, LoaderHalf, LoaderState, Read, Sent
from kapture_tui.model.snapshot import ObserverReport, Sale, StateSales
from kapture_tui.model.states import LEDGER_TOPIC
from kapture_tui.model.wire import from_wire
from kapture_tui.targets.local.ports import free_ports
from kapture_tui.targets.local.redis import find_server
from kapture_tui.workload.figures import Figures, FiguresPublisher
from kapture_tui.workload.kafka import ClientSettings, open_producer, open_reader
from kapture_tui.workload.ledger_json import encode, key_of
from kapture_tui.workload.settings import Settings

T = TypeVar("T")

PATIENCE_S = 90.0
"""Only a test that fails waits for so long."""

GROUPS = ("etl", "etl-redis")
PASSWORD = "correct-horse"


def eventually(look: Callable[[], T | None], what: str) -> T:
    """The first answer that is one."""
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        answer = look()
        if answer is not None:
            return answer
        time.sleep(0.05)
    raise AssertionError(f"{what}: not within {PATIENCE_S:.0f} s")


class Child:
    """A process of the stack, ended with the test."""

    def __init__(self, command: list[str], env: Mapping[str, str], log: Path) -> None:
        with log.open("ab") as out:
            self.process = subprocess.Popen(command, env={**os.environ, **env}, stdout=out, stderr=out)

    def stop(self) -> int:
        self.process.send_signal(signal.SIGCONT)
        self.process.terminate()
        return self.process.wait(PATIENCE_S)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(PATIENCE_S)


class Stack:
    """Broker, Redis, observer, and a hand to write what loaders and consumers would."""

    def __init__(self, folder: Path, end: ExitStack) -> None:
        self.folder = folder
        self._end = end
        self.settings = Settings("observer-0", "run", "-", embedded=True, partitions=2, groups=GROUPS)
        self.broker, ready = self._python("kapture_tui.targets.local.broker")
        self.settings = replace(self.settings, bootstrap=ready["bootstrap"])
        self.client = ClientSettings(ready["bootstrap"], "test", embedded=True)
        self._producer = open_producer(self.client)
        self._port = 0
        self._redis_port = 0
        self._seconds = 0

    def _python(self, *module: str) -> tuple[Child, dict[str, Any]]:
        path = self.folder / "ready"
        path.unlink(missing_ok=True)
        settings = replace(self.settings, ready_file=path)
        child = Child([sys.executable, "-m", *module], settings.to_env(), self.folder / "log")
        self._end.callback(child.kill)
        eventually(lambda: path.exists() or None, f"{module[0]} is ready")
        return child, json.loads(path.read_text())

    def start_observer(self) -> Child:
        child, ready = self._python("kapture_tui.workload", "observer")
        self._port = ready["port"]
        return child

    def start_redis(self) -> Child:
        server = find_server()
        assert server is not None
        port = self._redis_port = self._redis_port or free_ports(1)[0]
        self.settings = replace(self.settings, urls={"redis": f"redis://:{PASSWORD}@127.0.0.1:{port}"})
        command = [
            str(server.path),
            "--port",
            str(port),
            "--bind",
            "127.0.0.1",
            "--requirepass",
            PASSWORD,
            "--save",
            "",
        ]
        child = Child(command, {}, self.folder / "log")
        self._end.callback(child.kill)
        eventually(self._pong, "Redis answers")
        return child

    def _pong(self) -> bool | None:
        try:
            return bool(self.redis.ping())
        except redis.ConnectionError:
            return None

    @property
    def redis(self) -> redis.Redis:
        assert self.settings.urls
        return redis.Redis.from_url(self.settings.urls["redis"])

    # --- what others would write --------------------------------------------------------------------------------

    def records(self, count: int, partition: int = 0) -> None:
        lane = self._producer.lane("transactions.MA", partition, None)
        assert all(lane(b"key", b"value", None) for _ in range(count))
        assert self._producer.flush(PATIENCE_S) == 0

    def half(self, *halves: LoaderHalf | GroupHalf) -> None:
        self.raw(*((key_of(half), encode(half)) for half in halves))

    def raw(self, *records: tuple[bytes, bytes]) -> None:
        lane = self._producer.lane(LEDGER_TOPIC, 0, None)
        assert all(lane(key, value, None) for key, value in records)
        assert self._producer.flush(PATIENCE_S) == 0

    def loader(self, acked: int, state: LoaderState = LoaderState.LIVE, **fields: Any) -> None:
        self._seconds += 1
        sent = {"transactions.MA/0": Sent(acked, ((0, acked),))}
        self.half(LoaderHalf("data-loader-0", "0" * 16, 0, float(self._seconds), state, sent, **fields))

    def read_to(self, offset: int, *holes: tuple[int, int], group: str = "etl") -> None:
        self._seconds += 1
        self.half(
            GroupHalf(
                group,
                "transactions.MA/0",
                f"{group}-0",
                offset,
                float(self._seconds),
                {"0" * 16: Read(offset, holes)},
                latency=Histogram.of(1000 * number for number in range(offset)),
            )
        )
        consumer = Consumer({"bootstrap.servers": self.client.bootstrap, "group.id": group})
        consumer.commit(offsets=[TopicPartition("transactions.MA", 0, offset)], asynchronous=False)
        consumer.close()

    def figures(self, part: str, name: str) -> FiguresPublisher:
        return FiguresPublisher(self._producer, part, name)

    def flush(self) -> None:
        assert self._producer.flush(PATIENCE_S) == 0

    # --- what the observer says ---------------------------------------------------------------------------------

    def get(self, path: str, **headers: str) -> tuple[http.client.HTTPResponse, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=PATIENCE_S)
        connection.request(
            "GET", path, headers={name.replace("_", "-"): text for name, text in headers.items()}
        )
        response = connection.getresponse()
        body = response.read()
        connection.close()
        return response, body

    def report(self) -> ObserverReport:
        _, body = self.get("/report", Accept_Encoding="gzip")
        return from_wire(ObserverReport, json.loads(gzip.decompress(body)))

    def await_report(self, what: str, holds: Callable[[ObserverReport], object]) -> ObserverReport:
        def look() -> ObserverReport | None:
            report = self.report()
            return report if holds(report) else None

        return eventually(look, what)


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    with ExitStack() as end:
        yield Stack(tmp_path, end)


def lag(report: ObserverReport, group: str, state: str = "MA") -> int | None:
    return report.kafka.states[state].groups[group].lag if report.kafka else None


def test_lag_verdict_and_drain(stack: Stack) -> None:
    stack.start_observer()
    first = stack.await_report("an empty stack", lambda report: report.ledger is not None)
    assert first.kafka is not None
    assert (first.kafka.brokers, first.kafka.total.end_offset, first.kafka.total.partitions) == (1, 0, 102)
    assert (first.drained, first.loaders) == (False, ())
    assert first.unavailable["flow"] == "no loader has reported yet"
    assert first.unavailable["redis"] == "not deployed"

    stack.loader(0)
    stack.records(100)
    stack.loader(100)
    stack.read_to(60)
    stack.read_to(100, group="etl-redis")
    report = stack.await_report("lag", lambda r: (lag(r, "etl"), lag(r, "etl-redis")) == (40, 0))
    report = stack.await_report("halves", lambda r: r.ledger and r.ledger.groups["etl"].delivered == 60)
    assert report.kafka is not None
    assert report.ledger is not None
    ma, total = report.kafka.states["MA"], report.kafka.total
    assert (ma.end_offset, total.end_offset, total.groups["etl"].lag) == (100, 100, 40)
    assert (ma.groups["etl"].lag_s or 0) > 0
    assert ma.groups["etl-redis"].lag_s == 0
    assert (report.ledger.attempted, report.ledger.acked) == (100, 100)
    assert report.ledger.groups["etl"].lost == 0  # what is not read yet is lag
    assert [(row.name, row.state, row.acked) for row in report.loaders] == [("data-loader-0", "live", 100)]
    assert not report.drained
    later = stack.await_report("a later tick", lambda r: r.seq > report.seq + 1)
    assert later.kafka is not None
    assert (later.kafka.states["MA"].groups["etl"].lag_s or 0) > (ma.groups["etl"].lag_s or 0)

    stack.read_to(100, (10, 12))
    report = stack.await_report("a hole", lambda r: r.ledger and r.ledger.groups["etl"].lost == 2)
    assert not report.drained  # the loader lives
    stack.loader(100, LoaderState.DONE)
    report = stack.await_report("the drain", lambda r: r.drained)
    assert report.ledger is not None
    assert (report.ledger.groups["etl"].lost, report.ledger.groups["etl-redis"].lost) == (2, 0)
    assert report.flow is not None
    assert report.flow.groups["etl"].latency_run_ms.max == 99.0
    assert report.flow.acked_per_s == 0

    stack.records(1, partition=1)
    stack.await_report("one more record", lambda r: not r.drained and lag(r, "etl-redis") == 1)


def test_over_http(stack: Stack) -> None:
    stack.start_observer()
    stack.loader(0)
    stack.records(5)
    stack.await_report("five records", lambda r: lag(r, "etl") == 5)

    def unchanged() -> bool | None:
        tag = stack.get("/report")[0].headers["ETag"]
        response, body = stack.get("/report", If_None_Match=tag)  # a tick may come in between
        return True if (response.status, body) == (304, b"") else None

    assert eventually(unchanged, "304")
    text = stack.get("/metrics")[1].decode()
    samples = {
        (sample.name, sample.labels.get("group"), sample.labels.get("state")): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    assert samples["kapture_topic_end_offset", None, "MA"] == 5
    assert samples["kapture_topic_end_offset", None, "WY"] == 0
    assert samples["kapture_group_lag", "etl-redis", "MA"] == 5
    assert len([key for key in samples if key[0] == "kapture_group_lag_seconds"]) == 51 * 2
    assert samples["process_cpu_seconds_total", None, None] > 0
    assert stack.get("/healthz")[0].status == 200


def test_a_broker_that_hangs_holds_nothing_up(stack: Stack) -> None:
    stack.start_redis()
    stack.redis.zincrby("popular:MA", 3, "Kibble")
    stack.redis.zincrby("popular:MA", 5, "Litter")
    stack.redis.hset("state:MA", mapping={"orders": 2, "items": 5, "revenue_cents": 4_210})
    stack.redis.zadd("stores:MA", {"Store_1": 1, "Store_2": 4, "Store_3": 2, "Store_4": 3})
    for number, store in enumerate(({}, {"store": "Store_4"})):
        order = {"customer": 7, "id": number, "day": 0.5, "cents": 2_105, "products": ["Kibble"], **store}
        stack.redis.lpush("recent:MA", json.dumps(order))
    observer = stack.start_observer()
    stack.loader(0)
    report = stack.await_report("everything", lambda r: r.ledger and r.loaders and r.popular)
    assert report.popular == {"MA": ("Litter", "Kibble")}
    latest = tuple(
        Sale(7, number, 0.5, 2_105, ("Kibble",), store) for number, store in ((1, "Store_4"), (0, ""))
    )
    assert report.sales == {"MA": StateSales(2, 5, 4_210, 4, ("Store_2", "Store_4", "Store_3"), latest)}

    stack.broker.process.send_signal(signal.SIGSTOP)
    report = stack.await_report("Kafka's silence", lambda r: r.kafka is None)
    assert "Kafka" in report.unavailable["kafka"]
    assert (report.flow, report.ledger, report.drained) == (None, None, False)
    assert report.redis is not None
    assert report.redis.keys == 4
    assert report.redis.ops_per_s is not None
    assert report.redis.commands
    stack.await_report("later ticks", lambda r: r.seq > report.seq + 2 and r.redis)
    assert stack.get("/healthz")[0].status == 200

    stack.broker.process.send_signal(signal.SIGCONT)
    report = stack.await_report("Kafka's return", lambda r: r.kafka and r.ledger)
    assert [row.state for row in report.loaders] == ["live"]  # nobody could hear it: that is not its fault

    stack.broker.process.send_signal(signal.SIGSTOP)
    stack.await_report("Kafka's silence", lambda r: r.kafka is None)
    assert observer.process.poll() is None
    observer.process.terminate()
    assert observer.process.wait(PATIENCE_S) == 0


def test_redis_that_goes_and_comes_back(stack: Stack) -> None:
    server = stack.start_redis()
    stack.start_observer()
    stack.await_report("everything", lambda r: r.redis and r.kafka)
    server.kill()
    report = stack.await_report("Redis' absence", lambda r: r.redis is None)
    assert "refused" in report.unavailable["redis"]
    assert PASSWORD not in stack.get("/report")[1].decode()
    assert PASSWORD not in (stack.folder / "log").read_text()
    assert report.kafka is not None
    stack.start_redis()
    report = stack.await_report("Redis' return", lambda r: r.redis)
    assert "redis" not in report.unavailable


def test_what_the_broker_forgets_an_observer_that_starts_later_still_finds(stack: Stack) -> None:
    observer = stack.start_observer()
    stack.loader(100, LoaderState.DONE)
    stack.records(100)
    for group in GROUPS:
        stack.read_to(100, (3, 5), group=group)
    stack.await_report("the drain", lambda r: r.drained)

    noise = (b"noise", os.urandom(250_000))
    for _ in range(4):
        seq = stack.report().seq
        stack.raw(*[noise] * 8)
        stack.await_report("the next tick", lambda r, seq=seq: r.seq > seq + 1)  # type: ignore[misc]
    reader = open_reader(stack.client, {(LEDGER_TOPIC, 0): -1})
    assert reader.bounds((LEDGER_TOPIC, 0))[0] > 3  # the halves as they were first written are gone
    reader.close()

    assert observer.stop() == 0
    stack.start_observer()
    report = stack.await_report("a verdict", lambda r: r.ledger is not None)
    assert report.drained
    assert report.ledger is not None
    assert (report.ledger.acked, {g: v.lost for g, v in report.ledger.groups.items()}) == (
        100,
        dict.fromkeys(GROUPS, 2),
    )
    assert [row.state for row in report.loaders] == ["done"]


def test_figures_that_processes_tell_of_themselves(stack: Stack) -> None:
    stack.start_observer()
    report = stack.await_report("a look at the topic", lambda r: "no process" in r.unavailable["spout"])
    assert (report.webapp, report.spout) == (None, None)

    tellers = [stack.figures("webapp", f"shoppers-{number}") for number in range(2)]
    visits = 0

    def tell() -> None:
        nonlocal visits
        visits += 1
        latencies = {"routes.product.latency": Histogram.of([2000] * visits)}
        for teller in tellers:
            teller.publish_due(lambda: Figures({"routes.product.total": visits}, latencies))
        stack.flush()

    def told() -> ObserverReport | None:
        tell()
        report = stack.report()
        product = (report.webapp or {}).get("routes", {}).get("product", {})
        return report if product.get("per_s") and product["latency_ms"]["p50"] else None

    report = eventually(told, "rates and latencies")
    assert report.webapp is not None
    assert report.webapp["routes"]["product"]["latency_ms"]["p99"] == pytest.approx(2.0, rel=0.04)
    assert "webapp" not in report.unavailable
    assert report.spout is None

    for teller in tellers:
        teller.end(lambda: Figures({"routes.product.total": visits}))
    stack.flush()

    def stopped(report: ObserverReport) -> bool:
        return bool(report.webapp) and report.webapp["routes"]["product"]["per_s"] == 0.0

    report = stack.await_report("the end of both", stopped)
    assert report.webapp is not None
    assert report.webapp["routes"]["product"]["total"] == 2 * visits
