"""Sending with kafka-python: lanes, what is in flight, and when it is given up."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections import deque
from typing import Any

from kafka import KafkaProducer  # type: ignore[import-untyped]
from kafka import errors as client_errors
from kafka.net.compat import KafkaNetClient  # type: ignore[import-untyped]

from kapture_tui.workload import header as header_format
from kapture_tui.workload.kafka.base import ClientSettings, KafkaError, Lane, OnDelivery
from kapture_tui.workload.kafka.pure.common import ANSWER_S, common, compression, our_errors

log = logging.getLogger(__name__)

MAX_MESSAGES = 20_000
MAX_BYTES = 32 * 1024 * 1024
"""What may be in flight before a lane says no. This client has no bound of its own: it would take memory instead."""

FOR_EVER_MS = 2**31 - 1
"""The longest time-out there is: 24 days."""

GRACE_S = 1.0
"""How much longer than asked for the client may try to deliver a message before it is given up here, seconds."""


class ProducerClient:
    """See `Producer`.

    The client resolves a future for each message on a thread of its own. Here they wait, lane by lane, until `poll`
    or `flush` looks: so callbacks run in the caller's thread and in the order of sending.
    """

    def __init__(self, settings: ClientSettings) -> None:
        timeout_s = settings.message_timeout_s
        timeout_ms = FOR_EVER_MS if timeout_s is None else int(timeout_s * 1000)
        with our_errors(f"connecting to {settings.bootstrap}"):
            self._producer = KafkaProducer(
                **common(settings),
                acks="all",
                enable_idempotence=True,
                compression_type=compression(settings),
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
