"""The Elasticsearch sink against real servers, and whole stacks with one: totals are asked of it by its own API."""

from __future__ import annotations

import asyncio
import json
import threading
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from io import BytesIO

import pytest

from kapture_tui.model.errors import UsageError
from kapture_tui.model.snapshot import Snapshot
from kapture_tui.model.spec import Component, LoadSpec, StackSpec
from kapture_tui.targets.local.elasticsearch import ElasticsearchServer
from kapture_tui.targets.local.usage import processes_of_run
from kapture_tui.workload import header
from kapture_tui.workload.consume import take
from kapture_tui.workload.kafka import Record, TopicPartition
from kapture_tui.workload.ledger import PartitionLog
from kapture_tui.workload.petstore import PetstoreSpec, generate
from kapture_tui.workload.sinks.base import Batch, SinkUnavailable
from kapture_tui.workload.sinks.elasticsearch import ElasticsearchSink
from kapture_tui.workload.sinks.elasticsearch_documents import templates
from tests.local.elasticsearch_home import (
    OPENSEARCH_URL,
    OwnServer,
    Server,
    SlowLine,
    ask,
    customer_totals,
    real_elasticsearch,
    real_opensearch,
    refresh,
)
from tests.local.recount import recount
from tests.local.stacks import KAFKA_HOME, Stack, real_kafka, running
from tests.watching import delivered, lag

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

MA, TX = ("transactions.MA", 0), ("transactions.TX", 2)
VT, WY, AK, NY = (("transactions." + state, 0) for state in ("VT", "WY", "AK", "NY"))
"""Each test has a state of its own: to make all the indices anew takes longer than most of them."""

OWN = pytest.param("elasticsearch", marks=real_elasticsearch)
NAMED = pytest.param("opensearch", marks=real_opensearch)


@pytest.fixture(scope="module", params=[OWN, NAMED])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """An Elasticsearch of the tests' own, then an OpenSearch, which must hold nothing of another run."""
    if request.param == "opensearch":
        ElasticsearchServer().check(OPENSEARCH_URL)
        yield Server("opensearch", OPENSEARCH_URL)
        ElasticsearchServer().clear(OPENSEARCH_URL)
    else:
        own = OwnServer(tmp_path_factory.mktemp("elasticsearch"))
        yield own
        own.kill()


@pytest.fixture
def sink(server: Server) -> Iterator[ElasticsearchSink]:
    """A sink whose indices are there."""
    sink = ElasticsearchSink(server.url)
    sink.prepare()
    yield sink
    sink.close()


class Partition:
    """A partition's records, and the batches that a consumer makes of them."""

    def __init__(self, name: TopicPartition, lines: Sequence[bytes]) -> None:
        self.records = [
            Record(offset, None, line, header.pack(1 << 63, offset, 1_700_000_000_000_000 + offset))
            for offset, line in enumerate(lines)
        ]
        self.log = PartitionLog("etl-elasticsearch", name)
        self.name = name

    def batch(self, most: int = 10_000) -> Batch:
        """The next records, as many as there are."""
        start = self.log.offset
        orders = take(self.log, self.records[start : start + most], 0)
        return Batch(self.name, start, self.log.half("me", 1.0), orders)

    def totals(self) -> dict[int, tuple[int, int]]:
        """Orders and cents by customer, added up from the text of the records."""
        sums: dict[int, list[int]] = defaultdict(lambda: [0, 0])
        for record in self.records:
            transaction = json.loads(record.value or b"")
            total = sums[transaction["customer"]["id"]]
            total[0] += 1
            total[1] += sum(round(100 * p["size"] * p["per_unit_cost"]) for p in transaction["products"])
        return {customer: (orders, cents) for customer, (orders, cents) in sums.items()}


def petstore(count: int, seed: int = 1) -> list[bytes]:
    out = BytesIO()
    generate(PetstoreSpec(stores=20, customers=40, days=2000, seed=seed), out, count)
    return out.getvalue().splitlines()


def test_replays_and_old_owners_change_nothing(server: Server, sink: ElasticsearchSink) -> None:
    partition = Partition(MA, petstore(1500))
    first, second = partition.batch(1000), partition.batch()
    assert sink.restore([MA]) == {}
    old = ElasticsearchSink(server.url)
    old.restore([MA])
    assert sink.write([first]) == {MA: 1000}
    assert sink.write([first]) == {MA: 1000}
    assert sink.write([second]) == {MA: 1500}
    # One that has not heard of its loss, and one that starts anew.
    assert old.write([first]) == {MA: 1500}
    assert ElasticsearchSink(server.url).write([first]) == {MA: 1500}
    assert ElasticsearchSink(server.url).restore([MA, TX]) == {MA: second.half}
    assert customer_totals(server.url, "MA") == partition.totals()


@pytest.mark.thorough
@pytest.mark.parametrize("server", [OWN], indirect=True)
def test_a_killed_server_has_everything_it_said_it_had(server: OwnServer, sink: ElasticsearchSink) -> None:
    partition = Partition(TX, petstore(4000))
    killer = threading.Timer(1.0, server.kill)
    killer.start()
    for round_ in range(40):
        batch = partition.batch(100)
        if round_ == 20:
            killer.join()  # at the latest now it is gone
        while (stored := written(sink, batch)) is None:
            killer.join()
            if not answers(server):
                server.start()
        assert stored == {TX: batch.half.offset}
    assert customer_totals(server.url, "TX") == partition.totals()


def written(sink: ElasticsearchSink, batch: Batch) -> Mapping[TopicPartition, int] | None:
    """What the sink says it has stored; None if it does not know."""
    try:
        return sink.write([batch])
    except SinkUnavailable:
        return None


def answers(server: Server) -> bool:
    try:
        ask(server.url, "/")
    except OSError:
        return False
    return True


def test_a_document_that_the_server_refuses_is_kept_as_text(server: Server, sink: ElasticsearchSink) -> None:
    broken = b'{"id":0,"customer":{"id":5,"name":"one"},"dateTime":1.5,"products":[],"store":[3]}'
    partition = Partition(VT, [broken, *petstore(1)])
    assert sink.write([partition.batch()]) == {VT: 2}
    refresh(server.url)
    wanted = {"query": {"exists": {"field": "refused"}}}
    (kept,) = ask(server.url, "/kapture-transactions-vt/_search", wanted)["hits"]["hits"]
    assert json.loads(kept["_source"]["text"]) == json.loads(broken)
    assert kept["_source"]["customer"]["id"] == 5
    assert customer_totals(server.url, "VT") == partition.totals()


def test_a_slow_line_only_takes_longer(server: Server, sink: ElasticsearchSink) -> None:
    line = SlowLine(server.port, 400_000)
    slow = ElasticsearchSink(f"http://127.0.0.1:{line.port}")
    partition = Partition(WY, petstore(1500))
    assert slow.write([partition.batch()]) == {WY: 1500}
    assert line.passed > 1_000_000
    line.close()
    slow.close()
    assert customer_totals(server.url, "WY") == partition.totals()


def test_what_it_says_of_itself(server: Server, sink: ElasticsearchSink) -> None:
    before = sink.statistics().figures
    assert before["health"] in ("green", "yellow")
    assert 0 < before["heap_ratio"] < 1
    assert before["rejected"] == 0
    sink.write([Partition(AK, petstore(200)).batch()])
    refresh(server.url)
    for _ in range(51):
        told = sink.statistics()
    assert told.figures["docs"] == before["docs"] + 200
    assert len(told.popular["AK"]) == 5
    assert told.figures["search_per_s"] > 0
    assert not told.unavailable


def test_a_server_that_was_emptied_is_another_one(server: Server, sink: ElasticsearchSink) -> None:
    partition = Partition(NY, petstore(10))
    before = sink.identity()
    batch = partition.batch()
    assert sink.write([batch]) == {NY: 10}
    assert sink.identity() == before
    ElasticsearchServer().clear(server.url)
    assert sink.identity() != before
    assert sink.restore([NY]) == {}
    assert sink.write([batch]) == {NY: 10}
    mapping = ask(server.url, "/kapture-transactions-ny/_mapping")["kapture-transactions-ny-1"]["mappings"]
    assert mapping["properties"]["store_at"] == {"type": "geo_point"}


def test_a_server_that_holds_another_run_is_not_taken(server: Server, sink: ElasticsearchSink) -> None:
    with pytest.raises(UsageError, match="holds 52 indices of another run"):
        ElasticsearchServer().check(server.url)
    ElasticsearchServer().clear(server.url)
    assert ElasticsearchServer().check(server.url).startswith(f"{server.product} ")
    kept = ask(server.url, "/_index_template")["index_templates"]
    assert not {template["name"] for template in kept} & templates().keys()
    ElasticsearchServer().clear(server.url)  # where there is nothing it is no error


# --- whole stacks -----------------------------------------------------------------------------------------------------


def stack_of(namespace: str, rate: float, **more: object) -> StackSpec:
    load = LoadSpec(stores=40, customers=300, rate=rate, seed=7)
    components = frozenset({Component.REDIS, Component.ELASTICSEARCH})
    return StackSpec(namespace, 2, components, load, **more)  # type: ignore[arg-type]


async def check_books(stack: Stack, url: str, embedded: bool) -> Snapshot:
    """Drain, then compare the ledger and the server with a recount of the topics."""
    final = await stack.drain()
    books = await asyncio.to_thread(recount, stack.bootstrap(), embedded)
    assert final.ledger is not None
    for name in ("etl", "etl-redis", "etl-elasticsearch"):
        group = final.ledger.groups[name]
        assert (group.lost, group.unexpected, group.delivered) == (0, 0, books.messages), name
    totals = await asyncio.to_thread(customer_totals, url)
    assert totals == {number: tuple(total) for number, total in books.customers.items()}
    return final


def url_of(stack: Stack) -> str:
    """Where the server is, as the sink was told it."""
    run = stack.target.state.run()
    assert run is not None
    urls = (process.environ().get("KAPTURE_ELASTICSEARCH_URL") for process in processes_of_run(run.run_id))
    return next(filter(None, urls))


@pytest.mark.thorough
@real_elasticsearch
async def test_sink_and_server_killed_in_mid_run_lose_and_double_nothing() -> None:
    async with running(stack_of("elastic-kill", 100.0)) as stack:
        for victim in ("etl-elasticsearch-1", "elasticsearch"):
            await stack.until_delivered(500)
            await stack.kill(victim)
        await stack.until_delivered(500)
        final = await check_books(stack, url_of(stack), embedded=True)
        assert final.elasticsearch is not None
        assert final.elasticsearch["docs"] > 0


@pytest.mark.thorough
@real_kafka
async def test_a_slow_server_holds_up_no_other_sink(server: Server) -> None:
    ElasticsearchServer().clear(server.url)
    line = SlowLine(server.port)
    urls = {"elasticsearch": f"http://127.0.0.1:{line.port}"}
    async with running(stack_of("elastic-slow", 200.0, kafka_home=KAFKA_HOME, urls=urls)) as stack:
        line.bytes_per_s = 60_000
        slow = await stack.until(lambda s: lag(s, "etl-elasticsearch") > 4000, "a lag")
        assert lag(slow, "etl-redis") < 2000
        assert lag(slow, "etl") < 2000
        assert delivered(slow) > 0
        line.bytes_per_s = None
        await check_books(stack, server.url, embedded=False)
    line.close()
    assert ask(server.url, "/_alias/kapture-*") == {}  # what the stack wrote went with it
