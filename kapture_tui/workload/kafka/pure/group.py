"""A member of a consumer group with kafka-python: joining, rebalances, and whose turn it is."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from kafka import (  # type: ignore[import-untyped]
    AsyncConsumerRebalanceListener,
    KafkaConsumer,
    OffsetAndMetadata,
    TopicPartition,
)
from kafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor  # type: ignore[import-untyped]
from kafka.future import Future  # type: ignore[import-untyped]
from kafka.net.compat import KafkaNetClient  # type: ignore[import-untyped]

from kapture_tui.workload.kafka.base import ClientSettings, GroupListener, KafkaError, Record, session_s
from kapture_tui.workload.kafka.base import TopicPartition as Partition
from kapture_tui.workload.kafka.pure.common import ANSWER_S, PASSING, our_errors
from kapture_tui.workload.kafka.pure.reader import consuming, read

log = logging.getLogger(__name__)

T = TypeVar("T")

FOLLOWERS_S = 0.05
"""How long the leader of a group lets the others go first, seconds; on the embedded broker."""


class GroupClient:
    """See `GroupConsumer`."""

    def __init__(
        self, settings: ClientSettings, group: str, topics: Sequence[str], listener: GroupListener
    ) -> None:
        self._listener = _Listener(listener)
        with our_errors(f"connecting to {settings.bootstrap}"):
            self._consumer = KafkaConsumer(
                **consuming(settings),
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
        with self._listener.turn(), our_errors("joining the group"):
            joined = self._join.wait(timeout_s)
        records = {}
        if joined:
            unstick(self._consumer)
            with self._listener.turn():
                records = read(self._consumer, max_records, timeout_s)
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
            with our_errors("committing offsets"):
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
        with self._listener.turn(), our_errors("leaving the group"):
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
        if not isinstance(done.exception, PASSING):
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


def unstick(consumer: Any) -> None:
    # What was fetched for a paused partition waits until the slot of the partition being read is None; but one that was
    # read to its end stays there (kafka-python 3.0.12), and after `resume` nothing would come for ever.
    fetcher = consumer._fetcher
    if not fetcher._next_partition_records:
        fetcher._next_partition_records = None
