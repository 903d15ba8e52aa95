"""The Mongo sink: records a CPU-second out of topics that are full, against `insert_many` of the same as documents.

The sink reads them from Kafka, keeps the ledger and stores offsets as well. Its share of what all that costs together
with the server is one figure, its own process alone the other.
"""

from __future__ import annotations

import json
import shutil
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from statistics import median

from benchmark.perf.broker import Broker, embedded_broker, end_offsets
from benchmark.perf.consumers import EMBEDDED_PARTITIONS, LIMIT_S, Cost, read_all
from benchmark.perf.processes import Child, module, running
from benchmark.perf.result import CannotRun, Effort, Result
from kapture_tui.targets.local.ports import free_ports

GOAL = 0.5
RECORDS = 60_000


def measure(effort: Effort) -> Iterator[Result]:
    """See `Result`."""
    plain: list[Cost] = []
    ours: list[Cost] = []
    for _ in range(effort.pairs):
        with embedded_broker(EMBEDDED_PARTITIONS) as broker, _server(broker) as (server, url):
            records = _fill(broker)
            plain.append(_plain_cost(broker, server, url))
            ours.append(_sink_cost(broker, server, url, records))
    yield _result("sink-mongo with its server", plain, ours, server_too=True, goal=GOAL)
    # Without a goal: reading Kafka, parsing and the ledger cost several times what handing documents over does.
    yield _result("sink-mongo", plain, ours, server_too=False, goal=None)


def _result(name: str, plain: list[Cost], ours: list[Cost], server_too: bool, goal: float | None) -> Result:
    def cost(of: Cost) -> float:
        return of.consumer + (of.server if server_too else 0.0)

    ratios = [cost(base) / cost(each) for base, each in zip(plain, ours, strict=True)]
    mine, theirs = median(map(cost, ours)), median(map(cost, plain))
    note = f"{mine * 1e6:.1f} against {theirs * 1e6:.1f} µs a record; pairs {', '.join(f'{r:.2f}' for r in ratios)}"
    return Result(name, 1 / mine, "records / CPU-s", 1 / theirs, median(ratios), goal, note)


def _fill(broker: Broker) -> int:
    settings = broker.settings("filler", groups=())
    with closing(broker.admin()) as admin:
        with running(
            module("kapture_tui.workload", "loader"), settings.to_env(), broker.folder / "filler.log"
        ) as child:
            child.wait_for("filling the topics", lambda: end_offsets(admin, broker) >= RECORDS, LIMIT_S)
        return end_offsets(admin, broker)


def _plain_cost(broker: Broker, server: Child, url: str) -> Cost:
    out = broker.folder / "plain.out"
    env = {"PLAIN_URL": url, "PLAIN_BOOTSTRAP": broker.bootstrap, "PLAIN_OUT": str(out)}
    before = server.cpu_s
    with running(module("benchmark.perf.plain_mongo"), env, broker.folder / "plain.log") as child:
        child.finish(LIMIT_S)
    said = json.loads(out.read_text())
    return Cost(said["cpu_s"] / said["records"], (server.cpu_s - before) / said["records"])


def _sink_cost(broker: Broker, server: Child, url: str, records: int) -> Cost:
    settings = broker.settings("etl-mongo-0", urls={"mongo": url})
    log = broker.folder / "sink.log"
    with running(module("kapture_tui.workload", "sink", "mongo"), settings.to_env(), log) as child:
        before = server.cpu_s
        cost = read_all(broker, child, settings, "etl-mongo", records)
        return Cost(cost, (server.cpu_s - before) / records)


@contextmanager
def _server(broker: Broker) -> Iterator[tuple[Child, str]]:
    """A server with its data in the broker's folder, and its URL."""
    program = shutil.which("mongod") or shutil.which("ferretdb")
    if program is None:
        raise CannotRun("there is no Mongo server: put mongod or ferretdb on the PATH")
    folder = broker.folder / "mongo"
    folder.mkdir()
    (port,) = free_ports(1)
    command = (program, "--dbpath", str(folder), "--port", str(port), "--bind_ip", "127.0.0.1")
    with running(command, {}, broker.folder / "mongo.log") as child:
        child.wait_for("starting Mongo", lambda: _listens(port), LIMIT_S)
        yield child, f"mongodb://127.0.0.1:{port}/"


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
