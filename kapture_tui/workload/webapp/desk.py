"""Where orders become records: one thread that owns the Kafka producer and keeps the shop's half of the ledger."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, replace
from zlib import crc32

from kapture_tui.model.errors import Unreachable
from kapture_tui.model.ledger import LoaderHalf, LoaderState
from kapture_tui.model.spec import Component
from kapture_tui.model.states import STATES, transactions_topic
from kapture_tui.workload import header
from kapture_tui.workload.backpressure import Governor
from kapture_tui.workload.consume import client_settings
from kapture_tui.workload.container import ContainerReporter
from kapture_tui.workload.control import ControlReader
from kapture_tui.workload.figures import Figures, FiguresPublisher
from kapture_tui.workload.kafka import Producer, TopicPartition, open_producer
from kapture_tui.workload.ledger import HistogramLog, partition_key
from kapture_tui.workload.loader import Route, customer_base, identity, next_incarnation
from kapture_tui.workload.petstore.customers import Customer
from kapture_tui.workload.process import StopSignal
from kapture_tui.workload.reporting import HalfReporter
from kapture_tui.workload.settings import Settings
from kapture_tui.workload.webapp.shop import Order, Shop

log = logging.getLogger(__name__)

PATIENCE_S = 5.0
"""An order that Kafka has not acknowledged for so long, seconds, tells that its partition takes none: those that come
after it are refused."""

IDLE_S = 0.05
BUSY_S = 0.002
"""How long the desk waits for the next order while nothing is under way, and while acknowledgements are; seconds."""

LINGER_MS = 2
"""Somebody waits for the answer, and orders are few."""

MAX_UNDER_WAY = 1000
"""Orders sent and not acknowledged yet: far fewer than the client has room for."""

CONTROL_S = 1.0
DAY_S = 86_400.0

STOPPING = "the shop is closing"


class NotTaken(Unreachable):
    """Kafka does not take orders now, or nobody can tell whether it took this one."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """An order that Kafka has acknowledged.

    Attributes:
        number: the customer's transaction.
        partition, offset: where its record stands.
    """

    order: Order
    customer: Customer
    number: int
    partition: TopicPartition
    offset: int


Promise = Future[Receipt]


@dataclass(frozen=True, slots=True)
class _Waiting:
    """An order under way."""

    since_s: float
    promise: Promise
    receipt: Receipt


class OrderRoute(Route):
    """One partition as the shop sees it: each acknowledgement is somebody's answer.

    Attributes:
        waiting: orders sent and not acknowledged, oldest first.
    """

    __slots__ = ("waiting",)

    def __init__(self, producer: Producer, partition: TopicPartition, latency: HistogramLog) -> None:
        super().__init__(producer, partition, latency)
        self.waiting: deque[_Waiting] = deque()

    def delivered(self, acknowledged: bool, offset: int, packed: bytes | None) -> None:
        """See `Route`."""
        super().delivered(acknowledged, offset, packed)
        first = self.waiting.popleft()  # acknowledgements of a partition come in the order of sending
        first.promise.set_result(replace(first.receipt, offset=offset))


class Desk:
    """Takes orders from any thread; everything else belongs to the thread that calls `run`.

    Args: requests: how many requests the shop has answered so far, for the figures.
    """

    def __init__(self, settings: Settings, requests: Callable[[], int]) -> None:
        client = client_settings(settings)
        # As with a loader no message is ever given up: sequences must be acknowledged in order, or not at all.
        self._producer = open_producer(replace(client, message_timeout_s=None, linger_ms=LINGER_MS))
        self._settings = settings
        self._requests = requests
        self.incarnation = next_incarnation(client, settings.name)
        self._number = header.loader_number(settings.run_id, settings.name, self.incarnation)
        who = identity(settings.name, self.incarnation)
        self.shop = Shop(settings.load, who, customer_base(who))
        self._latency = HistogramLog()
        self._routes = {
            (topic, number): OrderRoute(self._producer, (topic, number), self._latency)
            for topic in map(transactions_topic, STATES)
            for number in range(settings.partitions)
        }
        self._reporter = HalfReporter(self._producer, self.half)
        self._figures = FiguresPublisher(self._producer, Component.WEBAPP.value, settings.name)
        self._container = ContainerReporter(settings, self._producer)
        routes = self._routes.values()
        self._governor = Governor(client, settings.groups, routes) if settings.embedded else None
        self._control = ControlReader(client) if settings.embedded else None
        self._next_control_s = 0.0
        # Not a SimpleQueue: interrupted by a signal in the moment its time-out is over, that one waits for ever
        # (Python 3.11 and 3.12).
        self._orders: queue.Queue[tuple[Order, Promise]] = queue.Queue()
        self._opened_s = time.monotonic()
        self._step_s = self._opened_s
        self._closed = threading.Event()

    # --- from any thread -------------------------------------------------------------------------------------------

    def place(self, order: Order) -> Promise:
        """Hand an order in; what is promised is its receipt, or NotTaken. Raises NotTaken: the shop has closed."""
        if self._closed.is_set():
            raise NotTaken("placing an order", STOPPING, "order again in a moment")
        promise: Promise = Future()
        self._orders.put((order, promise))
        return promise

    @property
    def stuck_s(self) -> float:
        """How long the desk's thread has not come round, seconds."""
        return time.monotonic() - self._step_s

    # --- the desk's own thread -------------------------------------------------------------------------------------

    def open(self, stop: StopSignal) -> None:
        """Report for the first time; returns when the brokers have it, or when asked to stop."""
        self._reporter.say_hello(stop)
        if self._governor:
            self._governor.start()

    def run(self, until: Callable[[], bool]) -> None:
        """Serve until told to stop. Raises KafkaError when nothing can be sent any more."""
        while not until():
            self._step_s = time.monotonic()
            self._housekeeping(self._step_s)
            with suppress(queue.Empty):
                self._send(*self._orders.get(timeout=BUSY_S if self._producer.in_flight() else IDLE_S))
            self._producer.poll(0.0)

    def close(self) -> None:
        """Take no more orders, wait for what is under way, report for the last time."""
        self._closed.set()
        while not self._orders.empty():
            self._orders.get()[1].set_exception(NotTaken("placing an order", STOPPING))
        if self._governor:
            self._governor.stop()
        self._figures.end(self._told)
        self._reporter.finish()
        if self._control:
            self._control.close()

    def half(self, state: LoaderState) -> LoaderHalf:
        """The shop's half of the ledger, now."""
        sent = [route for route in self._routes.values() if route.attempted]
        return LoaderHalf(
            loader=self._settings.name,
            id=header.loader_id(self._number),
            incarnation=self.incarnation,
            time_s=time.time(),
            state=state,
            partitions={partition_key(route.partition): route.log.sent() for route in sent},
            offered=sum(route.attempted for route in sent),
            held_back=sum(route.attempted >= route.credit for route in sent),
            ack_latency=self._latency.histogram(),
            component=Component.WEBAPP.value,
        )

    def _told(self) -> Figures:
        return Figures({"requests_total": self._requests()})

    def _housekeeping(self, now_s: float) -> None:
        self._reporter.report_due(now_s)
        self._figures.publish_due(self._told)
        self._container.report_due()
        if self._control and self._governor and now_s >= self._next_control_s:
            self._next_control_s = now_s + CONTROL_S
            told = self._control.poll()
            if told and told.groups is not None:
                self._governor.groups = told.groups

    def _send(self, order: Order, promise: Promise) -> None:
        if not promise.set_running_or_notify_cancel():
            return  # whoever wanted it has gone
        customer = self.shop.customer(order.state, order.customer)
        key = b"%d" % customer.id
        partition = transactions_topic(order.state), crc32(key) % self._settings.partitions
        route = self._routes[partition]
        if trouble := self._trouble(route):
            promise.set_exception(NotTaken("placing an order", trouble, "order again in a moment"))
            return
        now_s, sequence = time.monotonic(), route.attempted
        number, value = self.shop.transaction(order, customer, (now_s - self._opened_s) / DAY_S)
        route.send(key, value, header.pack(self._number, sequence, time.time_ns() // 1000))
        route.log.attempted = sequence + 1
        route.sent_bytes += len(value)
        route.waiting.append(_Waiting(now_s, promise, Receipt(order, customer, number, partition, -1)))

    def _trouble(self, route: OrderRoute) -> str:
        """Why no order can be sent to this partition now; "" if one can."""
        silent_s = time.monotonic() - route.waiting[0].since_s if route.waiting else 0.0
        if silent_s > PATIENCE_S:
            return f"Kafka has not acknowledged one for {route.partition[0]} in {silent_s:.0f} s"
        if route.attempted >= route.credit:
            return f"the consumers of {route.partition[0]} are too far behind"
        return "too many orders are under way" if self._producer.in_flight() >= MAX_UNDER_WAY else ""
