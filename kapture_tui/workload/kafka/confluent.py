"""The Kafka surface on confluent-kafka (librdkafka)."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from typing import Any

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaException, Message, TopicPartition
from confluent_kafka import KafkaError as RdError
from confluent_kafka import Producer as RdProducer
from confluent_kafka.admin import AdminClient as RdAdmin
from confluent_kafka.admin import NewPartitions, NewTopic, OffsetSpec

from kapture_tui.workload import header as header_format
from kapture_tui.workload.kafka.base import (
    ClientSettings,
    GroupListener,
    KafkaError,
    Lane,
    OnDelivery,
    Record,
    session_s,
)
from kapture_tui.workload.kafka.base import TopicPartition as Partition

log = logging.getLogger(__name__)

ANSWER_S = 10.0
"""How long a question to the brokers may take, seconds."""

BATCH_BYTES = 512 * 1024
"""How large a batch may become."""


def _base(settings: ClientSettings) -> dict[str, Any]:
    return {
        "bootstrap.servers": settings.bootstrap,
        "client.id": settings.client_id,
        "error_cb": lambda error: log.warning("kafka: %s", error),
        "logger": logging.getLogger("kapture_tui.librdkafka"),
        "reconnect.backoff.max.ms": 1000,
        "broker.address.family": "v4" if settings.bootstrap.startswith("127.") else "any",
    }


class ProducerClient:
    """See `Producer`."""

    def __init__(self, settings: ClientSettings) -> None:
        timeout_s = settings.message_timeout_s
        # Then a partition has no gaps: a message that fails takes the whole producer with it, so that those without a
        # callback cannot fail unseen.
        self._gapless = timeout_s is None
        self._producer = RdProducer(
            _base(settings)
            | {
                "acks": "all",
                "enable.idempotence": True,
                "compression.type": settings.compression,
                "linger.ms": settings.linger_ms,
                "batch.size": BATCH_BYTES,
                "queue.buffering.max.messages": 200_000,
                "queue.buffering.max.kbytes": 64 * 1024,
                "message.timeout.ms": 0 if timeout_s is None else int(timeout_s * 1000),
                "enable.gapless.guarantee": self._gapless,
                "error_cb": _raise_if_fatal,
            }
        )
        self.in_flight: Callable[[], int] = self._producer.__len__

    def lane(self, topic: str, partition: int, on_delivery: OnDelivery | None) -> Lane:
        """See `Producer`."""
        produce = self._producer.produce
        delivered = _on_delivery(on_delivery) if on_delivery else None
        report_all = not self._gapless

        def send(key: bytes | None, value: bytes, header: bytes | None, report: bool = True, /) -> bool:
            headers: Any = [(header_format.NAME, header)] if header is not None else None
            # The message of a failed delivery comes back without its headers, so each callback knows its own.
            callback = partial(delivered, header) if delivered and (report or report_all) else None
            try:
                # By position, this runs for every message: (…, callback, on_delivery, timestamp, headers).
                produce(topic, value, key, partition, callback, None, 0, headers)
            except BufferError:
                return False
            except KafkaException as exc:
                raise KafkaError(f"sending to {topic}", str(exc)) from exc
            return True

        return send

    def poll(self, timeout_s: float) -> None:
        """See `Producer`."""
        try:
            self._producer.poll(timeout_s)
        except KafkaException as exc:
            raise KafkaError("sending to Kafka", str(exc)) from exc

    def flush(self, timeout_s: float) -> int:
        """See `Producer`."""
        try:
            return int(self._producer.flush(timeout_s))
        except KafkaException as exc:
            raise KafkaError("sending to Kafka", str(exc)) from exc


def _raise_if_fatal(error: Any) -> None:
    log.warning("kafka: %s", error)
    if error.fatal():
        # What was in flight is thrown away now: raised from this very poll, it cannot look as if it had arrived.
        raise KafkaException(error)


def _on_delivery(report: OnDelivery) -> Callable[[bytes | None, Any, Message], None]:
    def delivered(header: bytes | None, error: Any, message: Message) -> None:
        if error is None:
            report(True, message.offset() or 0, header)
        else:
            log.warning("sending to %s: %s", message.topic(), error)
            report(False, -1, header)

    return delivered


def _header(message: Message) -> bytes | None:
    headers: Any = message.headers() or ()
    return next((value for name, value in headers if name == header_format.NAME), None)


def _by_partition(messages: Iterable[Message]) -> dict[Partition, list[Record]]:
    out: dict[Partition, list[Record]] = {}
    make = Record._make
    for message in messages:
        if message.error() is not None:
            log.warning("reading %s: %s", message.topic(), message.error())
            continue
        partition: Any = (message.topic(), message.partition())
        headers: Any = message.headers()  # a transaction has just the one
        header = headers[0][1] if headers and headers[0][0] == header_format.NAME else _header(message)
        record = make((message.offset(), message.key(), message.value(), header))
        records = out.get(partition)
        if records is None:
            out[partition] = [record]
        else:
            records.append(record)
    return out


class GroupClient:
    """See `GroupConsumer`."""

    def __init__(
        self, settings: ClientSettings, group: str, topics: Sequence[str], listener: GroupListener
    ) -> None:
        self._listener = listener
        self._consumer = Consumer(
            _base(settings)
            | {
                "group.id": group,
                "enable.auto.commit": False,
                "auto.offset.reset": "earliest",
                # Range would hand partition 0 of every topic to the same member.
                "partition.assignment.strategy": "roundrobin",
                "session.timeout.ms": 1000 * session_s(settings),
                "heartbeat.interval.ms": 1000 * session_s(settings) // 6,
                "max.poll.interval.ms": 120_000,
                "fetch.wait.max.ms": 100,
                "fetch.min.bytes": 1,
                "queued.max.messages.kbytes": 16 * 1024,
                "allow.auto.create.topics": False,
            }
        )
        self._consumer.subscribe(
            list(topics), on_assign=self._assigned, on_revoke=self._revoked, on_lost=self._revoked
        )

    def _assigned(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        starts = self._listener.assigned([(p.topic, p.partition) for p in partitions])
        for p in partitions:
            p.offset = starts.get((p.topic, p.partition), OFFSET_BEGINNING)
        consumer.assign(partitions)
        consumer.resume(partitions)  # one that was ours before would have stayed paused

    def _revoked(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self._listener.revoked([(p.topic, p.partition) for p in partitions])
        with suppress(KafkaException):  # the member may have lost them already
            consumer.unassign()

    def poll(self, max_records: int, timeout_s: float) -> dict[Partition, list[Record]]:
        """See `GroupConsumer`."""
        try:
            return _by_partition(self._consumer.consume(max_records, timeout_s))
        except KafkaException as exc:
            raise KafkaError("reading from Kafka", str(exc)) from exc

    def seek(self, partition: Partition, offset: int) -> None:
        """See `GroupConsumer`."""
        try:
            self._consumer.seek(TopicPartition(partition[0], partition[1], offset))
        except KafkaException as exc:
            raise KafkaError(f"seeking in {partition[0]}/{partition[1]}", str(exc)) from exc

    def commit(self, offsets: Mapping[Partition, int]) -> None:
        """See `GroupConsumer`."""
        positions = [TopicPartition(topic, number, offset) for (topic, number), offset in offsets.items()]
        if positions:
            self._consumer.commit(offsets=positions, asynchronous=True)

    def pause(self, partitions: Iterable[Partition]) -> None:
        """See `GroupConsumer`."""
        self._consumer.pause([TopicPartition(*p) for p in partitions])

    def resume(self, partitions: Iterable[Partition]) -> None:
        """See `GroupConsumer`."""
        self._consumer.resume([TopicPartition(*p) for p in partitions])

    def close(self) -> None:
        """See `GroupConsumer`."""
        self._consumer.close()


class ReaderClient:
    """See `Reader`."""

    def __init__(self, settings: ClientSettings, offsets: Mapping[Partition, int]) -> None:
        self._consumer = Consumer(
            _base(settings)
            | {
                "group.id": f"{settings.client_id}-reader",  # librdkafka wants one; it is never joined
                "enable.auto.commit": False,
                "auto.offset.reset": "earliest",
                "fetch.wait.max.ms": 100,
            }
        )
        self.assign(offsets)

    def assign(self, offsets: Mapping[Partition, int]) -> None:
        """See `Reader`."""
        self._consumer.assign(
            [TopicPartition(t, n, OFFSET_BEGINNING if o < 0 else o) for (t, n), o in offsets.items()]
        )

    def poll(self, max_records: int, timeout_s: float) -> dict[Partition, list[Record]]:
        """See `Reader`."""
        try:
            return _by_partition(self._consumer.consume(max_records, timeout_s))
        except KafkaException as exc:
            raise KafkaError("reading from Kafka", str(exc)) from exc

    def bounds(self, partition: Partition) -> tuple[int, int]:
        """See `Reader`."""
        try:
            answer = self._consumer.get_watermark_offsets(TopicPartition(*partition), timeout=ANSWER_S)
        except KafkaException as exc:
            raise KafkaError(f"asking for the offsets of {partition[0]}", str(exc)) from exc
        if answer is None:
            raise KafkaError(f"asking for the offsets of {partition[0]}", f"no answer in {ANSWER_S:.0f} s")
        return answer

    def close(self) -> None:
        """See `Reader`."""
        self._consumer.close()


class AdminClient:
    """See `Admin`."""

    def __init__(self, settings: ClientSettings) -> None:
        self._settings = settings
        self._admin = RdAdmin(_base(settings))
        self._groups: dict[str, Consumer] = {}

    def committed(self, group: str, partitions: Sequence[Partition]) -> dict[Partition, int]:
        """See `Admin`."""
        if group not in self._groups:
            self._groups[group] = Consumer(
                _base(self._settings)
                | {"group.id": group, "enable.auto.commit": False}  # asks only, never joins
            )
        try:
            found = self._groups[group].committed([TopicPartition(*p) for p in partitions], timeout=ANSWER_S)
        except KafkaException as exc:
            raise KafkaError(f"asking for the committed offsets of {group}", str(exc)) from exc
        return {(p.topic, p.partition): p.offset for p in found if p.error is None and p.offset >= 0}

    def end_offsets(self, partitions: Sequence[Partition]) -> dict[Partition, int]:
        """See `Admin`."""
        wanted = {TopicPartition(*p): OffsetSpec.latest() for p in partitions}  # type: ignore[no-untyped-call]
        try:
            futures = self._admin.list_offsets(wanted, request_timeout=ANSWER_S)
            return {(p.topic, p.partition): future.result().offset for p, future in futures.items()}
        except KafkaException as exc:
            # The client keeps the leader epochs it learned first; after a broker's restart it would be fenced for ever.
            self._admin = RdAdmin(_base(self._settings))
            raise KafkaError("asking for end offsets", str(exc)) from exc

    def brokers(self) -> int:
        """See `Admin`."""
        try:
            return len(self._admin.list_topics(timeout=ANSWER_S).brokers)
        except KafkaException as exc:
            raise KafkaError("asking for the brokers", str(exc)) from exc

    def partitions(self) -> dict[str, int]:
        """See `Admin`."""
        try:
            topics = self._admin.list_topics(timeout=ANSWER_S).topics
        except KafkaException as exc:
            raise KafkaError("asking for the topics", str(exc)) from exc
        return {
            name: sum(p.leader >= 0 for p in topic.partitions.values())
            for name, topic in topics.items()
            if topic.error is None
        }

    def create_topics(self, topics: Mapping[str, tuple[int, int, Mapping[str, str]]]) -> None:
        """See `Admin`."""
        try:
            have = {
                name: len(topic.partitions)
                for name, topic in self._admin.list_topics(timeout=ANSWER_S).topics.items()
            }
            new = [
                NewTopic(name, num_partitions=partitions, replication_factor=replication, config=dict(config))
                for name, (partitions, replication, config) in topics.items()
                if name not in have
            ]
            more = {name: topics[name][0] for name in topics.keys() & have if have[name] < topics[name][0]}
            if new:
                _finish(self._admin.create_topics(new, operation_timeout=ANSWER_S))
            if more:
                grown = [NewPartitions(name, count) for name, count in more.items()]
                _finish(self._admin.create_partitions(grown, operation_timeout=ANSWER_S))
            changed = {topic.topic: topic.num_partitions for topic in new} | more
            if changed:
                self._await_leaders([(name, p) for name, count in changed.items() for p in range(count)])
        except KafkaException as exc:
            raise KafkaError("creating topics", str(exc)) from exc

    def _await_leaders(self, partitions: Sequence[Partition]) -> None:
        # The brokers list a new partition's leader a moment before it serves.
        deadline = time.monotonic() + 3 * ANSWER_S
        while True:
            try:
                self.end_offsets(partitions)
                return
            except KafkaError as exc:
                if time.monotonic() > deadline:
                    raise KafkaError("creating topics", exc.cause, "see the brokers' logs") from exc
            time.sleep(0.1)

    def close(self) -> None:
        """See `Admin`."""
        for consumer in self._groups.values():
            consumer.close()
        self._groups.clear()


def _finish(creations: Mapping[str, Future[None]]) -> None:
    somebody_was_faster = (RdError.TOPIC_ALREADY_EXISTS, RdError.INVALID_PARTITIONS)
    for creation in creations.values():
        try:
            creation.result()
        except KafkaException as exc:
            if exc.args[0].code() not in somebody_was_faster:
                raise
