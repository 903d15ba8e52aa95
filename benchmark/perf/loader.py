"""The loader against `kafka-producer-perf-test.sh`: messages a CPU-second into the same real broker.

The loader makes its transactions, packs a header for each and keeps its half of the ledger, into 51 topics. The tool
sends messages of the same size into one topic; acks, idempotence and compression are the same, all else as the tool has
it. It has two rivals to offer: as it is mostly run, drawing random letters for a topic of one partition; and at its
best, with ready lines (transactions of a loader) for as many partitions as the loader writes to, so that it sends few
large requests. Start-ups are left out on both sides: of the tool what a run of few messages takes, of the loader what
comes before it replays what it has simulated.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
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


@dataclass(frozen=True, slots=True)
class Rival:
    """A way to run the tool.

    Attributes:
        partitions: of its topic.
        ready: whether it sends lines from a file; else it draws each record.
        goal: messages of the loader for one of the tool.
    """

    name: str
    partitions: int
    ready: bool
    goal: float


RIVALS = (
    Rival("as mostly run", 1, False, 2.0),
    # What the client library alone costs the loader leaves no more than this; a step backwards shows.
    Rival("at its best", len(STATES), True, 0.8),
)


WARM_UP = 150_000
"""Messages after which a loader of 5,000 customers replays, and some more."""

PAYLOAD = 20_000
"""Different lines for the tool."""

FEW, MANY = 1_000, 600_000
"""Messages of the tool's runs."""

LIMIT_S = 300.0


@dataclass(frozen=True, slots=True)
class Pair:
    """CPU seconds a message, measured one after the other: of the loader, and of each rival."""

    loader: float
    tool: tuple[float, ...]


def measure(effort: Effort) -> Iterator[Result]:
    """See `Result`: for each compression one for each rival."""
    with real_broker() as broker:
        lines = Lines.write(broker.folder / "payload")
        create_topics(broker)
        for compression in COMPRESSIONS:
            start = tool_cpu_s(broker, RIVALS[0], lines, compression, FEW)
            pairs = [
                Pair(
                    loader_cost(broker, compression, number, effort),
                    tuple(tool_cost(broker, rival, lines, compression, start) for rival in RIVALS),
                )
                for number in range(effort.pairs)
            ]
            yield from _results(compression, lines, start, pairs)


def _results(compression: str, lines: Lines, start: float, pairs: Sequence[Pair]) -> Iterator[Result]:
    loader = median(pair.loader for pair in pairs)
    for place, rival in enumerate(RIVALS):
        tool = median(pair.tool[place] for pair in pairs)
        ratios = [pair.tool[place] / pair.loader for pair in pairs]
        with_start = median((pair.tool[place] + start / MANY) / pair.loader for pair in pairs)
        yield Result(
            f"loader, {compression}, tool {rival.name}",
            1 / loader,
            "messages / CPU-s",
            1 / tool,
            median(ratios),
            rival.goal,
            f"{lines.size} bytes; {loader * 1e6:.1f} µs and {tool * 1e6:.1f} µs a message; pairs "
            f"{', '.join(f'{ratio:.2f}' for ratio in ratios)}; with the tool's start-up of {start:.1f} CPU-s "
            f"over {MANY:,} messages {with_start:.2f}",
        )


@dataclass(frozen=True, slots=True)
class Lines:
    """A file of transactions, one a line, and their mean size in bytes."""

    path: Path
    size: int

    @classmethod
    def write(cls, path: Path) -> Lines:
        """Write it."""
        stream = LoaderStream(PetstoreSpec(stream="payload"))
        stream.next_batch(PAYLOAD * 3)  # beyond the first visits, which are unlike the later ones
        values = [value for _, value in stream.next_batch(PAYLOAD)]
        path.write_bytes(b"\n".join(values))
        return cls(path, round(sum(map(len, values)) / len(values)))


def create_topics(broker: Broker) -> None:
    """Topics for the tool."""
    keep = {"retention.bytes": str(64 << 20), "segment.bytes": str(16 << 20)}
    with closing(broker.admin()) as admin:
        admin.create_topics({_topic(rival): (rival.partitions, 1, keep) for rival in RIVALS})


def _topic(rival: Rival) -> str:
    return f"perf-{rival.partitions}"


def tool_cost(broker: Broker, rival: Rival, lines: Lines, compression: str, start: float) -> float:
    """CPU seconds a message of the tool, without its start-up."""
    return (tool_cpu_s(broker, rival, lines, compression, MANY) - start) / MANY


def tool_cpu_s(broker: Broker, rival: Rival, lines: Lines, compression: str, count: int) -> float:
    """CPU seconds of one run."""
    properties = (f"bootstrap.servers={broker.bootstrap}", "acks=all", f"compression.type={compression}")
    records = ("--payload-file", str(lines.path)) if rival.ready else ("--record-size", str(lines.size))
    command = (
        kafka_home().script("kafka-producer-perf-test.sh"),
        *("--topic", _topic(rival), "--num-records", str(count), "--throughput", "-1"),
        *(*records, "--producer-props", *properties),
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
