"""Postgres sink: records a CPU-second, its server's included, against what psql's COPY takes for the same transactions.

The sink begins with JSON in Kafka and ends with normalised tables. COPY is measured twice: with ready rows of orders
and items, which somebody has to have made before; and with the JSON documents, which SQL then takes apart.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import psutil

from benchmark.perf.broker import Broker
from benchmark.perf.consumers import LIMIT_S, fill, full_broker, read_all
from benchmark.perf.processes import Child, module, running
from benchmark.perf.result import CannotRun, Effort, Result
from kapture_tui.model.errors import UsageError
from kapture_tui.targets.local.ports import free_ports
from kapture_tui.targets.local.postgres import PostgresServer
from kapture_tui.targets.local.state import StateDirectory
from kapture_tui.workload.kafka import ClientSettings, open_reader

GOALS = {"documents": 0.5, "rows": None}
"""Of COPY's pace. Whoever has ready rows has read and parsed nothing: there is no goal to be met."""

DOCUMENTS = """
CREATE UNLOGGED TABLE documents (id bigint GENERATED ALWAYS AS IDENTITY, document jsonb);
\\copy documents (document) FROM '{folder}/documents.json' WITH (FORMAT csv, DELIMITER e'\\x01', QUOTE e'\\x02')
INSERT INTO kapture.orders (id, customer_id, number, store_id, day, intended_at, cents)
SELECT id, (document->'customer'->>'id')::bigint, (document->>'id')::bigint, (document->'store'->>'id')::bigint,
       (document->>'dateTime')::float8, now(), 0
FROM documents;
INSERT INTO kapture.items (order_id, line, product_id)
SELECT d.id, bought.line - 1, p.id
FROM documents d, jsonb_array_elements(document->'products') WITH ORDINALITY AS bought (said, line)
JOIN kapture.products p ON (p.category, p.brand, p.size) = (said->>'category', said->>'brand', (said->>'size')::float8)
 AND p.flavor IS NOT DISTINCT FROM said->>'flavor' AND p.color IS NOT DISTINCT FROM said->>'color';
DROP TABLE documents;
"""

ROWS = """
\\copy kapture.orders FROM '{folder}/orders.tsv'
\\copy kapture.items FROM '{folder}/items.tsv'
"""

DUMP = """
\\copy kapture.orders TO '{folder}/orders.tsv'
\\copy kapture.items TO '{folder}/items.tsv'
"""


@dataclass(frozen=True, slots=True)
class Cost:
    """CPU seconds a record: of the client, and of the server for it."""

    client: float
    server: float

    @property
    def total(self) -> float:
        """Of both."""
        return self.client + self.server


class Server:
    """A Postgres of this machine."""

    def __init__(self, child: Child, url: str, folder: Path) -> None:
        self.url = url
        self._child = child
        self._folder = folder

    @property
    def cpu_s(self) -> float:
        """Of all its processes so far, those that have ended included, seconds."""
        main = psutil.Process(self._child.pid)
        ended = main.cpu_times()
        seconds = ended.user + ended.system + ended.children_user + ended.children_system
        for process in main.children(recursive=True):
            with suppress(psutil.NoSuchProcess):  # ended just now: counted with its parent's
                times = process.cpu_times()
                seconds += times.user + times.system
        return seconds

    def run(self, script: str) -> float:
        """Have psql run it; its CPU seconds."""
        text = script.replace("{folder}", str(self._folder))
        path = self._folder / "script.sql"
        path.write_text("\\set ON_ERROR_STOP on\n" + text)
        command = ("psql", "--no-psqlrc", "--quiet", "--file", str(path), self.url)
        with running(command, {}, self._folder / "psql.log") as child:
            return child.finish(LIMIT_S)


def measure(effort: Effort) -> Iterator[Result]:
    """See `Result`. Each time on a new broker and a new server."""
    if not shutil.which("psql"):
        raise CannotRun("psql is not installed")
    sink: list[Cost] = []
    others: dict[str, list[Cost]] = {what: [] for what in GOALS}
    for _ in range(effort.pairs):
        with full_broker() as broker, _server(broker) as server:
            records = fill(broker)
            sink.append(_sink_cost(broker, server, records))
            _write_documents(broker)
            server.run(DUMP)
            others["rows"].append(_copy_cost(server, ROWS, records))
            others["documents"].append(_copy_cost(server, DOCUMENTS, records))
    for what, costs in others.items():
        yield _result(what, sink, costs)


def _result(what: str, sink: Sequence[Cost], copies: Sequence[Cost]) -> Result:
    ratios = [copy.total / own.total for own, copy in zip(sink, copies, strict=True)]
    client, server = (median(getattr(c, part) for c in sink) * 1e6 for part in ("client", "server"))
    theirs = [median(getattr(c, part) for c in copies) * 1e6 for part in ("client", "server")]
    return Result(
        f"sink-postgres, against COPY of {what}",
        1 / median(cost.total for cost in sink),
        "records / CPU-s",
        1 / median(cost.total for cost in copies),
        median(ratios),
        GOALS[what],
        f"{client:.1f} µs a record and {server:.1f} µs of the server, COPY {theirs[0]:.1f} and {theirs[1]:.1f} µs;"
        f" pairs {', '.join(f'{ratio:.2f}' for ratio in ratios)}",
    )


def _sink_cost(broker: Broker, server: Server, records: int) -> Cost:
    settings = broker.settings("etl-postgres-0", urls={"postgres": server.url})
    command = module("kapture_tui.workload", "sink", "postgres")
    with running(command, settings.to_env(), broker.folder / "sink.log") as child:
        before_s = server.cpu_s
        client = read_all(broker, child, settings, "etl-postgres", records)
        return Cost(client, (server.cpu_s - before_s) / records)


def _copy_cost(server: Server, script: str, records: int) -> Cost:
    server.run("TRUNCATE kapture.orders, kapture.items;\nCHECKPOINT;")
    before_s = server.cpu_s
    client_s = server.run(script)
    return Cost(client_s / records, (server.cpu_s - before_s) / records)


def _write_documents(broker: Broker) -> None:
    """All transactions, one a line."""
    client = ClientSettings(broker.bootstrap, "perf", embedded=broker.embedded)
    with closing(broker.admin()) as admin:
        missing = {p: end for p, end in admin.end_offsets(broker.transactions).items() if end}
    with (
        closing(open_reader(client, dict.fromkeys(missing, 0))) as reader,
        (broker.folder / "documents.json").open("wb") as out,
    ):
        while missing:
            for partition, records in reader.poll(10_000, 1.0).items():
                out.writelines(record.value + b"\n" for record in records if record.value)
                if records[-1].offset + 1 >= missing.get(partition, 0):
                    missing.pop(partition, None)


@contextmanager
def _server(broker: Broker) -> Iterator[Server]:
    state = StateDirectory(broker.folder / "state")
    folder = state.data / "postgres"
    folder.mkdir(parents=True)
    (port,) = free_ports(1)
    try:
        launch = PostgresServer().launch(port, folder)
    except UsageError as exc:
        raise CannotRun(str(exc)) from exc
    try:
        subprocess.run(launch.before, check=True, stdout=subprocess.DEVNULL)
        url = PostgresServer().url(port, folder)
        with running(launch.command, {}, broker.folder / "postgres.log") as child:
            child.wait_for("starting Postgres", lambda: _answers(url), LIMIT_S)
            yield Server(child, url, broker.folder)
    finally:
        state.remove()


def _answers(url: str) -> bool:
    done = subprocess.run(("psql", "--no-psqlrc", "--command", "SELECT 1", url), capture_output=True)
    return done.returncode == 0
