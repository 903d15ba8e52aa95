"""The Kafka surface on kafka-python: slower, and at home wherever Python is.

Compression: lz4 where its module can be imported, else none. gzip would always work, but costs this client, which is
bound by its own CPU, more than the network it saves. What others compressed with lz4 is read with that module only.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any, TypeVar

from kafka import (  # type: ignore[import-untyped]
    AsyncConsumerRebalanceListener,
    KafkaAdminClient,
    KafkaConsumer,
    KafkaProducer,
    OffsetAndMetadata,
    OffsetSpec,
    TopicPartition,
)
from kafka import errors as client_errors
from kafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor  # type: ignore[import-untyped]
from kafka.future import Future  # type: ignore[import-untyped]
from kafka.net.compat import KafkaNetClient  # type: ignore[import-untyped]

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

T = TypeVar("T")

ANSWER_S = 10.0
"""How long a question to the brokers may take, seconds."""

CONNECT_S = 30.0
"""How long the first connection may take, seconds; for an admin connection it is `ANSWER_S`."""

RETRY_S = 0.1
"""A pause after an error that goes away by itself, seconds."""

MAX_MESSAGES = 20_000
MAX_BYTES = 32 * 1024 * 1024
"""What may be in flight before a lane says no. This client has no bound of its own: it would take memory instead."""

FOR_EVER_MS = 2**31 - 1
"""The longest time-out there is: 24 days."""

NEVER_MS = 2**31 - 1
"""As good as never: 25 days."""

GRACE_S = 1.0
"""How much longer than asked for the client may try to deliver a message before it is given up here, seconds."""

EMBEDDED_VERSION = (2, 1)
"""What the embedded broker understands of newer versions is less than it says."""

FOLLOWERS_S = 0.05
"""How long the leader of a group lets the others go first, seconds; on the embedded broker."""

_PASSING = (client_errors.RetriableError, client_errors.InvalidRequestError)
"""What goes away by itself. InvalidRequest is what the embedded broker says to a member that came too late."""


def _base(settings: ClientSettings) -> dict[str, Any]:
    # It tells at INFO what librdkafka tells at DEBUG, whole assignments among it.
    logging.getLogger("kafka").setLevel(logging.WARNING)
    return {
        "bootstrap_servers": settings.bootstrap.split(","),
        "client_id": settings.client_id,
        "api_version": EMBEDDED_VERSION if settings.embedded else None,
        "bootstrap_timeout_ms": int(CONNECT_S * 1000),
        "reconnect_backoff_max_ms": 1000,
    }


def _compression(settings: ClientSettings) -> str | None:
    return "lz4" if settings.compression == "lz4" and find_spec("lz4") else None


@contextmanager
def _ours(doing: str) -> Iterator[None]:
    try:
        yield
    except client_errors.KafkaError as exc:
        raise KafkaError(doing, str(exc)) from exc


class ProducerClient:
    """See `Producer`.

    The client resolves a future for each message on a thread of its own. Here they wait, lane by lane, until `poll`
    or `flush` looks: so callbacks run in the caller's thread and in the order of sending.
    """

    def __init__(self, settings: ClientSettings) -> None:
        timeout_s = settings.message_timeout_s
        timeout_ms = FOR_EVER_MS if timeout_s is None else int(timeout_s * 1000)
        with _ours(f"connecting to {settings.bootstrap}"):
            self._producer = KafkaProducer(
                **_base(settings),
                acks="all",
                enable_idempotence=True,
                compression_type=_compression(settings),
                linger_ms=settings.linger_ms,
                batch_size=256 * 1024,
                max_request_size=4 * 1024 * 1024,
                delivery_timeout_ms=timeout_ms,
                request_timeout_ms=min(30_000, timeout_ms - settings.linger_ms),
                max_block_ms=int(ANSWER_S * 1000),
                allow_auto_create_topics=False,
                metrics_enabled=False,
                kafka_client=_knowing_all_topics,
            )
        self._flight = _Flight(None if timeout_s is None else timeout_s + GRACE_S)

    def lane(self, topic: str, partition: int, on_delivery: OnDelivery | None) -> Lane:
        """See `Producer`."""
        return _Lane(self._producer.send, topic, partition, on_delivery, self._flight).send

    def poll(self, timeout_s: float) -> None:
        """See `Producer`."""
        if self._serve() or timeout_s <= 0:
            return
        # First the bell, then another look: nothing that lands meanwhile is missed.
        self._flight.landed.clear()
        for lane in self._flight.lanes:
            lane.watch()
        if not self._serve():
            self._flight.landed.wait(timeout_s)
            self._serve()

    def _serve(self) -> bool:
        before = self._flight.messages
        now = time.monotonic()
        for lane in list(self._flight.lanes):
            lane.serve(now)
        self._flight.forget()
        return self._flight.messages < before

    def in_flight(self) -> int:
        """See `Producer`."""
        return self._flight.messages

    def flush(self, timeout_s: float) -> int:
        """See `Producer`."""
        # The client's own flush would wait for all of it before the first callback could be served.
        deadline = time.monotonic() + timeout_s
        while self._flight.messages and (left := deadline - time.monotonic()) > 0:
            self.poll(min(left, GRACE_S))
        return self._flight.messages


def _knowing_all_topics(**configs: Any) -> Any:
    # Otherwise it asks for each topic by itself, a tenth of a second and more with the first message to it.
    client = KafkaNetClient(**configs)
    client.cluster.need_all_topic_metadata = True
    return client


class _Flight:
    """What a producer has sent and not reported on yet, over all lanes.

    Attributes:
        lanes: those with messages not reported on yet, each with None.
        patience_s: a message is given up so long after it was sent, whatever the client says; None: never.
        refused: in a producer that never gives up, the error of a message that failed. There is a gap behind it, so
            nothing more is sent.
        messages: not reported on yet.
        held: in the client's memory; more than `messages` when it still has what was given up.
        size: the same in bytes.
        landed: set when a batch is done.
    """

    __slots__ = ("_given_up", "held", "landed", "lanes", "messages", "patience_s", "refused", "size")

    def __init__(self, patience_s: float | None) -> None:
        self.lanes: dict[_Lane, None] = {}
        self.patience_s = patience_s
        self.refused = ""
        self.messages = 0
        self.held = 0
        self.size = 0
        self.landed = threading.Event()
        self._given_up: deque[tuple[Any, int]] = deque()

    def full(self) -> bool:
        """Whether it must take no more."""
        return self.held >= MAX_MESSAGES or self.size >= MAX_BYTES

    def take(self, size: int) -> None:
        """One more message."""
        self.messages += 1
        self.held += 1
        self.size += size

    def release(self, size: int) -> None:
        """The client is done with a message."""
        self.held -= 1
        self.size -= size

    def give_up(self, future: Any, size: int) -> None:
        """The client is not done with it, but nobody waits any more."""
        self._given_up.append((future, size))

    def forget(self) -> None:
        """Release what was given up and is done by now."""
        while self._given_up and self._given_up[0][0].is_done:
            self.release(self._given_up.popleft()[1])


_Sent = tuple[Any, bytes | None, int, float, bool]
"""(future, header, bytes, when to give it up, whether an acknowledgement is reported)."""


class _Lane:
    """Messages to one partition, in the order they were sent."""

    __slots__ = ("_flight", "_partition", "_produce", "_report", "_topic", "_waiting", "_watched")

    def __init__(
        self, produce: Any, topic: str, partition: int, report: OnDelivery | None, flight: _Flight
    ) -> None:
        self._produce = produce
        self._topic = topic
        self._partition = partition
        self._report = report
        self._flight = flight
        self._waiting: deque[_Sent] = deque()
        self._watched: Any = None

    def send(self, key: bytes | None, value: bytes, header: bytes | None, report: bool = True, /) -> bool:
        """See `Lane`."""
        flight = self._flight
        if flight.refused:
            raise KafkaError(f"sending to {self._topic}", flight.refused)
        if flight.full():
            return False
        headers = [(header_format.NAME, header)] if header is not None else None
        try:
            future = self._produce(self._topic, value, key, headers, self._partition)
        except (client_errors.KafkaError, ValueError) as exc:  # ValueError: there is no such partition
            raise KafkaError(f"sending to {self._topic}", str(exc)) from exc
        size, patience_s = len(value), flight.patience_s
        flight.take(size)
        flight.lanes[self] = None
        deadline = math.inf if patience_s is None else time.monotonic() + patience_s
        self._waiting.append((future, header, size, deadline, report or patience_s is not None))
        return True

    def serve(self, now: float) -> None:
        """Report on what is done, up to the first message that is not and still may be."""
        waiting, flight = self._waiting, self._flight
        while waiting:
            future, header, size, deadline, wanted = waiting[0]
            done = future.is_done
            if not done and now < deadline:
                return
            waiting.popleft()
            flight.messages -= 1
            if not done:
                # Once it has given up a batch that was on its way, the client gives up no other one before it has
                # reached a broker again (kafka-python 3.0.12).
                flight.give_up(future, size)
                self._failed(header, "no acknowledgement in time")
                continue
            flight.release(size)
            if future.exception is not None:
                self._failed(header, str(future.exception))
            elif wanted and self._report is not None:
                self._report(True, future.value.offset, header)
        flight.lanes.pop(self, None)

    def _failed(self, header: bytes | None, cause: str) -> None:
        log.warning("sending to %s: %s", self._topic, cause)
        if self._flight.patience_s is None:
            self._flight.refused = cause
        if self._report is not None:
            self._report(False, -1, header)

    def watch(self) -> None:
        """Have `landed` set when the first message is done; at once if it is."""
        if self._waiting and self._watched is not (first := self._waiting[0][0]):
            self._watched = first
            first.add_both(self._landed)

    def _landed(self, _result: object) -> None:
        self._flight.landed.set()


class GroupClient:
    """See `GroupConsumer`."""

    def __init__(
        self, settings: ClientSettings, group: str, topics: Sequence[str], listener: GroupListener
    ) -> None:
        self._listener = _Listener(listener)
        with _ours(f"connecting to {settings.bootstrap}"):
            self._consumer = KafkaConsumer(
                **_consumer(settings),
                group_id=group,
                # Range would hand partition 0 of every topic to the same member.
                partition_assignment_strategy=[
                    _PatientRoundRobin if settings.embedded else RoundRobinPartitionAssignor
                ],
                session_timeout_ms=1000 * session_s(settings),
                heartbeat_interval_ms=1000 * session_s(settings) // 6,
                max_poll_interval_ms=120_000,
                kafka_client=self._listener.net_client,
            )
        self._listener.consumer = self._consumer
        self._consumer.subscribe(list(topics), listener=self._listener)
        self._join = _Join(self._consumer)

    def poll(self, max_records: int, timeout_s: float) -> dict[Partition, list[Record]]:
        """See `GroupConsumer`."""
        with self._listener.turn(), _ours("joining the group"):
            joined = self._join.wait(timeout_s)
        records = {}
        if joined:
            _unstick(self._consumer)
            with self._listener.turn():
                records = _poll(self._consumer, max_records, timeout_s)
                self._join.begin()
        self._listener.raise_failure()
        return records

    def seek(self, partition: Partition, offset: int) -> None:
        """See `GroupConsumer`."""
        try:
            self._consumer.seek(TopicPartition(*partition), offset)
        except ValueError as exc:
            raise KafkaError(f"seeking in {partition[0]}/{partition[1]}", str(exc)) from exc

    def commit(self, offsets: Mapping[Partition, int]) -> None:
        """See `GroupConsumer`."""
        if offsets:
            with _ours("committing offsets"):
                self._consumer.commit_async(
                    {TopicPartition(*p): OffsetAndMetadata(offset, "", -1) for p, offset in offsets.items()}
                )

    def pause(self, partitions: Iterable[Partition]) -> None:
        """See `GroupConsumer`."""
        self._consumer.pause(*self._owned(partitions))

    def resume(self, partitions: Iterable[Partition]) -> None:
        """See `GroupConsumer`."""
        self._consumer.resume(*self._owned(partitions))

    def _owned(self, partitions: Iterable[Partition]) -> set[Any]:
        owned: set[Any] = self._consumer.assignment()
        return owned & {TopicPartition(*p) for p in partitions}

    def close(self) -> None:
        """See `GroupConsumer`."""
        self._listener.closing = True
        with self._listener.turn(), _ours("leaving the group"):
            self._consumer.close(timeout_ms=int(ANSWER_S * 1000))
        self._listener.raise_failure()


class _Join:
    """Joining the group, in the background for as long as it takes.

    The client's own `poll` begins again, and with it the whole group, if the brokers' answer came while nobody polled
    (kafka-python 3.0.12). So it is called by members only.
    """

    def __init__(self, consumer: Any) -> None:
        self._net = consumer._net
        self._coordinator = consumer._coordinator
        self._done: Any = None

    def begin(self) -> None:
        """Join if that is called for."""
        if self._done is None and self._coordinator.need_rejoin():
            self._done = self._net.call_soon_with_future(self._coordinator.ensure_active_group_async)

    def wait(self, timeout_s: float) -> bool:
        """Whether this is a member of the group, in time."""
        self.begin()
        if self._done is None:
            return True
        landed = threading.Event()
        self._done.add_both(lambda _: landed.set())
        if not landed.wait(timeout_s):
            return False
        done, self._done = self._done, None
        if done.exception is None:
            return True
        if not isinstance(done.exception, _PASSING):
            raise done.exception
        log.warning("joining the group: %s", done.exception)
        return False


class _PatientRoundRobin(RoundRobinPartitionAssignor):  # type: ignore[misc]
    """Round robin by a leader that lets the others ask for their partitions first.

    The embedded broker refuses those who ask after the leader has answered, and all have to begin again.
    """

    @classmethod
    def assign(cls, cluster: Any, members: Any) -> Any:
        """Assign, after a moment if there are others."""
        if len(members) > 1:
            time.sleep(FOLLOWERS_S)
        return super().assign(cluster, members)


class _Listener(AsyncConsumerRebalanceListener):  # type: ignore[misc]
    """Has our listener called, and the consumer start where it says.

    The client calls on its I/O thread, which also sends the heartbeats. Our listener may have to wait for a database,
    so it runs on a thread of its own; and only while the consumer's user waits in `poll` or `close`, so that never two
    threads run that user's code.
    """

    def __init__(self, listener: GroupListener) -> None:
        self.consumer: Any = None
        self.closing = False
        self._listener = listener
        self._owned: set[Partition] = set()
        self._net: Any = None
        self._failure: BaseException | None = None
        self._users_turn = threading.Lock()
        self._users_turn.acquire()

    def net_client(self, **configs: Any) -> Any:
        """Make the consumer's connections, and remember whom to wake."""
        self._net = KafkaNetClient(**configs)
        return self._net

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Meanwhile it is the listener's turn."""
        self._users_turn.release()
        try:
            yield
        finally:
            self._users_turn.acquire()

    def raise_failure(self) -> None:
        """Raise what our listener raised; the client would wrap it up."""
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure

    async def on_partitions_assigned(self, assigned: set[Any]) -> None:
        """Start where our listener says, and nowhere else."""
        if self.closing:
            return
        partitions = sorted(tuple(partition) for partition in assigned)
        self._owned |= set(partitions)
        starts = await self._aside(lambda: self._listener.assigned(partitions))
        if starts is None:
            return
        for partition in assigned:
            if (offset := starts.get(partition)) is not None:
                self.consumer.seek(partition, offset)
            else:
                self.consumer.seek_to_beginning(partition)
        self.consumer.resume(*assigned)  # one that was ours before would have stayed paused

    async def on_partitions_revoked(self, revoked: set[Any]) -> None:
        """Pass it on, for what our listener still takes for its own."""
        partitions = sorted(self._owned & {tuple(partition) for partition in revoked})
        self._owned.difference_update(partitions)
        if partitions:
            await self._aside(lambda: self._listener.revoked(partitions))

    async def _aside(self, work: Callable[[], T]) -> T | None:
        """The result of the work, done in a thread of its own; None if it failed."""
        done = Future()

        def run() -> None:
            result = None
            with self._users_turn:
                try:
                    result = work()
                except BaseException as exc:
                    self._failure = exc
            done.success(result)
            self._net.wakeup()

        threading.Thread(target=run, name="rebalance", daemon=True).start()
        return await done  # type: ignore[no-any-return]


class ReaderClient:
    """See `Reader`."""

    def __init__(self, settings: ClientSettings, offsets: Mapping[Partition, int]) -> None:
        with _ours(f"connecting to {settings.bootstrap}"):
            self._consumer = KafkaConsumer(**_consumer(settings), group_id=None)
        # The consumer could tell bounds too, but for each new topic it waits for the next round of its metadata.
        self._admin = AdminClient(settings)
        self.assign(offsets)

    def assign(self, offsets: Mapping[Partition, int]) -> None:
        """See `Reader`."""
        self._consumer.assign([TopicPartition(*p) for p in offsets])
        for partition, offset in offsets.items():
            if offset < 0:
                self._consumer.seek_to_beginning(TopicPartition(*partition))
            else:
                self._consumer.seek(TopicPartition(*partition), offset)

    def poll(self, max_records: int, timeout_s: float) -> dict[Partition, list[Record]]:
        """See `Reader`."""
        return _poll(self._consumer, max_records, timeout_s)

    def bounds(self, partition: Partition) -> tuple[int, int]:
        """See `Reader`."""
        return self._admin.bounds(partition)

    def close(self) -> None:
        """See `Reader`."""
        self._consumer.close()
        self._admin.close()


class AdminClient:
    """See `Admin`. Connects with the first question."""

    def __init__(self, settings: ClientSettings) -> None:
        self._settings = settings
        self._admin: Any = None

    def committed(self, group: str, partitions: Sequence[Partition]) -> dict[Partition, int]:
        """See `Admin`."""
        # Always with partitions: asked for all there are, the embedded broker does not answer.
        asked = {group: [TopicPartition(*p) for p in partitions]}
        found: Any = self._ask(
            f"asking for the committed offsets of {group}", lambda admin: admin.list_group_offsets(asked)
        )
        return {tuple(p): at.offset for p, at in found.get(group, {}).items() if at.offset >= 0}

    def end_offsets(self, partitions: Sequence[Partition]) -> dict[Partition, int]:
        """See `Admin`."""
        return self._ask(
            "asking for end offsets", lambda admin: _offsets(admin, partitions, OffsetSpec.LATEST)
        )

    def bounds(self, partition: Partition) -> tuple[int, int]:
        """See `Reader`."""

        def question(admin: Any) -> tuple[int, int]:
            oldest, end = (
                _offsets(admin, [partition], spec)[partition]
                for spec in (OffsetSpec.EARLIEST, OffsetSpec.LATEST)
            )
            return oldest, end

        return self._ask(f"asking for the offsets of {partition[0]}", question)

    def brokers(self) -> int:
        """See `Admin`."""
        cluster: Any = self._ask("asking for the brokers", lambda admin: admin.describe_cluster())
        return sum(not broker.get("is_fenced", False) for broker in cluster["brokers"])

    def partitions(self) -> dict[str, int]:
        """See `Admin`."""
        return self._ask("asking for the topics", _partitions)

    def create_topics(self, topics: Mapping[str, tuple[int, int, Mapping[str, str]]]) -> None:
        """See `Admin`."""
        self._ask("creating topics", lambda admin: _create(admin, topics))

    def _ask(self, doing: str, question: Callable[[Any], T]) -> T:
        try:
            with _ours(doing):
                if self._admin is None:
                    self._admin = _connect(self._settings)
                return question(self._admin)
        except KafkaError:
            self.close()  # it remembers coordinators, and does not notice when they move
            raise

    def close(self) -> None:
        """See `Admin`."""
        admin, self._admin = self._admin, None
        if admin is not None:
            admin.close()


def _connect(settings: ClientSettings) -> Any:
    answer_ms = int(ANSWER_S * 1000)
    limits = {"bootstrap_timeout_ms": answer_ms, "request_timeout_ms": answer_ms}
    return KafkaAdminClient(**(_base(settings) | limits))


def _offsets(admin: Any, partitions: Sequence[Partition], spec: Any) -> dict[Partition, int]:
    asked = {TopicPartition(*p): spec for p in partitions}
    found = admin.list_partition_offsets(asked, timeout_ms=int(ANSWER_S * 1000))
    return {tuple(p): at.offset for p, at in found.items()}


def _create(admin: Any, topics: Mapping[str, tuple[int, int, Mapping[str, str]]]) -> None:
    have = {topic["name"]: len(topic["partitions"]) for topic in admin.describe_topics()}
    more = {name: topics[name][0] for name in topics.keys() & have if have[name] < topics[name][0]}
    new = {
        name: {"num_partitions": partitions, "replication_factor": replication, "configs": dict(config)}
        for name, (partitions, replication, config) in topics.items()
        if name not in have
    }
    if new:
        created = admin.create_topics(new, raise_errors=False)["topics"]
        _check((t["name"], t["error_code"], t["error_message"]) for t in created)
    if more:
        grown = admin.create_partitions(more, raise_errors=False).results
        _check((t.name, t.error_code, t.error_message) for t in grown)
    if new or more:
        # What was created takes a moment to be in every broker's metadata.
        _await(admin, {name: topics[name][0] for name in [*new, *more]})


def _check(answers: Iterable[tuple[str, int, str | None]]) -> None:
    """Answers as (topic, error code, message). Raises the client's errors."""
    fine = client_errors.NoError
    somebody_was_faster = (client_errors.TopicAlreadyExistsError, client_errors.InvalidPartitionsError)
    for topic, code, message in answers:
        error = client_errors.for_code(code)
        if error not in (fine, *somebody_was_faster):
            raise error(f"{topic}: {message}")


def _partitions(admin: Any) -> dict[str, int]:
    return {
        topic["name"]: sum(p["leader_id"] >= 0 and not p["error_code"] for p in topic["partitions"])
        for topic in admin.describe_topics()
        if not topic["error_code"]
    }


def _await(admin: Any, topics: Mapping[str, int]) -> None:
    deadline = time.monotonic() + 3 * ANSWER_S
    while True:
        have = _partitions(admin)
        missing = [name for name, count in topics.items() if have.get(name, 0) < count]
        if not missing:
            return
        if time.monotonic() > deadline:
            raise client_errors.KafkaTimeoutError(f"{missing[0]} has not all its partitions")
        time.sleep(RETRY_S)


def _consumer(settings: ClientSettings) -> dict[str, Any]:
    return _base(settings) | {
        "enable_auto_commit": False,
        "auto_offset_reset": "earliest",
        "fetch_max_wait_ms": 100,
        "fetch_min_bytes": 1,
        "fetch_max_bytes": 16 * 1024 * 1024,
        "allow_auto_create_topics": False,
        "metrics_enabled": False,
    }


def _unstick(consumer: Any) -> None:
    # What was fetched for a paused partition waits until the slot of the partition being read is None; but one that was
    # read to its end stays there (kafka-python 3.0.12), and after `resume` nothing would come for ever.
    fetcher = consumer._fetcher
    if not fetcher._next_partition_records:
        fetcher._next_partition_records = None


def _poll(consumer: Any, max_records: int, timeout_s: float) -> dict[Partition, list[Record]]:
    with _ours("reading from Kafka"):
        try:
            found = consumer.poll(timeout_ms=timeout_s * 1000, max_records=max_records)
        except _PASSING as exc:
            log.warning("reading from Kafka: %s", exc)
            time.sleep(min(timeout_s, RETRY_S))
            return {}
    make, header = Record._make, _header
    return {
        tuple(partition): [make((r.offset, r.key, r.value, header(r.headers))) for r in records]
        for partition, records in found.items()
    }


def _header(headers: Sequence[tuple[str, bytes | None]]) -> bytes | None:
    if headers and headers[0][0] == header_format.NAME:  # a transaction has just the one
        return headers[0][1]
    return next((value for name, value in headers if name == header_format.NAME), None)
