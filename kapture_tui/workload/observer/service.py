"""The observer as a process: a tick a second, each source in its own thread, a report after each tick."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from kapture_tui.model.snapshot import ContainerUsage
from kapture_tui.model.states import FIGURES_TOPIC
from kapture_tui.workload.consume import client_settings
from kapture_tui.workload.control import Order, send
from kapture_tui.workload.kafka import ClientSettings, KafkaError
from kapture_tui.workload.observer.figures_watch import PARTS, FiguresWatch, OwnContainer, Told, parts_of
from kapture_tui.workload.observer.kafka_watch import KafkaPart, KafkaWatch
from kapture_tui.workload.observer.report import Published, assemble
from kapture_tui.workload.observer.serve import ReportServer
from kapture_tui.workload.observer.source import Source
from kapture_tui.workload.process import StopSignal
from kapture_tui.workload.rates import next_tick
from kapture_tui.workload.settings import Settings
from kapture_tui.workload.sinks import Statistics, open_database
from kapture_tui.workload.topics import least_partitions
from kapture_tui.workload.waiting import TopicsLook, knock

TICK_S = 1.0

PATIENCE_S = 0.8
"""How long a tick waits for its sources; one that takes longer is in the report of a later tick."""

STARTING = "the observer has only just started"


class Observer:
    """Asks the sources, publishes reports.

    Args:
        kafka: the source for everything from Kafka.
        databases: the source for each database of the stack, by name.
        figures: the source for what processes tell of themselves.
        publish: takes each report.
        own: what its own container uses, by its name.
        clock: monotonic seconds.
        wall: seconds since the epoch.
    """

    def __init__(
        self,
        kafka: Source[KafkaPart],
        databases: Mapping[str, Source[Statistics]],
        figures: Source[Told],
        publish: Callable[[Published], None],
        own: Callable[[], Mapping[str, ContainerUsage]] = dict,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._kafka = kafka
        self._databases = databases
        self._figures = figures
        self._publish = publish
        self._own = own
        self._clock = clock
        self._wall = wall
        self._seq = 0

    def tick(self) -> None:
        """One report, in less than a second whatever the sources do."""
        started_s = self._clock()
        sources: tuple[Source[Any], ...] = (self._kafka, self._figures, *self._databases.values())
        for source in sources:
            source.ask()
        for source in sources:
            source.wait(started_s + PATIENCE_S - self._clock())
        self._seq += 1
        kafka = self._kafka.answer()
        databases = {name: source.answer() for name, source in self._databases.items()}
        told, why = self._figures.answer()
        parts = parts_of(told, why)
        containers = {**(told.containers if told else {}), **self._own()}
        part = kafka[0]
        self._publish(
            Published(
                assemble(self._wall(), self._seq, kafka, databases | parts, containers),
                part.histograms if part else {},
                {"kafka": part is not None}
                | {name: found is not None for name, (found, _) in databases.items()},
                self._clock() - started_s,
            )
        )

    def run(self, stop: StopSignal) -> None:
        """Tick once a second until told to stop; a tick that was missed is skipped."""
        due_s = self._clock()
        while not stop.wait(max(0.0, due_s - self._clock())):
            self.tick()
            due_s = next_tick(due_s, self._clock(), TICK_S)


def _giver(client: ClientSettings) -> Callable[[Order], None]:
    """What passes orders on, one at a time. It raises KafkaError when the brokers do not take one."""
    one_at_a_time = threading.Lock()

    def give(order: Order) -> None:
        with one_at_a_time:
            if refusal := knock(client.bootstrap):  # found out sooner than by trying for ten seconds
                raise KafkaError("sending an order to the loaders", refusal, "see whether the brokers run")
            send(client, order)

    return give


def run(settings: Settings, stop: StopSignal) -> None:
    """Observe and serve until told to stop.

    Raises: Unreachable: the address cannot be listened on.
    """
    parts = dict.fromkeys((*settings.urls, *PARTS), (None, STARTING))
    starting = assemble(time.time(), 0, (None, STARTING), parts)
    client = client_settings(settings)
    server = ReportServer(settings.host, settings.port, Published(starting), give=_giver(client))
    awaited = TopicsLook(client, least_partitions(settings))
    watch = KafkaWatch(client, settings.groups, settings.partitions, awaited=awaited)
    kafka = Source("Kafka", watch.look)
    databases = {
        name: Source(name, open_database(name, url).statistics) for name, url in settings.urls.items()
    }
    figures = Source("Kafka", FiguresWatch(client, awaited=TopicsLook(client, {FIGURES_TOPIC: 1})).look)
    settings.readiness.say(port=server.port)
    Observer(kafka, databases, figures, server.publish, OwnContainer(settings)).run(stop)
    sources: tuple[Source[Any], ...] = (kafka, figures, *databases.values())
    for source in sources:
        source.close()
    server.close()
