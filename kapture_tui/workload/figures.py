"""Figures of a workload process' own, for the observer: through the compacted topic `kapture.figures`, once a second.

What a figure means is in its name, so that the observer can add up the processes of a part without knowing them:

- "orders_total" is a counter that only rises; it stays, as the sum over the run, and becomes "orders_per_s" as well.
- a histogram "latency" becomes "latency_ms", the percentiles of all processes' values lately, and "latency_run_ms".
- any other figure is a level; of several processes that live the highest counts.

Dots nest: "routes.product.total" becomes {"routes": {"product": {"per_s": …}}}.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from kapture_tui.model.histogram import Histogram
from kapture_tui.model.states import FIGURES_TOPIC
from kapture_tui.model.wire import WireError, from_wire, to_wire
from kapture_tui.workload.fastjson import dumps, loads
from kapture_tui.workload.kafka import Producer

REPORT_S = 1.0


@dataclass(frozen=True, slots=True)
class Figures:
    """What one process knows of itself.

    Attributes:
        figures: by name; None for what it does not know.
        histograms: by name, latencies of the whole life of the process.
        unavailable: for each figure that is None, the reason.
    """

    figures: Mapping[str, float | None]
    histograms: Mapping[str, Histogram] = field(default_factory=dict)
    unavailable: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FiguresReport:
    """One record of the topic.

    Attributes:
        part: what the process belongs to, as the Snapshot names it ("webapp").
        name: of the pod or process.
        since_s: when the process began to count, seconds since the epoch: another one of the same name begins anew.
        time_s: when this was told, seconds since the epoch by the process' own clock.
        ended: the process has ended in order; nothing more will come.
    """

    part: str
    name: str
    since_s: float
    time_s: float
    figures: Mapping[str, float | None]
    histograms: Mapping[str, Histogram] = field(default_factory=dict)
    unavailable: Mapping[str, str] = field(default_factory=dict)
    ended: bool = False


def key_of(part: str, name: str) -> bytes:
    """The record key of a process; a later record of the same key replaces it."""
    return f"{part}/{name}".encode()


def decode(value: bytes | None) -> FiguresReport | None:
    """The report in a record; None if it is none."""
    if not value:
        return None
    try:
        return from_wire(FiguresReport, loads(value))
    except (WireError, ValueError):
        return None


class FiguresPublisher:
    """Tells the observer the figures of one process.

    Args:
        producer: sends the records; nobody else may use it from another thread.
        part, name: see `FiguresReport`.
    """

    def __init__(
        self,
        producer: Producer,
        part: str,
        name: str,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._send = producer.lane(FIGURES_TOPIC, 0, None)
        self._key = key_of(part, name)
        self._part, self._name = part, name
        self._clock, self._wall = clock, wall
        self._since_s = wall()
        self._next_s = clock()

    def publish_due(self, figures: Callable[[], Figures]) -> None:
        """Publish if a second is over. Does not wait: whoever owns the producer polls it."""
        now_s = self._clock()
        if now_s < self._next_s:
            return
        self._next_s = now_s + REPORT_S
        self._publish(figures(), ended=False)

    def end(self, figures: Callable[[], Figures]) -> None:
        """Publish for the last time: the process ends. Whoever owns the producer flushes it."""
        self._publish(figures(), ended=True)

    def _publish(self, told: Figures, ended: bool) -> None:
        report = FiguresReport(
            self._part,
            self._name,
            self._since_s,
            self._wall(),
            told.figures,
            told.histograms,
            told.unavailable,
            ended,
        )
        self._send(self._key, dumps(to_wire(report)), None)
