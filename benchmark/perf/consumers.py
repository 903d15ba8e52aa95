"""ETL and Redis sink: records a CPU-second out of topics that are full, against a plain consumer of the same topics.

The plain one is what confluent-kafka's users write first: consume in large batches, look at the value and the header of
each message, commit once a second. All read the same records, one process at a time.
"""

from __future__ import annotations

import os
import socket
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmark.perf.broker import Broker, embedded_broker, end_offsets, real_broker
from benchmark.perf.processes import Child, facts, module, running
from benchmark.perf.result import CannotRun, Effort, Result
from kapture_tui.model.spec import LoadSpec
from kapture_tui.targets.local import redis
from kapture_tui.targets.local.ports import free_ports
from kapture_tui.workload.settings import Settings

GOALS = {"etl": 0.15, "sink-redis": 0.15}
"""Of a plain consumer's pace; somewhat below what was measured."""

RECORDS = 300_000
EMBEDDED_PARTITIONS = 3
"""On the embedded broker, which keeps 5 MiB of a partition: the largest states need the room."""

LIMIT_S = 180.0


@dataclass(frozen=True, slots=True)
class Cost:
    """CPU seconds a record: of the consumer, and of its database for it."""

    consumer: float
    server: float = 0.0

    @property
    def both(self) -> float:
        """Of all that takes part."""
        return self.consumer + self.server


def measure(effort: Effort) -> Iterator[Result]:
    """See `Result`. Each time on a new broker: ETL and sink go on from what they have stored."""
    found: dict[str, list[Cost]] = {what: [] for what in ("plain", *GOALS)}
    for _ in range(effort.pairs):
        with full_broker() as broker:
            records = fill(broker)
            found["plain"].append(plain_cost(broker, records))
            found["etl"].append(etl_cost(broker, records))
            found["sink-redis"].append(sink_cost(broker, records))
    for what in GOALS:
        yield _result(what, broker, found["plain"], found[what])


def _result(what: str, broker: Broker, plain: Sequence[Cost], costs: Sequence[Cost]) -> Result:
    cost = median(each.consumer for each in costs)
    ratios = [base.consumer / each.consumer for base, each in zip(plain, costs, strict=True)]
    server = median(each.server for each in costs)
    notes = [
        f"{cost * 1e6:.1f} µs a record",
        f"and {server * 1e6:.1f} µs of the server" if server else "",
        f"pairs {', '.join(f'{ratio:.2f}' for ratio in ratios)}",
        "embedded broker" if broker.embedded else "real broker",
    ]
    return Result(
        what,
        1 / cost,
        "records / CPU-s",
        1 / median(each.consumer for each in plain),
        median(ratios),
        GOALS[what],
        "; ".join(filter(None, notes)),
    )


def full_broker() -> AbstractContextManager[Broker]:
    """A real broker if there is one, else the embedded one with room for `RECORDS`."""
    return real_broker() if os.environ.get("KAFKA_HOME") else embedded_broker(EMBEDDED_PARTITIONS)


def fill(broker: Broker, least: int = RECORDS, rate: float | None = None) -> int:
    """Have a loader write so many records at least, so many a second; the number of records there are."""
    settings = broker.settings("filler", groups=(), load=LoadSpec(rate=rate))
    log = broker.folder / "filler.log"
    with closing(broker.admin()) as admin:
        with running(module("kapture_tui.workload", "loader"), settings.to_env(), log) as child:
            child.wait_for("filling the topics", lambda: end_offsets(admin, broker) >= least, LIMIT_S)
        return end_offsets(admin, broker)


def plain_cost(broker: Broker, records: int) -> Cost:
    """Of the plain consumer."""
    settings = broker.settings("plain")
    with running(module("benchmark.perf.plain_consumer"), settings.to_env(), _log(broker, settings)) as child:
        return Cost(read_all(broker, child, settings, "plain", records))


def etl_cost(broker: Broker, records: int) -> Cost:
    """Of an ETL process."""
    settings = broker.settings("etl-0")
    with running(module("kapture_tui.workload", "etl"), settings.to_env(), _log(broker, settings)) as child:
        return Cost(read_all(broker, child, settings, "etl", records))


def sink_cost(broker: Broker, records: int) -> Cost:
    """Of a process of the Redis sink, and of its server."""
    with redis_server(broker) as (server, url):
        return redis_cost(broker, server, url, records)


def redis_cost(broker: Broker, server: Child, url: str, records: int) -> Cost:
    """Of a process of the Redis sink, and of this server."""
    settings = broker.settings("etl-redis-0", urls={"redis": url})
    command = module("kapture_tui.workload", "sink", "redis")
    with running(command, settings.to_env(), _log(broker, settings)) as child:
        before = server.cpu_s
        cost = read_all(broker, child, settings, "etl-redis", records)
        return Cost(cost, (server.cpu_s - before) / records)


def read_all(
    broker: Broker, child: Child, settings: Settings, group: str, records: int, limit_s: float = LIMIT_S
) -> float:
    """CPU seconds a record, from joining the group to the last commit."""
    assert settings.ready_file
    ready = settings.ready_file
    child.wait_for(f"{group} joining", lambda: facts(ready), LIMIT_S)
    before = child.cpu_s
    with closing(broker.admin()) as admin:
        child.wait_for(
            f"{group} reading all",
            lambda: sum(admin.committed(group, broker.transactions).values()) >= records,
            limit_s,
        )
    return (child.cpu_s - before) / records


@contextmanager
def redis_server(broker: Broker) -> Iterator[tuple[Child, str]]:
    """A new server with its append-only file in the broker's folder, and its URL. Raises CannotRun."""
    server = redis.find_server()
    if server is None:
        raise CannotRun(f"there is no Redis server: {redis.REMEDY}")
    folder = Path(tempfile.mkdtemp(prefix="redis-", dir=broker.folder))
    (port,) = free_ports(1)
    with running(redis.command(server, port, folder), {}, broker.folder / "redis.log") as child:
        child.wait_for("starting Redis", lambda: listens(port), LIMIT_S)
        yield child, redis.url(port)


def listens(port: int) -> bool:
    """Whether something on this machine does."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _log(broker: Broker, settings: Settings) -> Path:
    return broker.folder / f"{settings.name}.log"
