"""The Elasticsearch sink against the server's own bulk path: curl that sends the same documents, ready made.

What curl does is next to nothing, and what the server does for it is most of the work. So the CPU time of sender and
server is added up on both sides: it is what a record costs, whoever pays.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import psutil

from benchmark.perf import consumers
from benchmark.perf.broker import Broker
from benchmark.perf.processes import module, running
from benchmark.perf.result import CannotRun, Effort, Result
from kapture_tui.model.errors import UsageError
from kapture_tui.targets.local.elasticsearch import ElasticsearchServer
from kapture_tui.targets.local.ports import free_ports
from kapture_tui.workload.sinks.elasticsearch import ElasticsearchSink
from kapture_tui.workload.sinks.elasticsearch_client import HttpClient

RECORDS = 20_000
FILL_PER_S = 4_000.0
"""Slow enough that not many more than that are written before the loader is stopped."""

GOAL = 0.5
LIMIT_S = 600.0

PAGE = 5_000
BODY_DOCUMENTS = 1_000
"""Documents a request of curl: about as long as one of the sink's."""


@dataclass(frozen=True, slots=True)
class Cost:
    """CPU seconds a record."""

    sender: float
    server: float

    @property
    def both(self) -> float:
        """Of all that takes part."""
        return self.sender + self.server


def measure(effort: Effort) -> Iterator[Result]:
    """See `Result`."""
    pairs = [_pair() for _ in range(effort.pairs)]
    ours, theirs = [[pair[side] for pair in pairs] for side in (0, 1)]
    cost = median(each.both for each in ours)
    base = median(each.both for each in theirs)
    yield Result(
        "sink-elasticsearch",
        1 / cost,
        "records / CPU-s",
        1 / base,
        median(b.both / o.both for o, b in zip(ours, theirs, strict=True)),
        GOAL,
        "sink and server together, against curl and server; "
        f"{median(o.sender for o in ours) * 1e6:.0f} + {median(o.server for o in ours) * 1e6:.0f} µs "
        f"against {median(b.sender for b in theirs) * 1e6:.0f} + {median(b.server for b in theirs) * 1e6:.0f} µs",
    )


def _pair() -> tuple[Cost, Cost]:
    """By the sink, and by curl with what the sink has written, into new indices each."""
    if not shutil.which("curl"):
        raise CannotRun("curl is not installed")
    with consumers.full_broker() as broker, _server(broker.folder) as (server, url):
        # The first time is for the server, which is several times slower until its code is compiled.
        _by_sink(broker, server, url, consumers.fill(broker, RECORDS, FILL_PER_S), "etl-elasticsearch-0")
        files = list(_bodies(url, broker.folder))
        _make_new(url)
        theirs = _by_curl(server, url, files, broker.folder)
        _make_new(url)
        # More records than before, or the group would have committed them already; it reads all of them.
        records = consumers.fill(broker, 2 * RECORDS, FILL_PER_S)
        return _by_sink(broker, server, url, records, "etl-elasticsearch-1"), theirs


def _make_new(url: str) -> None:
    ElasticsearchServer().clear(url)
    with closing(ElasticsearchSink(url)) as sink:
        sink.prepare()


def _by_sink(broker: Broker, server: psutil.Process, url: str, records: int, name: str) -> Cost:
    settings = broker.settings(name, urls={"elasticsearch": url})
    command = module("kapture_tui.workload", "sink", "elasticsearch")
    with running(command, settings.to_env(), broker.folder / f"{name}.log") as child:
        before = cpu_s(server)
        sender = consumers.read_all(broker, child, settings, "etl-elasticsearch", records, LIMIT_S)
        return Cost(sender, (cpu_s(server) - before) / records)


def _by_curl(server: psutil.Process, url: str, files: list[Path], folder: Path) -> Cost:
    config = folder / "curl.txt"
    one = 'url = "{}/_bulk?filter_path=errors"\ndata-binary = "@{}"\nheader = "content-type: application/x-ndjson"\n'
    config.write_text("next\n".join(one.format(url, file) for file in files))
    records = sum(file.read_bytes().count(b"\n") // 2 for file in files)
    before = cpu_s(server)
    with running(("curl", "--silent", "--fail", "--config", str(config)), {}, folder / "curl.log") as child:
        sender = child.finish(LIMIT_S)
    if b'"errors":true' in (folder / "curl.log").read_bytes():
        raise CannotRun("the server did not take what curl sent")
    return Cost(sender / records, (cpu_s(server) - before) / records)


def _bodies(url: str, folder: Path) -> Iterator[Path]:
    """Everything that is stored, as bodies of bulk requests."""
    with closing(HttpClient(url)) as client:
        client.ask("POST", "/kapture-transactions-*/_refresh")
        path, body = "/kapture-transactions-*/_search?scroll=5m", {"size": PAGE, "sort": ["_doc"]}
        lines: list[str] = []
        number = 0
        while hits := (page := client.ask("POST", path, body))["hits"]["hits"]:
            path, body = "/_search/scroll", {"scroll": "5m", "scroll_id": page["_scroll_id"]}
            for hit in hits:
                action = {"create": {"_index": hit["_index"].removesuffix("-1"), "_id": hit["_id"]}}
                lines.append(f"{json.dumps(action)}\n{json.dumps(hit['_source'], separators=(',', ':'))}\n")
            while len(lines) >= BODY_DOCUMENTS or (lines and len(hits) < PAGE):
                file = folder / f"body-{number}.json"
                file.write_text("".join(lines[:BODY_DOCUMENTS]))
                lines, number = lines[BODY_DOCUMENTS:], number + 1
                yield file


@contextmanager
def _server(folder: Path) -> Iterator[tuple[psutil.Process, str]]:
    """A server that ELASTICSEARCH_HOME names, and its URL. Raises CannotRun."""
    data = folder / "elasticsearch"
    data.mkdir()
    (port,) = free_ports(1)
    kind = ElasticsearchServer()
    try:
        kind.describe()
        launch = kind.launch(port, data)
    except UsageError as exc:
        raise CannotRun(str(exc)) from exc
    url = kind.url(port, data)
    with running(launch.command, dict(launch.env), folder / "elasticsearch.log") as child:
        child.wait_for("starting Elasticsearch", lambda: consumers.listens(port), LIMIT_S)
        yield psutil.Process(child.pid), url


def cpu_s(process: psutil.Process) -> float:
    """CPU time of a process and of those it has started, seconds: the server is its launcher's child."""
    family = [process, *process.children(recursive=True)]
    return sum(sum(each.cpu_times()[:2]) for each in family)
