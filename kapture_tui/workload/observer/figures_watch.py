"""What processes tell of themselves on `kapture.figures`, added up by part of the stack."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from kapture_tui.model.histogram import Histogram, merge
from kapture_tui.model.snapshot import ContainerUsage
from kapture_tui.model.states import FIGURES_TOPIC
from kapture_tui.model.wire import to_wire
from kapture_tui.workload.container import CPU, DISK, NETWORK, PART, PERIODS, THROTTLED, counters
from kapture_tui.workload.figures import Figures, FiguresReport, decode
from kapture_tui.workload.kafka import ClientSettings, Reader, TopicPartition, open_reader
from kapture_tui.workload.observer.flow import LATENCY_S, latency
from kapture_tui.workload.rates import RATE_S, Window
from kapture_tui.workload.settings import Settings
from kapture_tui.workload.sinks.base import Statistics
from kapture_tui.workload.waiting import NotThereYet, TopicsLook

FIGURES: TopicPartition = (FIGURES_TOPIC, 0)

PARTS = ("webapp", "spout")
"""Parts of the report that come from the processes themselves."""

SILENT_S = 5.0
"""A process that has told nothing for so long, and has not said that it ends, is taken for dead, seconds."""

SILENT = f"no process has told its figures for {SILENT_S:.0f} s: see whether one runs"

FIRST = "told only once so far"
"""Why there is no rate yet."""

ENDED = "its processes have ended"
"""Why there is no level any more."""

READ_S = 0.5
"""How long a tick reads at most, seconds."""

POLL_RECORDS = 500


@dataclass(frozen=True, slots=True)
class Told:
    """What processes tell of themselves.

    Attributes:
        parts: by part, of all its processes together; those nobody speaks for are left out.
        containers: by pod, of those that live and are alone in their container.
    """

    parts: Mapping[str, Statistics] = field(default_factory=dict)
    containers: Mapping[str, ContainerUsage] = field(default_factory=dict)


class FiguresWatch:
    """Looks at the topic once a call. Connects at the first one; the client reconnects by itself.

    Reads from the end on: everybody who lives tells all of it again within a second. What ended before is not known.
    """

    def __init__(
        self,
        settings: ClientSettings,
        clock: Callable[[], float] = time.monotonic,
        awaited: TopicsLook | None = None,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._awaited = awaited
        self._reader: Reader | None = None
        self._position: int | None = None
        self._book = FiguresBook()

    def look(self) -> Told:
        """What processes tell. Raises KafkaError."""
        self._await_topic()
        reader = self._reader = self._reader or open_reader(self._settings, {})
        end = reader.bounds(FIGURES)[1]
        if self._position is None or self._position > end:  # the first look, or a topic that began anew
            self._position = end
            reader.assign({FIGURES: end})
        until_s = self._clock() + READ_S
        while self._position < end and self._clock() < until_s:
            for record in reader.poll(min(POLL_RECORDS, end - self._position), 0.1).get(FIGURES, ()):
                self._position = record.offset + 1
                self._book.add(record.key, record.value, self._clock())
        now_s = self._clock()
        return Told(self._book.parts(now_s), self._book.containers(now_s))

    def close(self) -> None:
        """Let go of the connections."""
        if self._reader:
            self._reader.close()

    def _await_topic(self) -> None:
        if self._awaited is None:
            return
        if missing := self._awaited.missing():
            raise NotThereYet(f"waiting for {FIGURES_TOPIC}", missing)
        self._awaited.close()
        self._awaited = None


def parts_of(told: Told | None, why: str) -> dict[str, tuple[Statistics | None, str]]:
    """Each of `PARTS`, or None and the reason. Args: told, why: as a `Source` of a `FiguresWatch` answers."""
    return {part: (None, why) if told is None else (told.parts.get(part), SILENT) for part in PARTS}


class FiguresBook:
    """The processes heard of. `heard_s` and `now_s` are our clock; rates and latencies go by the processes' own."""

    def __init__(self) -> None:
        self._processes: dict[tuple[bytes, float], _Process] = {}

    def add(self, key: bytes | None, value: bytes | None, heard_s: float) -> None:
        """Take a record; one that is no report is passed over."""
        report = decode(value)
        if key is None or report is None:
            return
        known = self._processes.get((key, report.since_s))
        if known is None:
            known = self._processes[key, report.since_s] = _Process()
        known.add(report, heard_s)

    def containers(self, now_s: float) -> dict[str, ContainerUsage]:
        """By pod, what its container uses; of those that live."""
        live = (process for process in self._processes.values() if process.lives(now_s))
        return {process.newest.name: _container(process) for process in live if process.newest.part == PART}

    def parts(self, now_s: float) -> dict[str, Statistics]:
        """By part, the figures of its processes together; without one that lives or has ended in order, none."""
        by_part: dict[str, list[_Process]] = defaultdict(list)
        for process in self._processes.values():
            by_part[process.newest.part].append(process)
        return {
            part: _together(processes, now_s)
            for part, processes in by_part.items()
            if any(process.lives(now_s) or process.newest.ended for process in processes)
        }


def _container(process: _Process) -> ContainerUsage:
    periods, throttled = process.rate(PERIODS), process.rate(THROTTLED)
    told = process.newest.figures
    return ContainerUsage(
        network_bytes_per_s=process.rate(NETWORK) if told.get(NETWORK) is not None else None,
        disk_bytes_per_s=process.rate(DISK) if told.get(DISK) is not None else None,
        # Without a limit no period is counted, and there is nothing to be held back by.
        throttled_ratio=throttled / periods if throttled is not None and periods else None,
        cpu_cores=process.rate(CPU) if told.get(CPU) is not None else None,
    )


class _Process:
    """What one process told lately, and last of all."""

    __slots__ = ("_heard_s", "_long", "_short")

    def __init__(self) -> None:
        self._heard_s = 0.0
        self._short: Window[FiguresReport] = Window(RATE_S)
        self._long: Window[FiguresReport] = Window(LATENCY_S)

    def add(self, report: FiguresReport, heard_s: float) -> None:
        """Take a report; one that is not newer than the last one adds nothing."""
        self._heard_s = heard_s
        if not self._short or report.time_s > self._short.newest().time_s:
            self._short.add(report.time_s, report)
            self._long.add(report.time_s, report)

    @property
    def newest(self) -> FiguresReport:
        """What it told last."""
        return self._short.newest()

    def lives(self, now_s: float) -> bool:
        """Whether it runs and tells."""
        return not self.newest.ended and now_s - self._heard_s <= SILENT_S

    def total(self, counter: str) -> float:
        """A counter as it was told last; 0 if it was not."""
        return self.newest.figures.get(counter) or 0.0

    def rate(self, counter: str) -> float | None:
        """A counter's rate a second; None until it was told twice."""
        span = self._short.span()
        if span is None:
            return None
        seconds, before, after = span
        return ((after.figures.get(counter) or 0.0) - (before.figures.get(counter) or 0.0)) / seconds

    def recent(self, name: str) -> Histogram:
        """What was added to a histogram lately; nothing until it was told twice."""
        span = self._long.span()
        if span is None or name not in span[2].histograms:
            return Histogram()
        return span[2].histograms[name].since(span[1].histograms.get(name, Histogram()))

    def whole(self, name: str) -> Histogram:
        """A histogram as it was told last."""
        return self.newest.histograms.get(name, Histogram())


def _together(processes: list[_Process], now_s: float) -> Statistics:
    """The figures of the processes of one part, as the names of `kapture_tui.workload.figures` want it."""
    live = [process for process in processes if process.lives(now_s)]
    found: dict[str, Any] = {}
    unavailable: dict[str, str] = {}
    for name in _names(process.newest.figures for process in processes):
        shown, reason = name, FIRST
        if name.endswith("total"):
            shown = name.removesuffix("total") + "per_s"
            found[shown] = _sum(process.rate(name) for process in live) if live else 0.0
            found[name] = int(sum(process.total(name) for process in processes))
        else:
            found[shown], reason = _level([process.newest for process in live], name)
        if found[shown] is None:
            unavailable[shown] = reason
    for name in _names(process.newest.histograms for process in processes):
        found[f"{name}_ms"] = to_wire(latency(merge(process.recent(name) for process in live)))
        found[f"{name}_run_ms"] = to_wire(latency(merge(process.whole(name) for process in processes)))
    return Statistics(_nested(found), unavailable=unavailable)


def _level(live: list[FiguresReport], name: str) -> tuple[float | None, str]:
    """(the highest of what those who live tell, why there is none)."""
    reasons = [report.unavailable[name] for report in live if name in report.unavailable]
    why = (reasons or ["the processes do not know it"])[0] if live else ENDED
    return max((v for report in live if (v := report.figures.get(name)) is not None), default=None), why


def _names(told: Iterable[Mapping[str, object]]) -> list[str]:
    """All names, in the order they are told."""
    return list(dict.fromkeys(name for mapping in told for name in mapping))


def _sum(values: Iterable[float | None]) -> float | None:
    """The sum of what is known: a process that has just begun counts from its second report on."""
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def _nested(flat: Mapping[str, Any]) -> dict[str, Any]:
    nested: dict[str, Any] = {}
    for path, value in flat.items():
        *folders, name = path.split(".")
        at = nested
        for folder in folders:
            at = at.setdefault(folder, {})
        at[name] = value
    return nested


class OwnContainer:
    """What the observer's own container uses. It needs no topic to tell itself."""

    def __init__(
        self,
        settings: Settings,
        clock: Callable[[], float] = time.monotonic,
        read: Callable[[], Figures] = counters,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._read = read
        self._process = _Process()

    def __call__(self) -> dict[str, ContainerUsage]:
        """By its name; nothing where it is not alone."""
        if not self._settings.contained:
            return {}
        now_s, name = self._clock(), self._settings.name
        self._process.add(FiguresReport(PART, name, 0.0, now_s, self._read().figures), now_s)
        return {name: _container(self._process)}
