"""The spout: brings orders from a database back to Kafka, rolled up per store, as restocks.

At least once. The source remembers which orders are at work until all their restocks are acknowledged; a spout that was
killed meanwhile sends exactly these again, under the same sequence numbers. So the ledger tells them as duplicates, and
whoever keeps a ledger half, as the ETL does, lets none of them take effect twice.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

from kapture_tui.model.errors import UsageError
from kapture_tui.model.ledger import LoaderHalf, LoaderState
from kapture_tui.model.spec import SINK_PREFIX, Component, spout_source
from kapture_tui.model.states import restock_topic
from kapture_tui.workload import header
from kapture_tui.workload.consume import BACKOFF_S, client_settings
from kapture_tui.workload.container import ContainerReporter
from kapture_tui.workload.figures import Figures, FiguresPublisher
from kapture_tui.workload.kafka import Lane, Producer, open_producer
from kapture_tui.workload.ledger import HistogramLog, SentLog, partition_key
from kapture_tui.workload.loader import next_incarnation
from kapture_tui.workload.process import StopSignal
from kapture_tui.workload.reporting import HalfReporter
from kapture_tui.workload.restock import Restock, encode
from kapture_tui.workload.settings import Settings
from kapture_tui.workload.sinks.base import SinkUnavailable
from kapture_tui.workload.topics import wait_for_topics
from kapture_tui.workload.waiting import wait_for

log = logging.getLogger(__name__)

NAME = Component.SPOUT.value
"""Under which it reports, whatever its process is called: there is one, and it goes on where the last one ended."""

PERIOD_S = 1.0
"""How often it looks for new orders."""

WAIT_S = 0.1


@dataclass(frozen=True, slots=True)
class Books:
    """What a source remembers of the restocks that were acknowledged. They live and die with its orders.

    Attributes:
        incarnation: of the books: another database, other books, other sequences.
        orders: in all restocks so far.
        sequences: by state, the next sequence; states nothing was sent to are left out.
    """

    incarnation: int
    orders: int = 0
    sequences: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Rollup:
    """Orders that are at work.

    Attributes:
        orders: how many, those that name no store included.
        oldest_us: intended send time of the oldest one, or when it was taken where the database does not keep that,
            microseconds since the epoch; None without any.
        restocks: of all their stores, always in the same order.
        more: there are further orders already.
    """

    orders: int
    oldest_us: int | None
    restocks: tuple[Restock, ...]
    more: bool = False


class Source(Protocol):
    """A database to bring orders back from. Every call may raise SinkUnavailable; then the books are read anew."""

    def books(self) -> Books | None:
        """What is remembered; None: nothing yet."""
        ...

    def begin(self, incarnation: int) -> Books:
        """Begin books, unless somebody has meanwhile; those there are now."""
        ...

    def next(self) -> Rollup | None:
        """The orders at work: those of a predecessor that was interrupted, else new ones; None: there are none.

        Until `settle` it is the same rollup each time, whoever asks.
        """
        ...

    def settle(self, books: Books) -> None:
        """The restocks of `next` are acknowledged: remember these books, and be done with their orders."""
        ...

    def close(self) -> None:
        """Let go of the connections."""
        ...


class Spout:
    """One process of it.

    Args:
        source: where the orders are.
        producer: one that never gives a message up.
        incarnation: of books that must be begun, should the source have none.
    """

    def __init__(
        self, settings: Settings, source: Source, producer: Producer, stop: StopSignal, incarnation: int
    ) -> None:
        self._settings = settings
        self._source = source
        self._producer = producer
        self._stop = stop
        self._incarnation = incarnation
        self._books: Books | None = None
        self._number = 0
        self._logs: dict[str, SentLog] = {}
        self._latency = HistogramLog()
        self._lanes: dict[str, Lane] = {}
        self._reporter = HalfReporter(producer, lambda _state: self._half())
        self._figures = FiguresPublisher(producer, NAME, settings.name)
        self._container = ContainerReporter(settings, producer)
        self._restocks = self._orders = 0
        self._behind_s: float | None = None
        self._trouble = "it has only just started"

    def run(self) -> None:
        """Bring back what there is, until told to stop."""
        tries = 0
        self._settings.readiness.say()
        while not self._stop:
            due_s = time.monotonic() + PERIOD_S
            try:
                more = self._bring_back()
                tries = 0
            except SinkUnavailable as exc:
                log.warning("%s", exc)
                self._books, self._behind_s, self._trouble = None, None, str(exc)
                due_s, more = time.monotonic() + BACKOFF_S[min(tries, len(BACKOFF_S) - 1)], False
                tries += 1
            while not more and not self._stop and time.monotonic() < due_s:
                self._housekeeping()
        self._finish()

    def _bring_back(self) -> bool:
        """One rollup; whether the next one should follow at once."""
        if self._books is None:
            self._open()
        rollup = self._source.next()
        if rollup is None:
            self._behind_s = 0.0
            return False
        self._behind_s = _age_s(rollup.oldest_us)
        settled = self._send(rollup)
        while self._producer.in_flight():
            self._housekeeping()
            if self._stop:
                return False  # not settled: whoever comes next sends them again
        self._source.settle(settled)
        self._books = settled
        for sent in self._logs.values():
            sent.settled()
        self._orders += rollup.orders
        self._restocks += len(rollup.restocks)
        return rollup.more

    def _open(self) -> None:
        books = self._source.books() or self._source.begin(self._incarnation)
        number = header.loader_number(self._settings.run_id, NAME, books.incarnation)
        if number != self._number:
            self._number, self._logs = number, {}
            self._reporter = HalfReporter(self._producer, lambda _state: self._half())
            # Should these books be lost as well, the next ones must have another number.
            self._incarnation = books.incarnation + 1
        for state, sequence in books.sequences.items():
            sent = self._logs.setdefault(state, SentLog())
            sent.attempted = max(sent.attempted, sequence)
        if not self._producer.in_flight():
            for sent in self._logs.values():
                sent.settled()
        self._books = books
        self._reporter.say_hello(self._stop)

    def _send(self, rollup: Rollup) -> Books:
        """Hand all restocks to the producer; the books as they are once they are acknowledged."""
        assert self._books is not None
        sequences = dict(self._books.sequences)
        now_us = time.time_ns() // 1000
        for restock in rollup.restocks:
            sequence = sequences.get(restock.state, 0)
            packed = header.pack(self._number, sequence, now_us)
            send = self._lane(restock.state)
            while not send(str(restock.store).encode(), encode(restock, sequence), packed):
                self._producer.poll(WAIT_S)
            sequences[restock.state] = sequence + 1
            sent = self._logs.setdefault(restock.state, SentLog())
            sent.attempted = max(sent.attempted, sequence + 1)
        return replace(self._books, orders=self._books.orders + rollup.orders, sequences=sequences)

    def _lane(self, state: str) -> Lane:
        if state not in self._lanes:
            self._lanes[state] = self._producer.lane(restock_topic(state), 0, self._delivered)
        return self._lanes[state]

    def _delivered(self, acknowledged: bool, _offset: int, packed: bytes | None) -> None:
        if acknowledged:
            intended_us = header.unpack(packed or b"")[2]
            self._latency.add_all((time.time_ns() // 1000 - intended_us,))

    def _half(self) -> LoaderHalf:
        # Always LIVE: the sequences go on with the next process, so no report is ever the last one.
        return LoaderHalf(
            loader=NAME,
            id=header.loader_id(self._number),
            incarnation=self._books.incarnation if self._books else self._incarnation - 1,
            time_s=time.time(),
            state=LoaderState.LIVE,
            partitions={
                partition_key((restock_topic(state), 0)): log.sent() for state, log in self._logs.items()
            },
            offered=self._books.orders if self._books else 0,
            slip_s=self._behind_s,
            ack_latency=self._latency.histogram(),
            component=NAME,
        )

    def _told(self) -> Figures:
        behind_s = self._behind_s
        reasons = {} if behind_s is not None else {"behind_s": self._trouble}
        totals: dict[str, float | None] = {"orders_total": self._orders, "restocks_total": self._restocks}
        return Figures(totals | {"behind_s": behind_s}, unavailable=reasons)

    def _housekeeping(self) -> None:
        if self._books is not None:
            self._reporter.report_due(time.monotonic())
        self._figures.publish_due(self._told)
        self._container.report_due()
        self._producer.poll(WAIT_S)

    def _finish(self) -> None:
        if self._books is not None:
            self._reporter.report(LoaderState.LIVE)
        self._figures.end(self._told)
        self._producer.flush(10.0)
        self._source.close()


def _age_s(intended_us: int | None) -> float:
    return 0.0 if intended_us is None else max(0.0, time.time() - intended_us / 1e6)


def open_source(settings: Settings) -> Source:
    """The source that this stack has. Raises UsageError: none, or its URL is not told."""
    group = spout_source(settings.groups)
    name = (group or "").removeprefix(SINK_PREFIX)
    if name not in settings.urls:
        raise UsageError("starting the spout", "there is no database to bring orders back from")
    # One client each, of which the other's pods may have none.
    if name == Component.MONGO.value:
        from kapture_tui.workload.sinks.mongo_spout import MongoSource

        return MongoSource(settings.urls[name])
    from kapture_tui.workload.sinks.postgres_spout import PostgresSource

    return PostgresSource(settings.urls[name])


def main(settings: Settings) -> None:
    """Run the spout until SIGTERM."""
    source = open_source(settings)
    stop = StopSignal().install()
    there = wait_for_topics(settings, stop)
    if there and wait_for("the orders", lambda: _unready(source), stop, settings.patience_s):
        client = client_settings(settings)
        producer = open_producer(replace(client, message_timeout_s=None))
        Spout(settings, source, producer, stop, next_incarnation(client, NAME)).run()


def _unready(source: Source) -> str:
    source.books()  # what it raises says what is missing
    return ""
