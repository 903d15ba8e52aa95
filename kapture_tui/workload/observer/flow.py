"""From the ledger's halves to the flow panel: rates, latency, and what holds the loaders back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from kapture_tui.model.histogram import Histogram, merge
from kapture_tui.model.ledger import GroupHalf, LoaderHalf, LoaderId, LoaderState, PartitionKey
from kapture_tui.model.snapshot import FlowView, GroupFlow, Latency, LoaderRow
from kapture_tui.model.spec import Component
from kapture_tui.workload.rates import Meter, Window

LATENCY_S = 10.0
"""What the latencies on the screen are taken over, seconds."""

HELD_S = 10.0
"""Loaders that were held back within so many seconds run in a closed loop: they stop and go several times a second."""


def latency(histogram: Histogram) -> Latency:
    """The percentiles of a histogram, in milliseconds."""
    if not histogram.counts:
        return Latency()
    p50, p95, p99 = (histogram.percentile_us(percent) for percent in (50, 95, 99))
    return Latency(_ms(p50), _ms(p95), _ms(p99), _ms(histogram.max_us))


def _ms(microseconds: int | None) -> float | None:
    return None if microseconds is None else microseconds / 1000


class FlowHistory:
    """Halves over time. Call `add` once a tick, then read."""

    def __init__(self, groups: Sequence[str]) -> None:
        self._offered: dict[LoaderId, Meter] = {}
        self._acked: dict[LoaderId, Meter] = {}
        self._reported: dict[LoaderId, float] = {}
        self._groups = {group: _GroupHistory() for group in groups}
        self._ack: Window[Histogram] = Window(LATENCY_S)
        self._held_s: float | None = None
        self._loaders: Sequence[LoaderHalf] = ()
        self._now_s = 0.0

    def add(
        self,
        now_s: float,
        loaders: Sequence[LoaderHalf],
        groups: Mapping[str, Mapping[PartitionKey, GroupHalf]],
    ) -> None:
        """Take the halves as they are now; `now_s` is our clock."""
        self._now_s = now_s
        self._loaders = loaders
        for half in loaders:
            if self._reported.get(half.id) != half.time_s:
                self._reported[half.id] = half.time_s
                self._offered.setdefault(half.id, Meter()).add(now_s, half.time_s, half.offered)
                self._acked.setdefault(half.id, Meter()).add(now_s, half.time_s, half.acked)
        self._ack.add(now_s, merge(half.ack_latency for half in loaders))
        if any(half.held_back for half in self._live()):
            self._held_s = now_s
        for group, history in self._groups.items():
            history.add(now_s, groups.get(group, {}))

    def _live(self) -> list[LoaderHalf]:
        """The loaders that live. What the webapp sends depends on its visitors: it has neither pace nor schedule."""
        return [
            half
            for half in self._loaders
            if half.state is LoaderState.LIVE and half.component == Component.LOADER.value
        ]

    def view(self) -> FlowView:
        """The flow panel as of the last `add`."""
        live = self._live()
        groups = {name: history.view(self._now_s) for name, history in self._groups.items()}
        delivered = [group.delivered_per_s for group in groups.values()]
        return FlowView(
            offered_per_s=self._sum(self._offered),
            acked_per_s=self._sum(self._acked),
            delivered_per_s=_least(delivered),
            loader_slip_s=max((half.slip_s for half in live if half.slip_s is not None), default=None),
            mode=self._mode(live),
            limited_by=_limits(live),
            ack_latency_ms=_recent(self._ack),
            groups=groups,
        )

    def rows(self) -> tuple[LoaderRow, ...]:
        """One row a loader name, that of its latest process."""
        newest: dict[str, LoaderHalf] = {}
        for half in sorted(self._loaders, key=lambda half: half.incarnation):
            newest[half.loader] = half
        return tuple(self._row(newest[name]) for name in sorted(newest, key=_natural))

    def histograms(self) -> dict[str, Histogram]:
        """By group, the latency of the whole run."""
        return {name: history.whole for name, history in self._groups.items()}

    def _row(self, half: LoaderHalf) -> LoaderRow:
        return LoaderRow(
            name=half.loader,
            state=half.state.value,
            acked=half.acked,
            acked_per_s=self._rate(self._acked, half),
            rate=half.rate,
            slip_s=half.slip_s,
            held_back=half.held_back,
            limited_by=half.limited_by,
        )

    def _rate(self, meters: Mapping[LoaderId, Meter], half: LoaderHalf) -> float | None:
        if half.state is not LoaderState.LIVE:
            return 0.0
        return meters[half.id].per_s(self._now_s)

    def _sum(self, meters: Mapping[LoaderId, Meter]) -> float | None:
        """The sum over all loaders; None when there are none, or when one that lives is not known."""
        rates = [self._rate(meters, half) for half in self._loaders]
        known = [rate for rate in rates if rate is not None]
        return sum(known) if rates and len(known) == len(rates) else None

    def _mode(self, live: Sequence[LoaderHalf]) -> str | None:
        if not live:
            return None
        if all(half.paused for half in live):
            return "paused"
        if any(half.waiting for half in live):
            return "waiting"
        if self._held_s is not None and self._now_s - self._held_s <= HELD_S:
            return "closed loop"
        return "unbounded" if any(half.rate is None for half in live) else "open loop"


class _GroupHistory:
    def __init__(self) -> None:
        self._meters: dict[PartitionKey, Meter] = {}
        self._reported: dict[PartitionKey, float] = {}
        self._window: Window[Histogram] = Window(LATENCY_S)
        self.whole = Histogram()

    def add(self, now_s: float, parts: Mapping[PartitionKey, GroupHalf]) -> None:
        for key, half in parts.items():
            if self._reported.get(key) != half.time_s:
                self._reported[key] = half.time_s
                self._meters.setdefault(key, Meter()).add(now_s, half.time_s, _delivered(half))
        self.whole = merge(half.latency for half in parts.values())
        self._window.add(now_s, self.whole)

    def view(self, now_s: float) -> GroupFlow:
        # A partition that nobody reports on has had nothing stored: whoever stores something says so within a second.
        rates = [meter.per_s(now_s, silent=0.0) for meter in self._meters.values()]
        known = [rate for rate in rates if rate is not None]
        return GroupFlow(
            latency_ms=_recent(self._window),
            latency_run_ms=latency(self.whole),
            latency_run=self.whole,
            delivered_per_s=sum(known) if known else None,
        )


def _delivered(half: GroupHalf) -> int:
    holes = sum(stop - start for read in half.loaders.values() for start, stop in read.holes)
    return sum(read.end for read in half.loaders.values()) - holes


def _recent(window: Window[Histogram]) -> Latency:
    span = window.span()
    return Latency() if span is None else latency(span[2].since(span[1]))


def _least(rates: Iterable[float | None]) -> float | None:
    known = list(rates)
    return None if None in known else min((rate for rate in known if rate is not None), default=None)


def _limits(live: Sequence[LoaderHalf]) -> str:
    """What most of the loaders say that hold something back."""
    said = Counter(half.limited_by for half in live if half.limited_by)
    if not said:
        return ""
    text, count = said.most_common(1)[0]
    return text if count == len(live) else f"{text} ({count} of {len(live)} loaders)"


def _natural(name: str) -> tuple[str, int]:
    """data-loader-2 before data-loader-10."""
    stem, _, number = name.rpartition("-")
    return (stem, int(number)) if number.isdecimal() else (name, -1)
