"""The loader: pet store transactions into Kafka, with its half of the ledger.

With a rate it is open loop: transactions are due on a seeded schedule, and a late one counts from when it was due.
Without one it sends as fast as the brokers acknowledge, with a bound on what is in flight. Nothing is sent before every
consumer group reads: a load at full speed would take the cores from databases that are still starting.
"""

from __future__ import annotations

import logging
import time
from dataclasses import replace
from hashlib import blake2b
from random import Random

from kapture_tui.model.ledger import LoaderHalf, LoaderState
from kapture_tui.model.spec import MAX_CUSTOMERS
from kapture_tui.model.states import LEDGER_TOPIC, STATES, transactions_topic
from kapture_tui.workload import header
from kapture_tui.workload.backpressure import UNLIMITED, Governor
from kapture_tui.workload.consume import client_settings
from kapture_tui.workload.container import ContainerReporter
from kapture_tui.workload.control import ControlReader, Order
from kapture_tui.workload.generator import GeneratorStream, Stream, load
from kapture_tui.workload.kafka import (
    ClientSettings,
    KafkaError,
    Producer,
    TopicPartition,
    open_producer,
    open_reader,
)
from kapture_tui.workload.ledger import HistogramLog, SentLog, partition_key
from kapture_tui.workload.ledger_json import decode
from kapture_tui.workload.petstore import LoaderStream, PetstoreSpec
from kapture_tui.workload.process import StopSignal
from kapture_tui.workload.readers import Readers
from kapture_tui.workload.reporting import DRAIN_S, HalfReporter
from kapture_tui.workload.schedule import Schedule
from kapture_tui.workload.settings import Settings
from kapture_tui.workload.topics import wait_for_topics

log = logging.getLogger(__name__)

CHUNK = 256
"""Messages between two looks at the clock."""

PACE_S = 0.002
"""The least a loader on schedule waits before it looks again: what is due meanwhile is sent together, so much late.
Clients wait in whole milliseconds; asked for less, they return at once and the loader would spin."""

MAX_IN_FLIGHT = 20_000
"""Messages sent and not acknowledged yet: about 20 MB, and a second or less of what one loader can send."""

CONTROL_S = 0.2

SAMPLE_US = 20_000
"""How often, in intended time, a message of a partition is followed to its acknowledgement: all of a slow stream, of a
fast one as many as it takes to know how far the brokers are and how long they took. Callbacks are expensive."""

LATE_S = 0.1
"""A slip beyond this many seconds is called a bottleneck."""


class Route:
    """One partition as a loader sees it."""

    __slots__ = (
        "credit",
        "end_offset",
        "latency",
        "log",
        "next_sample_us",
        "partition",
        "send",
        "sent_bytes",
    )

    def __init__(self, producer: Producer, partition: TopicPartition, latency: HistogramLog) -> None:
        self.partition = partition
        self.log = SentLog()
        self.credit = UNLIMITED
        self.end_offset = 0
        self.latency = latency
        self.sent_bytes = 0
        self.next_sample_us = 0
        self.send = producer.lane(*partition, self.delivered)

    @property
    def attempted(self) -> int:
        """Messages handed to the client so far; the next sequence."""
        return self.log.attempted

    @property
    def record_bytes(self) -> float:
        """Mean size of a record; before the first one an upper estimate."""
        return self.sent_bytes / self.log.attempted if self.log.attempted else 1200.0

    def delivered(self, acknowledged: bool, offset: int, packed: bytes | None) -> None:
        """An acknowledgement: see `OnDelivery`. Raises KafkaError for a message that the brokers refused."""
        if not acknowledged:
            raise KafkaError(
                f"writing to {partition_key(self.partition)}", "the brokers refused", "see the loader's log"
            )
        _, sequence, intended_us = header.unpack(packed or b"")
        self.log.acknowledged(sequence)
        self.end_offset = offset + 1
        self.latency.add_all((time.time_ns() // 1000 - intended_us,))


class Loader:
    """One loader process."""

    def __init__(self, settings: Settings, stop: StopSignal) -> None:
        self._settings = settings
        self._stop = stop
        client = client_settings(settings)
        # A message is never given up: while the brokers are away the loader waits, and its schedule slips.
        self._producer = open_producer(replace(client, message_timeout_s=None))
        self._latency = HistogramLog()
        self._reporter = HalfReporter(self._producer, self._half_to_report)
        self._container = ContainerReporter(settings, self._producer)
        self.incarnation = next_incarnation(client, settings.name)
        self._number = header.loader_number(settings.run_id, settings.name, self.incarnation)
        self._stream = open_stream(settings, self.incarnation)
        self._routes = self._lay_out()
        self._by_slot: list[Route] = []
        self._governor = Governor(client, settings.groups, self._routes) if settings.embedded else None
        self._control = ControlReader(client)
        self._order = Order(rate=settings.load.rate)
        self._clock_offset_s = time.time() - time.monotonic()
        self._readers = Readers(client, settings.groups)
        self._schedule = self._new_schedule()
        self._held_since = time.monotonic() if self._holds else None
        self._brokers_full = False
        self._next_control_s = 0.0

    def run(self) -> None:
        """Report, send until asked to stop, wait for what is outstanding, report for the last time."""
        self._reporter.say_hello(self._stop)
        self._settings.readiness.say(incarnation=self.incarnation)
        if self._governor:
            self._governor.start()
        while not self._stop:
            now = time.monotonic()
            self._housekeeping(now)
            if self._holds:
                self._producer.poll(0.05)
                self._settle()
            else:
                self._send_due(now)
        self._finish()

    # --- sending -----------------------------------------------------------------------------------------------

    def _send_due(self, now: float) -> None:
        if self._producer.in_flight() >= MAX_IN_FLIGHT:
            self._brokers_full = True
            self._producer.poll(0.01)
            return
        if self._schedule is None:
            self._send_all([int((now + self._clock_offset_s) * 1e6)] * CHUNK)
            self._producer.poll(0.0)
            return
        due = self._schedule.take(now, CHUNK)
        if due:
            self._send_all([int((at + self._clock_offset_s) * 1e6) for at in due])
        behind = len(due) == CHUNK
        self._producer.poll(0.0 if behind else min(max(self._schedule.next_s - now, PACE_S), 0.02))

    def _send_all(self, intended: list[int]) -> None:
        """Send the next transactions, one for each intended time, µs since the epoch; waits where it is held back."""
        by_slot, keys, pack, number = self._by_slot, self._stream.keys, header.pack, self._number
        batch = self._stream.next_batch(len(intended))
        if len(by_slot) < len(keys):
            self._route_customers(len(by_slot))
        for intended_us, (slot, value) in zip(intended, batch, strict=True):
            route = by_slot[slot]
            sent = route.log
            sequence = sent.attempted
            if sequence >= route.credit and not self._await_credit(route):
                return
            sample = intended_us >= route.next_sample_us
            if sample:
                route.next_sample_us = intended_us + SAMPLE_US
            while not route.send(keys[slot], value, pack(number, sequence, intended_us), sample):
                self._brokers_full = True
                self._producer.poll(0.01)
            sent.attempted = sequence + 1
            route.sent_bytes += len(value)

    def _await_credit(self, route: Route) -> bool:
        """Wait until this partition takes messages again; False: asked to stop meanwhile."""
        while route.attempted >= route.credit:
            self._producer.poll(0.01)
            self._housekeeping(time.monotonic())
            if self._stop:
                return False
        return True

    # --- orders and reports --------------------------------------------------------------------------------------

    @property
    def _holds(self) -> bool:
        """Whether nothing is to be sent for now."""
        return self._order.paused or bool(self._readers.awaited)

    def _housekeeping(self, now: float) -> None:
        if now >= self._next_control_s:
            self._next_control_s = now + CONTROL_S
            order = self._control.poll()
            if order is not None:
                self._obey(order, now)
            if self._readers.awaited and not self._readers.look():
                self._put_off(now)
        self._reporter.report_due(now)
        self._container.report_due()

    def _obey(self, order: Order, now: float) -> None:
        log.info("obeying %s", order)
        if order.groups is not None and self._governor:
            self._governor.groups = order.groups
        before, self._order = self._order, order
        self._put_off(now)
        if order.rate != before.rate:
            if self._schedule and order.rate is not None:
                self._schedule.change_rate(order.rate, now)
            else:
                self._schedule = self._new_schedule()

    def _put_off(self, now: float) -> None:
        """Put what is due off by the time in which nothing was to be sent, and note whether that goes on."""
        if self._held_since is not None and self._schedule:
            self._schedule.shift(now - self._held_since)
        self._held_since = now if self._holds else None

    def _new_schedule(self) -> Schedule | None:
        if self._order.rate is None:
            return None
        seed = f"{self._settings.load.seed}/arrivals/{self._settings.name}/{self.incarnation}"
        return Schedule(Random(seed), self._order.rate, time.monotonic())

    def half(self, state: LoaderState) -> LoaderHalf:
        """This loader's half of the ledger, now."""
        now = time.monotonic()
        attempted = sum(route.attempted for route in self._routes)
        slip = self._slip(now)
        overdue = int(slip * self._order.rate) if slip and self._order.rate else 0
        return LoaderHalf(
            loader=self._settings.name,
            id=header.loader_id(self._number),
            incarnation=self.incarnation,
            time_s=time.time(),
            state=state,
            partitions={partition_key(r.partition): r.log.sent() for r in self._routes if r.attempted},
            offered=attempted + overdue,
            slip_s=slip,
            rate=self._order.rate,
            held_back=sum(route.attempted >= route.credit for route in self._routes),
            limited_by=self._limited_by(slip),
            ack_latency=self._latency.histogram(),
            paused=self._order.paused,
            waiting=bool(self._readers.awaited),
        )

    def _slip(self, now: float) -> float | None:
        if self._schedule is None:
            return None
        return 0.0 if self._holds else max(0.0, now - self._schedule.next_s)

    def _limited_by(self, slip_s: float | None) -> str:
        if self._order.paused:
            return ""
        if self._readers.awaited:
            return f"what does not read yet: {', '.join(self._readers.awaited)}"
        if self._governor and self._governor.slowest:
            return f"the slowest consumer group, {self._governor.slowest} (closed loop)"
        if self._brokers_full:
            return "the brokers: they do not acknowledge faster"
        if slip_s is None:
            return "this loader: it sends as fast as it can"
        return "this loader: it cannot keep up with its rate" if slip_s > LATE_S else ""

    def _settle(self) -> None:
        """Once nothing is in flight, all is acknowledged, the messages included that were not followed."""
        # Reports are in flight as well. Those of the ledger and of the container may for minutes be sent one right
        # after the other, so that looking only when one is due would find the other on its way each time.
        if not self._producer.in_flight():
            for route in self._routes:
                route.log.settled()

    def _half_to_report(self, state: LoaderState) -> LoaderHalf:
        self._settle()
        half = self.half(state)
        self._brokers_full = False
        return half

    def _finish(self) -> None:
        if self._governor:
            self._governor.stop()
        self._reporter.finish()
        self._readers.close()
        self._control.close()

    def _lay_out(self) -> list[Route]:
        """One route a partition: state by state, each from partition 0."""
        return [
            Route(self._producer, (transactions_topic(name), number), self._latency)
            for name in STATES
            for number in range(self._settings.partitions)
        ]

    def _route_customers(self, first: int) -> None:
        """Choose a route for each customer from this slot on."""
        partitions, stream = self._settings.partitions, self._stream
        new = zip(stream.states[first:], stream.key_crcs[first:], strict=True)
        self._by_slot += [self._routes[state * partitions + crc % partitions] for state, crc in new]


def identity(name: str, incarnation: int) -> str:
    """What a loader process' customers and arrivals derive from: a restarted one has other customers."""
    return name if incarnation == 0 else f"{name}#{incarnation}"


def customer_base(who: str) -> int:
    """The first of the `MAX_CUSTOMERS` customer ids that belong to an identity."""
    # A block of ids chosen by 31 bits of a hash: ids stay below 2^52, so exact in JSON, and 50 loaders collide once in
    # 1.7 million runs.
    block = int.from_bytes(blake2b(who.encode(), digest_size=4).digest(), "big") >> 1
    return block * MAX_CUSTOMERS


def petstore_spec(settings: Settings, incarnation: int) -> PetstoreSpec:
    """The loader's own pet store: stores and models from the run's seed, customers from its identity."""
    load, who = settings.load, identity(settings.name, incarnation)
    return PetstoreSpec(
        stores=load.stores,
        customers=load.customers,
        days=load.days,
        models=load.models,
        seed=load.seed,
        compat=load.compat,
        customer_base=customer_base(who),
        stream=who,
    )


def open_stream(settings: Settings, incarnation: int) -> Stream:
    """What the loader sends. Raises UsageError for a generator that cannot be loaded."""
    if settings.generator is None:
        return LoaderStream(petstore_spec(settings, incarnation))
    return GeneratorStream(settings.generator, load(settings.generator)(settings))


def next_incarnation(client: ClientSettings, name: str) -> int:
    """How many processes of this name have reported in this run: a killed one's sequences must not be used again."""
    reader = open_reader(client, {(LEDGER_TOPIC, 0): -1})
    try:
        position, end = reader.bounds((LEDGER_TOPIC, 0))
        newest = -1
        deadline = time.monotonic() + DRAIN_S
        while position < end:
            if time.monotonic() > deadline:
                raise KafkaError(
                    "reading the ledger", f"stuck at offset {position} of {end}", "see the brokers' logs"
                )
            for record in reader.poll(1000, 0.5).get((LEDGER_TOPIC, 0), ()):
                position = record.offset + 1
                half = decode(record.key, record.value)
                if isinstance(half, LoaderHalf) and half.loader == name:
                    newest = max(newest, half.incarnation)
        return newest + 1
    finally:
        reader.close()


def main(settings: Settings) -> None:
    """Run one loader until SIGTERM."""
    if settings.generator:
        load(settings.generator)  # what is wrong with it is said now rather than after the wait
    stop = StopSignal().install()
    if wait_for_topics(settings, stop):
        Loader(settings, stop).run()
