"""The loader against `kafka-producer-perf-test.sh`: messages a CPU-second into the same real broker.

The loader makes its transactions, packs a header for each and keeps its half of the ledger, into 51 topics. The Java
tool sends lines that are ready, transactions of the same kind, into one topic. Acks, idempotence and compression are
the same, all else as the tool has it. Its cost depends on the topic: with one partition it sends many small requests,
with 51 few large ones, so both are measured. Start-ups are left out on both sides: of the tool what a run of few
messages takes, of the loader what comes before it replays what it has simulated.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmark.perf.broker import Broker, end_offsets, kafka_home, real_broker
from benchmark.perf.processes import module, running
from benchmark.perf.result import Effort, Result
from kapture_tui.model.states import STATES
from kapture_tui.workload.petstore import LoaderStream, PetstoreSpec

COMPRESSIONS = ("none", "lz4")
GOALS = {1: 2.0, len(STATES): 1.0}
"""By number of partitions of the tool's topic: how many messages of the loader for one of the tool."""

WARM_UP = 150_000
"""Messages after which a loader of 5,000 customers replays, and some more."""

PAYLOAD = 20_000
"""Different lines for the tool."""

FEW, MANY = 1_000, 600_000
"""Messages of the tool's runs."""

LIMIT_S = 300.0


@dataclass(frozen=True, slots=True)
class Pair:
    """CPU seconds a message, measured one after the other: of the loader, and of the tool by partitions."""

    loader: float
    tool: dict[int, float]


def measure(effort: Effort) -> Iterator[Result]:
    """See `Result`: for each compression one for each topic of the tool."""
    with real_broker() as broker:
        lines = broker.folder / "payload"
        size = write_payload(lines)
        create_topics(broker)
        for compression in COMPRESSIONS:
            start = tool_cpu_s(broker, 1, lines, compression, FEW)
            pairs = [
                Pair(
                    loader_cost(broker, compression, number, effort),
                    {each: tool_cost(broker, each, lines, compression, start) for each in GOALS},
                )
                for number in range(effort.pairs)
            ]
            yield from _results(compression, size, start, pairs)


def _results(compression: str, size: float, start: float, pairs: list[Pair]) -> Iterator[Result]:
    loader = median(pair.loader for pair in pairs)
    for partitions, goal in GOALS.items():
        tool = median(pair.tool[partitions] for pair in pairs)
        ratios = [pair.tool[partitions] / pair.loader for pair in pairs]
        with_start = median((pair.tool[partitions] + start / MANY) / pair.loader for pair in pairs)
        yield Result(
            f"loader, {compression}, tool on {partitions} partition{'s' * (partitions > 1)}",
            1 / loader,
            "messages / CPU-s",
            1 / tool,
            median(ratios),
            goal,
            f"{size:.0f} bytes; {loader * 1e6:.1f} µs and {tool * 1e6:.1f} µs a message; pairs "
            f"{', '.join(f'{ratio:.2f}' for ratio in ratios)}; with the tool's start-up of {start:.1f} CPU-s "
            f"over {MANY:,} messages {with_start:.2f}",
        )


def write_payload(path: Path) -> float:
    """Write lines for the tool; the mean length of a transaction, bytes."""
    stream = LoaderStream(PetstoreSpec(stream="payload"))
    stream.next_batch(PAYLOAD * 3)  # beyond the first visits, which are unlike the later ones
    values = [value for _, value in stream.next_batch(PAYLOAD)]
    path.write_bytes(b"\n".join(values))
    return sum(map(len, values)) / len(values)


def create_topics(broker: Broker) -> None:
    """Topics for the tool."""
    keep = {"retention.bytes": str(64 << 20), "segment.bytes": str(16 << 20)}
    with closing(broker.admin()) as admin:
        admin.create_topics({_topic(partitions): (partitions, 1, keep) for partitions in GOALS})


def _topic(partitions: int) -> str:
    return f"perf-{partitions}"


def tool_cost(broker: Broker, partitions: int, lines: Path, compression: str, start: float) -> float:
    """CPU seconds a message of the tool, without its start-up."""
    return (tool_cpu_s(broker, partitions, lines, compression, MANY) - start) / MANY


def tool_cpu_s(broker: Broker, partitions: int, lines: Path, compression: str, count: int) -> float:
    """CPU seconds of one run."""
    properties = (f"bootstrap.servers={broker.bootstrap}", "acks=all", f"compression.type={compression}")
    command = (
        kafka_home().script("kafka-producer-perf-test.sh"),
        *("--topic", _topic(partitions), "--num-records", str(count), "--throughput", "-1"),
        *("--payload-file", str(lines), "--producer-props", *properties),
    )
    with running(command, {}, broker.folder / "tool.log") as child:
        return child.finish(LIMIT_S)


def loader_cost(broker: Broker, compression: str, number: int, effort: Effort) -> float:
    """CPU seconds a message of a loader in its steady state."""
    settings = broker.settings(f"loader-{compression}-{number}", compression=compression)
    log = broker.folder / f"{settings.name}.log"
    with (
        closing(broker.admin()) as admin,
        running(module("kapture_tui.workload", "loader"), settings.to_env(), log) as child,
    ):
        begin = end_offsets(admin, broker)
        child.wait_for("warming up", lambda: end_offsets(admin, broker) >= begin + WARM_UP, LIMIT_S)
        before, sent = child.cpu_s, end_offsets(admin, broker)
        time.sleep(effort.window_s)
        after, sent_after = child.cpu_s, end_offsets(admin, broker)
        return (after - before) / (sent_after - sent)
