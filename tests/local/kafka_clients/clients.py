"""What the tests of both Kafka clients share: topics, records, listeners that remember."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Mapping, Sequence

from kapture_tui.workload.kafka import (
    ClientSettings,
    GroupConsumer,
    Producer,
    Reader,
    Record,
    TopicPartition,
    open_producer,
)
from tests.local.kafka_home import PATIENCE_S, Cluster

POLL_S = 0.1

GIVE_UP_S = 5.0
"""Long enough for what a broker answers, short enough to wait for where none does."""

_numbers = itertools.count()


def settings_for(cluster: Cluster, client: str, message_timeout_s: float | None = 60.0) -> ClientSettings:
    return ClientSettings(
        cluster.bootstrap,
        "test",
        embedded=cluster.embedded,
        client=client,
        compression="none",
        message_timeout_s=message_timeout_s,
    )


def new_name() -> str:
    """A topic's name that nobody has used."""
    return f"topic-{next(_numbers):04}"


def new_topics(cluster: Cluster, count: int = 1, partitions: int = 1) -> list[str]:
    """Topics that nobody has used; their names."""
    names = [new_name() for _ in range(count)]
    cluster.create(dict.fromkeys(names, partitions))
    return names


def fill(settings: ClientSettings, partition: TopicPartition, count: int) -> None:
    """Write that many records, each with its number as value and header."""
    producer = open_producer(settings)
    send = producer.lane(*partition, None)
    for number in range(count):
        assert send(b"key", b"%d" % number, b"%d" % number)
    assert producer.flush(PATIENCE_S) == 0


def read(
    consumer: GroupConsumer | Reader, count: int, others: Sequence[GroupConsumer] = ()
) -> dict[TopicPartition, list[Record]]:
    """Poll until so many records have come, the other members too."""
    found: dict[TopicPartition, list[Record]] = {}
    until(lambda: more(consumer, found) or tick(others) or total(found) >= count, f"{count} records: {found}")
    return found


def more(
    consumer: GroupConsumer | Reader, found: dict[TopicPartition, list[Record]], most: int = 100
) -> None:
    for partition, records in consumer.poll(most, POLL_S).items():
        found.setdefault(partition, []).extend(records)


def tick(members: Sequence[GroupConsumer]) -> None:
    for member in members:
        member.poll(100, POLL_S)


def serve(producer: Producer, timeout_s: float) -> None:
    producer.poll(timeout_s)


def total(found: Mapping[TopicPartition, list[Record]]) -> int:
    return sum(map(len, found.values()))


def offsets(found: Mapping[TopicPartition, list[Record]]) -> dict[TopicPartition, list[int]]:
    return {partition: [record.offset for record in records] for partition, records in found.items()}


def until(done: Callable[[], object], what: str) -> None:
    end = time.monotonic() + PATIENCE_S
    while not done():
        assert time.monotonic() < end, f"not within {PATIENCE_S:.0f} s: {what}"


class Member:
    """A listener that remembers; several share one story."""

    def __init__(
        self, name: str = "one", story: list[tuple[str, str, set[TopicPartition]]] | None = None
    ) -> None:
        self.name = name
        self.story = story if story is not None else []
        self.starts: dict[TopicPartition, int] = {}
        self.owned: set[TopicPartition] = set()

    def assigned(self, partitions: Sequence[TopicPartition]) -> Mapping[TopicPartition, int]:
        self.story.append(("assigned", self.name, set(partitions)))
        self.owned |= set(partitions)
        return {p: offset for p, offset in self.starts.items() if p in self.owned}

    def revoked(self, partitions: Sequence[TopicPartition]) -> None:
        self.story.append(("revoked", self.name, set(partitions)))
        self.owned -= set(partitions)


class Reading(Member):
    """A member that notes, at each assignment, how much had been read of each partition by then.

    Attributes:
        found: what has been read.
        runs: for each partition and each of its assignments, how many records had been read before, and the offset to
            go on from. A rebalance may take several, and how many is up to the machine.
    """

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[TopicPartition, list[Record]] = {}
        self.runs: dict[TopicPartition, list[tuple[int, int]]] = {}

    def assigned(self, partitions: Sequence[TopicPartition]) -> Mapping[TopicPartition, int]:
        starts = super().assigned(partitions)
        for partition in partitions:
            run = len(self.found.get(partition, ())), starts.get(partition, 0)
            self.runs.setdefault(partition, []).append(run)
        return starts

    def came_back(self, last: int) -> list[TopicPartition]:
        """The partitions that were assigned again and have been read to the offset `last` since."""
        return [
            partition
            for partition, records in self.found.items()
            if len(self.runs[partition]) > 1
            and len(records) > self.runs[partition][-1][0]
            and records[-1].offset == last
        ]

    def check(self) -> None:
        """After each assignment come the records from its start on, without a gap, and nothing else."""
        for partition, runs in self.runs.items():
            seen = offsets(self.found).get(partition, [])
            ends = [*(before for before, _ in runs[1:]), len(seen)]
            for (begin, start), end in zip(runs, ends, strict=True):
                assert seen[begin:end] == [*range(start, start + end - begin)], (partition, runs)
