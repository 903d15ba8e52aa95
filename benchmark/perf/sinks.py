"""ETL and Redis sink: CPU a record, from taking their partitions over until all is stored.

The baseline is a consumer that only reads the same records with the same client.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from statistics import median

from benchmark.perf.broker import Broker, embedded_broker, end_offsets
from benchmark.perf.plain_consumer import GROUP
from benchmark.perf.processes import facts, module, running
from benchmark.perf.result import CannotRun, Effort, Result
from kapture_tui.targets.local import redis
from kapture_tui.targets.local.ports import free_ports
from kapture_tui.workload.kafka import Admin

RECORDS = 60_000
"""As many as the embedded broker surely keeps: compressed, the busiest state stays below its 5 MiB."""

GOALS = {"etl": 0.2, "etl-redis": 0.2}
"""Below what was measured, so that a step backwards shows and noise does not."""

LIMIT_S = 120.0


def measure(effort: Effort) -> Iterator[Result]:
    """See `Result`: records a CPU-second of each."""
    server = redis.find_server()
    if server is None:
        raise CannotRun(f"there is no Redis server: {redis.REMEDY}")
    costs: dict[str, list[float]] = {"plain": [], "etl": [], "etl-redis": []}
    for _ in range(effort.pairs):
        with ExitStack() as stack:
            broker = stack.enter_context(embedded_broker())
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="kapture-perf-")))
            (port,) = free_ports(1)
            stack.enter_context(running(redis.command(server, port, folder), {}, folder / "redis.log"))
            _fill(broker)
            costs["plain"].append(_cost(broker, GROUP, module("benchmark.perf.plain_consumer"), None))
            costs["etl"].append(_cost(broker, "etl", module("kapture_tui.workload", "etl"), None))
            sink = module("kapture_tui.workload", "sink-redis")
            costs["etl-redis"].append(_cost(broker, "etl-redis", sink, redis.url(port)))
    baseline = 1 / median(costs["plain"])
    for name, goal in GOALS.items():
        ratio = median(plain / ours for plain, ours in zip(costs["plain"], costs[name], strict=True))
        value = 1 / median(costs[name])
        yield Result(
            name, value, "records / CPU-s", baseline, ratio, goal, "against a consumer that only reads"
        )


def _fill(broker: Broker) -> None:
    """Let a loader write, with nobody reading."""
    settings = broker.settings("data-loader-0", embedded=False)  # not held back: nobody reads yet
    command = module("kapture_tui.workload", "loader")
    with (
        closing(broker.admin()) as admin,
        running(command, settings.to_env(), broker.folder / "loader.log") as loader,
    ):
        loader.wait_for("filling the topics", lambda: end_offsets(admin, broker) >= RECORDS, LIMIT_S)


def _cost(broker: Broker, group: str, command: tuple[str, ...], redis_url: str | None) -> float:
    """CPU seconds a record."""
    settings = broker.settings(group, groups=(group,), redis_url=redis_url)
    with (
        closing(broker.admin()) as admin,
        running(command, settings.to_env(), broker.folder / f"{group}.log") as child,
    ):
        records = end_offsets(admin, broker)
        child.wait_for("joining", lambda: facts(broker.folder / f"{group}.json") is not None, LIMIT_S)
        before = child.cpu_s
        child.wait_for("reading", lambda: _committed(admin, broker, group) >= records, LIMIT_S)
        time.sleep(0.2)  # what follows the last commit belongs to it
        return (child.cpu_s - before) / records


def _committed(admin: Admin, broker: Broker, group: str) -> int:
    return sum(admin.committed(group, broker.transactions).values())
