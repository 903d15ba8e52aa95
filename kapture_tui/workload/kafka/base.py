"""The Kafka surface that the workload uses: five small protocols, implemented on confluent-kafka and on kafka-python.

Partitions are plain ``(topic, number)`` tuples. All calls block; none is safe to share between threads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from kapture_tui.model.errors import Unreachable

TopicPartition = tuple[str, int]


class KafkaError(Unreachable):
    """A broker did not answer, or answered with an error that a retry did not cure."""


class Record(NamedTuple):
    """One record as it was read. A tuple, not a dataclass: tens of thousands are made a second.

    Attributes:
        header: value of the header `kapture_tui.workload.header.NAME`; None if the record has none.
    """

    offset: int
    key: bytes | None
    value: bytes | None
    header: bytes | None


@dataclass(frozen=True, slots=True)
class ClientSettings:
    """How to reach the brokers.

    Attributes:
        bootstrap: "host:port,…".
        client_id: shows up in the brokers' logs and metrics.
        embedded: the broker is librdkafka's mock cluster; clients must not ask what it cannot answer.
        compression: "lz4" or "none".
        client: "auto" (confluent-kafka where it can be imported), "confluent" or "kafka-python".
        linger_ms: how long a producer waits for a batch to fill, milliseconds. One request goes to each partition: with
            51 topics a short wait means tiny requests, which cost the broker and the client about as much as full ones.
        message_timeout_s: seconds a producer tries to deliver a message before it gives it up; None: it never does.
    """

    bootstrap: str
    client_id: str
    embedded: bool = False
    compression: str = "lz4"
    client: str = "auto"
    message_timeout_s: float | None = 120.0
    linger_ms: int = 50


def session_s(settings: ClientSettings) -> int:
    """How long a consumer group waits for a silent member, seconds.

    6 s is the shortest a Kafka broker allows by default. The embedded one allows any time, and takes nearly all of it
    for every rebalance, whether its members have answered or not.
    """
    return 3 if settings.embedded else 6


OnDelivery = Callable[[bool, int, bytes | None], None]
"""Called once for each message sent: (acknowledged, its offset or -1, its header).

Calls for the acknowledged messages of one partition come in the order they were sent."""


class Lane(Protocol):
    """Sends to one partition."""

    def __call__(self, key: bytes | None, value: bytes, header: bytes | None, report: bool = True, /) -> bool:
        """Send a message.

        Args: report: call the lane's `OnDelivery` for it. False lets a client whose messages never time out leave the
            call out, which saves a fifth of its work: there an acknowledgement holds for all messages before it.
        Returns: whether the client took the message. If not, its buffer is full: poll and try again.
        Raises: KafkaError: nothing can be sent any more.
        """
        ...


class Producer(Protocol):
    """Writes with acks=all and idempotence."""

    def lane(self, topic: str, partition: int, on_delivery: OnDelivery | None) -> Lane:
        """A function that sends to this partition; made once, called for each message."""
        ...

    def poll(self, timeout_s: float) -> None:
        """Serve delivery callbacks, for at most `timeout_s` seconds if there are none.

        Raises: KafkaError: nothing can be sent any more.
        """
        ...

    def in_flight(self) -> int:
        """Messages sent and neither acknowledged nor given up yet."""
        ...

    def flush(self, timeout_s: float) -> int:
        """Wait until nothing is in flight; the number that still is when time is up. Raises as `poll`."""
        ...


class GroupListener(Protocol):
    """Told about a consumer's partitions while it polls."""

    def assigned(self, partitions: Sequence[TopicPartition]) -> Mapping[TopicPartition, int]:
        """These partitions are ours now. Returns where to start in each; one left out starts at the oldest record."""
        ...

    def revoked(self, partitions: Sequence[TopicPartition]) -> None:
        """These partitions go to somebody else (or were lost): store what belongs to them, then forget it."""
        ...


class GroupConsumer(Protocol):
    """A member of a consumer group, round-robin assignment, commits by hand."""

    def poll(self, max_records: int, timeout_s: float) -> dict[TopicPartition, list[Record]]:
        """What has arrived, by partition, in order of offsets; {} when nothing did in time."""
        ...

    def seek(self, partition: TopicPartition, offset: int) -> None:
        """Go on reading an owned partition at this offset."""
        ...

    def commit(self, offsets: Mapping[TopicPartition, int]) -> None:
        """Tell the broker where the group is, without waiting for the answer. For lag and others' eyes only."""
        ...

    def pause(self, partitions: Iterable[TopicPartition]) -> None:
        """Fetch no more from these until `resume`."""
        ...

    def resume(self, partitions: Iterable[TopicPartition]) -> None:
        """Undo `pause`."""
        ...

    def close(self) -> None:
        """Leave the group: `revoked` is called first."""
        ...


class Reader(Protocol):
    """Reads given partitions from given offsets; no group."""

    def assign(self, offsets: Mapping[TopicPartition, int]) -> None:
        """Read these partitions from these offsets from now on, and no others; -1 means the oldest record there is."""
        ...

    def poll(self, max_records: int, timeout_s: float) -> dict[TopicPartition, list[Record]]:
        """As `GroupConsumer.poll`."""
        ...

    def bounds(self, partition: TopicPartition) -> tuple[int, int]:
        """(oldest offset there is, end offset)."""
        ...

    def close(self) -> None:
        """Let go of the connections."""
        ...


class Admin(Protocol):
    """Questions to the cluster."""

    def committed(self, group: str, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        """Committed offsets; a partition the group never committed is left out."""
        ...

    def end_offsets(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        """One more than the offset of each partition's last record."""
        ...

    def brokers(self) -> int:
        """How many brokers the cluster's metadata lists."""
        ...

    def partitions(self) -> dict[str, int]:
        """How many partitions with a leader each topic has, for all topics there are."""
        ...

    def create_topics(self, topics: Mapping[str, tuple[int, int, Mapping[str, str]]]) -> None:
        """Create what does not exist yet: name to (partitions, replication, config). Not on the embedded broker.

        A topic with fewer partitions than asked for grows; otherwise one that exists stays as it is.
        """
        ...

    def close(self) -> None:
        """Let go of the connections."""
        ...
