"""Shoppers: an open-loop client of the webapp.

N shoppers ask for N pages a second between them, on a seeded Poisson schedule. Whatever the shop does, the next visit
is due when it is due, and its latency counts from then: a shop that hangs for a second is a second late for everybody
who came in it.
"""

from __future__ import annotations

import http.client
import json
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from random import Random
from urllib.parse import urlsplit

from kapture_tui.model.errors import UsageError
from kapture_tui.model.histogram import Histogram
from kapture_tui.model.spec import Component
from kapture_tui.model.states import FIGURES_TOPIC
from kapture_tui.workload.consume import client_settings
from kapture_tui.workload.container import ContainerReporter
from kapture_tui.workload.figures import Figures, FiguresPublisher
from kapture_tui.workload.kafka import open_producer
from kapture_tui.workload.ledger import HistogramLog
from kapture_tui.workload.process import StopSignal
from kapture_tui.workload.schedule import Schedule
from kapture_tui.workload.settings import Settings
from kapture_tui.workload.waiting import TopicsLook, wait_for
from kapture_tui.workload.webapp.shop import ARTICLES, stores_by_state

log = logging.getLogger(__name__)

PAGES_PER_S = 1.0
"""What one shopper asks for on average, pages a second."""

SHARES: Mapping[str, float] = {"popular": 0.6, "product": 0.3, "order": 0.1}
"""What of it is which route."""

AT_ONCE = 64
"""Visits under way at the same time; one that is due beyond waits, and that counts as its latency."""

PATIENCE_S = 10.0
"""A visitor gives up so long after the visit was due, seconds; that is an error."""

PACE_S = 0.02
"""The longest the schedule waits before it looks round."""

CHUNK = 256
LEAVE_S = 5.0


@dataclass(frozen=True, slots=True)
class Visit:
    """One request.

    Attributes:
        route: "popular", "product" or "order".
        path: what is asked for.
        body: of an order, JSON; None: the page is read.
    """

    route: str
    path: str
    body: bytes | None = None


class Crowd:
    """Draws what shoppers do. The same random stream gives the same visits.

    Args:
        states: those of the shop's stores, each as often as it has stores.
        shoppers: how many there are; each shops in a state of its own.
    """

    def __init__(self, random: Random, states: list[str], shoppers: int) -> None:
        self._random = random
        self._homes = [random.choice(states) for _ in range(shoppers)]

    def visit(self) -> Visit:
        """The next one."""
        random = self._random
        (route,) = random.choices(list(SHARES), list(SHARES.values()))
        shopper = random.randrange(len(self._homes))
        state = self._homes[shopper]
        if route == "popular":
            return Visit(route, f"/states/{state}")
        product = random.randrange(len(ARTICLES))
        if route == "product":
            return Visit(route, f"/products/{product}?state={state}")
        order = {"state": state, "customer": shopper, "products": [product] * random.randint(1, 3)}
        return Visit(route, "/orders", json.dumps(order).encode())


class Counts:
    """What came of the visits, by route. May be used from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._total = dict.fromkeys(SHARES, 0)
        self._errors = dict.fromkeys(SHARES, 0)
        self._latency = {route: HistogramLog() for route in SHARES}

    def add(self, route: str, latency_us: int, error: bool) -> None:
        """Count a visit that is over."""
        with self._lock:
            self._total[route] += 1
            self._errors[route] += error
            self._latency[route].add_all((latency_us,))

    def figures(self, behind_s: float) -> Figures:
        """All of it, for the observer."""
        figures: dict[str, float | None] = {"behind_s": behind_s}
        histograms: dict[str, Histogram] = {}
        with self._lock:
            for route in SHARES:
                figures[f"routes.{route}.total"] = self._total[route]
                figures[f"routes.{route}.errors_total"] = self._errors[route]
                histograms[f"routes.{route}.latency"] = self._latency[route].histogram()
        return Figures(figures, histograms)


class Visitors:
    """Threads that make the visits.

    Args:
        address: "http://host:port" of the shop.
        ask: makes one request, for so many seconds at most; returns the status, raises OSError or HTTPException.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        address: str,
        counts: Counts,
        ask: Callable[[str, Visit, float], int] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._address = address
        self._counts = counts
        self._ask = ask or asked
        self._clock = clock
        self._due: deque[float] = deque()
        self._pool = ThreadPoolExecutor(AT_ONCE, "visitor")

    def send(self, due_s: float, visit: Visit) -> None:
        """Make a visit that is due now, or was a moment ago."""
        self._due.append(due_s)
        self._pool.submit(self._make, due_s, visit)

    @property
    def behind_s(self) -> float:
        """How long the oldest visit that is due has been waiting to begin, seconds."""
        try:
            return max(0.0, self._clock() - self._due[0])
        except IndexError:
            return 0.0

    def leave(self) -> None:
        """Begin no further visits, and end those under way."""
        self._pool.shutdown(cancel_futures=True)

    def _make(self, due_s: float, visit: Visit) -> None:
        self._due.popleft()  # they begin in the order they were sent
        left_s = due_s + PATIENCE_S - self._clock()
        failed = left_s <= 0 or not self._well_answered(visit, left_s)
        self._counts.add(visit.route, int((self._clock() - due_s) * 1e6), failed)

    def _well_answered(self, visit: Visit, timeout_s: float) -> bool:
        try:
            status = self._ask(self._address, visit, timeout_s)
        except (OSError, http.client.HTTPException) as exc:
            log.warning("visiting %s: %s", visit.route, exc)
            return False
        if status >= 400:
            log.warning("visiting %s: status %d", visit.route, status)
        return status < 400


def asked(address: str, visit: Visit, timeout_s: float) -> int:
    """Make a request on a connection of its own, as a visitor does who comes by; the status.

    Raises: OSError, HTTPException: there was no answer, or not one of HTTP.
    """
    parts = urlsplit(address)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=timeout_s)
    try:
        headers = {"Connection": "close"}
        if visit.body is not None:
            headers["Content-Type"] = "application/json"
        connection.request("GET" if visit.body is None else "POST", visit.path, visit.body, headers)
        response = connection.getresponse()
        response.read()
        return response.status
    finally:
        connection.close()


def missing(address: str) -> str:
    """Why the shop cannot be visited yet; "" if it can."""
    try:
        status = asked(address, Visit("ready", "/ready"), 2.0)
    except (OSError, http.client.HTTPException) as exc:
        return f"{address}: {exc}"
    return "" if status == 200 else f"{address}/ready: status {status}"


def run(settings: Settings, stop: StopSignal) -> None:
    """Visit until told to stop."""
    load = settings.load
    counts = Counts()
    visitors = Visitors(settings.webapp, counts)
    producer = open_producer(client_settings(settings))
    publisher = FiguresPublisher(producer, Component.WEBAPP.value, settings.name)
    container = ContainerReporter(settings, producer)
    states = [state for state, stores in stores_by_state(load).items() for _ in stores]
    crowd = Crowd(Random(f"{load.seed}/visits/{settings.name}"), states, load.shoppers)
    arrivals = Random(f"{load.seed}/visitors/{settings.name}")

    def told() -> Figures:
        return counts.figures(visitors.behind_s)

    settings.readiness.say()
    schedule = Schedule(arrivals, load.shoppers * PAGES_PER_S, time.monotonic())
    while not stop:
        for due_s in schedule.take(time.monotonic(), CHUNK):
            visitors.send(due_s, crowd.visit())
        publisher.publish_due(told)
        container.report_due()
        producer.poll(0.0)
        stop.wait(min(PACE_S, max(0.0, schedule.next_s - time.monotonic())))
    visitors.leave()
    publisher.end(told)
    producer.flush(LEAVE_S)


def main(settings: Settings) -> None:
    """Run until SIGTERM. Raises UsageError without a shop, Unreachable when it does not open in time."""
    if not settings.webapp:
        raise UsageError("visiting the shop", "KAPTURE_WEBAPP_ADDRESS is not set")
    stop = StopSignal().install()
    topics = TopicsLook(client_settings(settings), {FIGURES_TOPIC: 1})
    if not wait_for(FIGURES_TOPIC, topics.missing, stop, settings.patience_s):
        return
    topics.close()
    if wait_for("the shop", lambda: missing(settings.webapp), stop, settings.patience_s):
        run(settings, stop)
