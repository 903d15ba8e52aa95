"""The Redis sink against the server's own bulk path: redis-benchmark with pipelining, the server's time on both sides.

redis-benchmark sends one command over and over, so what a transaction takes is added up: a command for each sum of the
sink that a transaction changes. Not counted are the latest orders, of which the sink keeps only the last of a batch.
The sink sends fewer commands, as it adds up each batch first; but it begins with JSON in Kafka and keeps the ledger.
What of it is the way to the database alone is measured as well: orders that are ready in a process go to `write`.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from statistics import median

from benchmark.perf.broker import Broker
from benchmark.perf.consumers import LIMIT_S, Cost, fill, full_broker, redis_cost, redis_server
from benchmark.perf.processes import Child, facts, module, running
from benchmark.perf.result import CannotRun, Effort, Result
from kapture_tui.model.states import STATES
from kapture_tui.workload.redis_client import open_client

GOALS = {"from Kafka": 0.5, "from orders in memory": 0.5}
PIPELINE = 100
COMMANDS = 1_000_000
"""How often each command is sent: a second or so."""

CUSTOMERS = 5_000
PRODUCTS = 55


@dataclass(frozen=True, slots=True)
class Command:
    """One command of redis-benchmark.

    Attributes:
        random: among how many numbers `__rand_int__` stands for one.
        times: how often a transaction needs it; None: once for each item.
    """

    words: tuple[str, ...]
    random: int
    times: int | None


BULK = (
    Command(("HINCRBY", "customer:__rand_int__", "orders", "1"), CUSTOMERS, 2),  # orders and spend_cents
    Command(
        ("HINCRBY", "state:__rand_int__", "orders", "1"), len(STATES), 3
    ),  # orders, items and revenue_cents
    Command(("ZINCRBY", "popular:MA", "1", "a product called __rand_int__"), PRODUCTS, None),
)


def measure(effort: Effort) -> Iterator[Result]:
    """See `Result`. Each time on a new broker and new servers."""
    if not shutil.which("redis-benchmark"):
        raise CannotRun("redis-benchmark is not installed")
    bulk: list[Cost] = []
    ours: dict[str, list[Cost]] = {what: [] for what in GOALS}
    for _ in range(effort.pairs):
        with full_broker() as broker:
            records = fill(broker)
            with redis_server(broker) as (server, url):
                ours["from Kafka"].append(redis_cost(broker, server, url, records))
                items = _items(url)
            with redis_server(broker) as (server, url):
                ours["from orders in memory"].append(_write_cost(broker, server, url))
            with redis_server(broker) as (server, url):
                bulk.append(_bulk_cost(broker, server, url, items))
    for what, goal in GOALS.items():
        yield _result(f"sink-redis with its server, {what}", ours[what], bulk, goal)


def _result(name: str, ours: Sequence[Cost], bulk: Sequence[Cost], goal: float) -> Result:
    ratios = [theirs.both / own.both for own, theirs in zip(ours, bulk, strict=True)]
    told = [
        f"{median(cost.consumer for cost in costs) * 1e6:.1f} + {median(cost.server for cost in costs) * 1e6:.1f} µs"
        for costs in (ours, bulk)
    ]
    return Result(
        name,
        1 / median(cost.both for cost in ours),
        "records / CPU-s",
        1 / median(cost.both for cost in bulk),
        median(ratios),
        goal,
        f"{told[0]} a record, redis-benchmark {told[1]}; pairs {', '.join(f'{ratio:.2f}' for ratio in ratios)}",
    )


def _items(url: str) -> float:
    """Items a transaction, as the sink has counted them."""
    with closing(open_client(url, LIMIT_S)) as client:
        sums = [client.hmget(f"state:{state}", "orders", "items") for state in STATES]
    orders, items = (sum(int(of_state[which] or 0) for of_state in sums) for which in (0, 1))
    return items / orders


def _write_cost(broker: Broker, server: Child, url: str) -> Cost:
    settings = broker.settings("plain-redis", urls={"redis": url})
    with running(
        module("benchmark.perf.plain_redis"), settings.to_env(), broker.folder / "plain.log"
    ) as child:
        before = server.cpu_s
        child.finish(LIMIT_S)
    said = facts(broker.folder / "plain-redis.json")
    assert said
    return Cost(said["cpu_s"] / said["records"], (server.cpu_s - before) / said["records"])


def _bulk_cost(broker: Broker, server: Child, url: str, items: float) -> Cost:
    """What redis-benchmark takes for all commands of a transaction."""
    client = of_server = 0.0
    for command in BULK:
        times = items if command.times is None else command.times
        line = ("redis-benchmark", "-u", url, "-q", "-P", str(PIPELINE), "-n", str(COMMANDS))
        before = server.cpu_s
        with running(
            (*line, "-r", str(command.random), *command.words), {}, broker.folder / "bulk.log"
        ) as child:
            client += times * child.finish(LIMIT_S) / COMMANDS
        of_server += times * (server.cpu_s - before) / COMMANDS
    return Cost(client, of_server)
