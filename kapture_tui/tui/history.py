"""The last two minutes of the figures that have a sparkline."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from kapture_tui.model.snapshot import FlowView, KafkaView, PodRow, Snapshot
from kapture_tui.tui import databases
from kapture_tui.tui.lateness import slowest
from kapture_tui.tui.podgroups import groups

if TYPE_CHECKING:  # the first screen needs none of what measures
    from kapture_tui.bench.ghost import Ghost

WINDOW = 120
"""Ticks that bars cover, or a few more where their number does not divide it; a tick is a second."""

_KEPT = 2 * WINDOW

THEN = "then"
"""The kind of figures that an earlier run had."""


class History:
    """What a figure was, tick by tick. Feed it every snapshot, shown or not.

    Keys are pairs such as ("cpu", "etl"), ("rate", "offered"), ("rate", "etl"), ("database", "redis"), ("lag", "MA"),
    and ("then", "offered") for what an earlier run was at the same second of its life.

    Attributes:
        ghost: that run; None: there is none.
    """

    def __init__(self) -> None:
        self.ghost: Ghost | None = None
        self._elapsed: deque[tuple[int, float]] = deque(maxlen=_KEPT)
        self._ticks = 0
        self._series: dict[tuple[str, str], deque[tuple[int, float]]] = {}

    def feed(self, snapshot: Snapshot) -> None:
        """Add one tick. A figure that is None leaves a gap; a series without any for four minutes is forgotten."""
        self._ticks += 1
        for key, value in _figures(snapshot):
            if value is not None:
                self._series.setdefault(key, deque()).append((self._ticks, value))
        if snapshot.run.elapsed_s is not None:
            self._elapsed.append((self._ticks, snapshot.run.elapsed_s))
            self._haunt(self._ticks, snapshot.run.elapsed_s)
        for key in list(self._series):
            self._forget(key)

    def race(self, ghost: Ghost | None) -> None:
        """Have an earlier run beside this one, for what has been fed already as well; None: no more."""
        self.ghost = ghost
        for key in [key for key in self._series if key[0] == THEN]:
            del self._series[key]
        for tick, elapsed_s in self._elapsed:
            self._haunt(tick, elapsed_s)

    def _haunt(self, tick: int, elapsed_s: float) -> None:
        """Add what the ghost was at a second."""
        if self.ghost is None:
            return
        for name in self.ghost.figures:
            if (value := self.ghost.at(name, elapsed_s)) is not None:
                self._series.setdefault((THEN, name), deque()).append((tick, value))

    def newest(self, kind: str, name: str) -> float | None:
        """Return what a figure was at the last tick; None: it was not measured then."""
        series = self._series.get((kind, name))
        return series[-1][1] if series and series[-1][0] == self._ticks else None

    def _forget(self, key: tuple[str, str]) -> None:
        series = self._series[key]
        while series and series[0][0] <= self._ticks - _KEPT:
            series.popleft()
        if not series:
            del self._series[key]

    def bars(self, kind: str, name: str, columns: int) -> list[float | None]:
        """Return `columns` means (up to 120) over the last two minutes, the newest last; None: nothing was measured.

        Columns begin at fixed ticks, so that from one tick to the next only the last one changes, until all of them
        move on by one.
        """
        if columns <= 0:
            return []
        span = max(1, -(-WINDOW // columns))
        newest = self._ticks // span
        sums: dict[int, tuple[float, int]] = {}
        for tick, value in self._series.get((kind, name), ()):
            total, number = sums.get(tick // span, (0.0, 0))
            sums[tick // span] = (total + value, number + 1)
        means = {column: total / number for column, (total, number) in sums.items()}
        return [means.get(column) for column in range(newest - columns + 1, newest + 1)]


def _figures(snapshot: Snapshot) -> Iterator[tuple[tuple[str, str], float | None]]:
    yield from _usage(snapshot.pods)
    if snapshot.flow is not None:
        yield from _rates(snapshot.flow)
    if snapshot.kafka is not None:
        yield from _states(snapshot.kafka)
    for name in databases.names(snapshot):
        yield ("database", name), databases.lead(snapshot, name)


def _states(kafka: KafkaView) -> Iterator[tuple[tuple[str, str], float | None]]:
    for state, topic in kafka.states.items():
        slow = slowest(topic)
        yield ("in", state), topic.in_per_s
        yield ("lag", state), slow.lag if slow else None


def _usage(pods: Sequence[PodRow]) -> Iterator[tuple[tuple[str, str], float | None]]:
    for own in groups(pods):
        yield ("cpu", own.name), own.cpu_cores
        yield ("memory", own.name), own.memory_bytes


def _rates(flow: FlowView) -> Iterator[tuple[tuple[str, str], float | None]]:
    yield ("rate", "offered"), flow.offered_per_s
    yield ("rate", "acked"), flow.acked_per_s
    for group, figures in flow.groups.items():
        yield ("rate", group), figures.delivered_per_s
