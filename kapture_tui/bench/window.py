"""From the Snapshots of a trial to its result. Pure: the trial is what was seen, whoever saw it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean

from kapture_tui.bench.bottleneck import bottleneck
from kapture_tui.bench.judge import SLIP_S, growth
from kapture_tui.bench.trial import LagSample, Sample, TrialResult, Usage
from kapture_tui.model.histogram import Histogram
from kapture_tui.model.ledger import GroupLedger
from kapture_tui.model.snapshot import FlowView, PodRow, Snapshot
from kapture_tui.model.spec import Component

GAP_S = 5.0
"""Snapshots come once a second. When none came for so long, nobody looked: the program or the cluster was held up."""

STALE_S = 5.0
JUMP_S = 1.0
"""A wall clock that runs so far away from the steady one was set: latencies across it mean nothing."""

THROTTLED = 0.05
"""A loader or observer held back in more than this part of its periods does not do what it should."""

OWN = "this loader"
"""How a loader's own words begin when it is itself what holds it back."""

_WATCHERS = (Component.LOADER.value, Component.OBSERVER.value)


@dataclass(frozen=True, slots=True)
class Look:
    """A Snapshot and when it was taken: on a steady clock, and on the wall's; both in seconds."""

    at_s: float
    wall_s: float
    snapshot: Snapshot


@dataclass(frozen=True, slots=True)
class Window:
    """What was seen of a trial.

    Attributes:
        before: before anything of it was sent, with nothing left over from the trial before.
        looks: while it was measured, in order.
        after: once everything it sent was stored, or could have been.
        drained: it was.
        cut_short: it was ended early.
        away: a component that is kept away on purpose, whose restarts are no fault; "" for none.
        whole: everything from the order to the loaders on: settling, measuring and draining.
    """

    before: Look
    looks: tuple[Look, ...]
    after: Look
    drained: bool
    cut_short: bool = False
    away: str = ""
    whole: tuple[Look, ...] = ()

    @property
    def all(self) -> tuple[Look, ...]:
        """Everything that was seen."""
        return (self.before, *self.looks, self.after)


def result(window: Window) -> TrialResult:
    """What the window shows."""
    latency = _latency(window)
    usage = _usage(window.looks)
    slip_s = _slip(window.looks)
    lag = _lag(window.looks)
    offered = _mean(look.snapshot.flow.offered_per_s for look in window.looks if look.snapshot.flow)
    return TrialResult(
        offered_per_s=offered,
        delivered_per_s=_mean(
            look.snapshot.flow.delivered_per_s for look in window.looks if look.snapshot.flow
        ),
        p99_ms=_p99_ms(latency),
        lost=_worst(window, lambda group: group.lost),
        duplicated=_worst(window, lambda group: group.duplicated),
        lag=lag,
        slip_s=slip_s,
        faults=tuple(faults(window)),
        loader_bound=slip_s is not None and slip_s > SLIP_S,
        bottleneck=bottleneck([look.snapshot for look in window.looks], usage, _growing(lag, offered)),
        latency=latency,
        usage=usage,
        cut_short=window.cut_short,
        series=series(window.whole, window.before.at_s),
        at_s=window.before.snapshot.run.elapsed_s,
    )


def series(looks: Sequence[Look], began_s: float) -> dict[str, tuple[Sample, ...]]:
    """The figures of these looks, second by second since `began_s`; four digits are more than they are sure to."""
    found: dict[str, list[Sample]] = {}
    for look in looks:
        for name, value in flow_figures(look.snapshot.flow):
            if value is not None:
                found.setdefault(name, []).append((round(look.at_s - began_s, 1), float(f"{value:.4g}")))
    return {name: tuple(samples) for name, samples in found.items()}


def flow_figures(flow: FlowView | None) -> Iterator[tuple[str, float | None]]:
    """The figures that are kept by the second, by the names they are kept under."""
    if flow is None:
        return
    yield "offered", flow.offered_per_s
    yield "acked", flow.acked_per_s
    for name, group in flow.groups.items():
        yield name, group.delivered_per_s
    latencies = [group.latency_ms.p99 for group in flow.groups.values()]
    yield "p99_ms", max((value for value in latencies if value is not None), default=None)


def _growing(lag: Mapping[str, tuple[LagSample, ...]], offered: float | None) -> dict[str, float]:
    """The groups whose lag grows, and how fast, records a second."""
    slopes = {name: growth(samples, offered or 0.0) for name, samples in lag.items()}
    return {name: slope for name, slope in slopes.items() if slope is not None}


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return fmean(known) if known else None


def _latency(window: Window) -> dict[str, Histogram]:
    """By group, of what was stored from the first look on: what was sent while the rate settled does not count."""
    first = next(filter(None, map(_flow, window.looks)), _flow(window.before))
    last = _flow(window.after)
    if first is None or last is None:
        return {}
    return {
        name: group.latency_run.since(first.groups[name].latency_run if name in first.groups else Histogram())
        for name, group in last.groups.items()
    }


def _flow(look: Look) -> FlowView | None:
    return look.snapshot.flow


def _p99_ms(latency: Mapping[str, Histogram]) -> float | None:
    """The slowest group's; None when one of them stored nothing."""
    found = [histogram.percentile_us(99) for histogram in latency.values()]
    known = [value for value in found if value is not None]
    return max(known) / 1000 if known and len(known) == len(found) else None


def _worst(window: Window, figure: Callable[[GroupLedger], int]) -> int | None:
    """By how much a figure of the ledger grew, in the group where it grew most; None without a ledger."""
    first, last = window.before.snapshot.ledger, window.after.snapshot.ledger
    if first is None or last is None or not last.groups:
        return None
    return max(
        figure(group) - figure(first.groups.get(name, GroupLedger())) for name, group in last.groups.items()
    )


def _lag(looks: Sequence[Look]) -> dict[str, tuple[LagSample, ...]]:
    found: dict[str, list[LagSample]] = {}
    for look in looks:
        kafka = look.snapshot.kafka
        for name, view in kafka.total.groups.items() if kafka else ():
            if view.lag is not None:
                seen_s = look.at_s - looks[0].at_s - (look.snapshot.report_age_s or 0.0)
                found.setdefault(name, []).append((round(seen_s, 3), float(view.lag)))
    return {name: tuple(_rising(samples)) for name, samples in found.items()}


def _rising(samples: Iterable[LagSample]) -> Iterator[LagSample]:
    """Without those that tell an old report anew: a trend needs times that rise."""
    last = -float("inf")
    for seen_s, lag in samples:
        if seen_s > last + 0.05:
            last = seen_s
            yield seen_s, lag


def _slip(looks: Sequence[Look]) -> float | None:
    """How far the worst loader was behind through its own fault, at most; 0: none was; None: there are none.

    Loaders that are asked for no rate have no schedule to be behind of.
    """
    rows = [row for look in looks for row in look.snapshot.loaders if row.state == "live"]
    if not rows:
        return None
    return max((row.slip_s or 0.0 for row in rows if row.limited_by.startswith(OWN)), default=0.0)


# --- what makes it invalid ------------------------------------------------------------------------------------------


def faults(window: Window) -> Iterator[str]:
    """Why the window says nothing about the cluster."""
    yield from _clock(window.all)
    # Settling counts as well: a stop that ends in the measured part leaves one look there and no gap.
    yield from _gaps(window.whole or window.looks)
    yield from _blind(window)
    yield from _restarts(window)
    yield from _throttled(window.looks)
    if not window.drained:
        yield "what was sent was not all stored in the time given for draining"


def _clock(looks: Sequence[Look]) -> Iterator[str]:
    for before, after in pairwise(looks):
        jump_s = (after.wall_s - before.wall_s) - (after.at_s - before.at_s)
        if abs(jump_s) > JUMP_S:
            yield f"the clock jumped by {jump_s:+.1f} s"


def _gaps(looks: Sequence[Look]) -> Iterator[str]:
    longest_s = max((after.at_s - before.at_s for before, after in pairwise(looks)), default=0.0)
    if longest_s > GAP_S:
        yield f"nobody looked for {longest_s:.0f} s"


def _blind(window: Window) -> Iterator[str]:
    if not window.looks:
        yield "nothing was seen"
    oldest_s = max((look.snapshot.report_age_s or 0.0 for look in window.looks), default=0.0)
    if oldest_s > STALE_S:
        yield f"the observer did not report for {oldest_s:.0f} s"
    for part in ("kafka", "flow", "ledger"):
        if (blind := _without(window.all, part)) is not None:
            reasons = blind.snapshot.unavailable
            yield f"{part} is missing: {reasons.get(part) or reasons.get('observer') or 'no reason given'}"
            return


def _without(looks: Sequence[Look], part: str) -> Look | None:
    """The look from which on a part is missing for too long, or at all where it begins and ends; None: it is there.

    An observer that is behind for a second tells all of it in the next one: its figures are sums.
    """
    known = [getattr(look.snapshot, part) is not None for look in looks]
    if not known[0] or not known[-1]:
        return looks[known.index(False)]
    seen = [look for look, there in zip(looks, known, strict=True) if there]
    for before, after in pairwise(seen):
        missing = [look for look in looks if before.at_s < look.at_s < after.at_s]
        if missing and after.at_s - missing[0].at_s > GAP_S:
            return missing[0]
    return None


def _restarts(window: Window) -> Iterator[str]:
    before, after = _pods(window.before), _pods(window.after)
    for name, pod in before.items():
        if pod.component == window.away:
            continue
        if name not in after:
            yield f"{name} is gone"
        elif after[name].restarts > pod.restarts:
            yield f"{name} restarted"
    for name, pod in after.items():
        if name not in before and pod.component != window.away:
            yield f"{name} is new"


def _pods(look: Look) -> dict[str, PodRow]:
    return {pod.name: pod for pod in look.snapshot.pods if pod.phase != "Succeeded"}


def _throttled(looks: Sequence[Look]) -> Iterator[str]:
    worst: dict[str, float] = {}
    for look in looks:
        for pod in look.snapshot.pods:
            if pod.component in _WATCHERS and pod.throttled_ratio is not None:
                worst[pod.name] = max(worst.get(pod.name, 0.0), pod.throttled_ratio)
    for name, ratio in worst.items():
        if ratio > THROTTLED:
            yield f"{name} was throttled by its CPU limit in {ratio:.0%} of its periods"


# --- usage ----------------------------------------------------------------------------------------------------------


def _usage(looks: Sequence[Look]) -> dict[str, Usage]:
    """By component; samples that are older than the trial are none of it."""
    components = {pod.component for look in looks for pod in look.snapshot.pods}
    return {name: _usage_of(name, looks) for name in sorted(components)}


def _usage_of(component: str, looks: Sequence[Look]) -> Usage:
    cores, memory, network, disk, limits, throttled, count = [], [], [], [], [], [], 0
    for look in looks:
        pods = [pod for pod in look.snapshot.pods if pod.component == component and pod.phase == "Running"]
        count = max(count, len(pods))
        if not pods:
            continue
        limits = [pod.cpu_limit for pod in pods]
        throttled += [pod.throttled_ratio for pod in pods if pod.throttled_ratio is not None]
        network.append(_network(component, pods, look.snapshot))
        disk.append(_sum(pod.disk_bytes_per_s for pod in pods))
        since_s = look.at_s - looks[0].at_s
        if all(_fresh(_cpu_age_s(pod), since_s) for pod in pods):
            cores.append(_sum(pod.cpu_cores for pod in pods))
        if all(_fresh(pod.sample_age_s, since_s) for pod in pods):
            memory.append(sum(pod.memory_bytes or 0 for pod in pods))
    known = [limit for limit in limits if limit is not None]
    found = {
        "cpu_cores": _mean(cores),
        "throttled_ratio": max(throttled, default=None),
        "network_bytes_per_s": _mean(network),
        "disk_bytes_per_s": _mean(disk),
    }
    limit = sum(known) if known and len(known) == len(limits) else None
    target = looks[0].snapshot.run.target if looks else ""
    return Usage(
        pods=count,
        cpu_limit=limit,
        memory_bytes=max(memory, default=None),
        unavailable={name: _why(name, target, limit) for name, value in found.items() if value is None},
        **found,
    )


def _cpu_age_s(pod: PodRow) -> float | None:
    return pod.sample_age_s if pod.cpu_age_s is None else pod.cpu_age_s


def _fresh(age_s: float | None, since_s: float) -> bool:
    """Whether a sample was taken in the trial, which began so many seconds ago."""
    return age_s is not None and age_s <= since_s + 1


def _sum(values: Iterable[float | None]) -> float | None:
    """The sum; None when one of them is not known."""
    every = list(values)
    known = [value for value in every if value is not None]
    return sum(known) if known and len(known) == len(every) else None


def _network(component: str, pods: Sequence[PodRow], snapshot: Snapshot) -> float | None:
    """Of all pods of a component. A single Redis counts its own, wherever it runs."""
    if component == Component.REDIS.value and len(pods) == 1 and snapshot.redis is not None:
        return snapshot.redis.network_bytes_per_s
    return _sum(pod.network_bytes_per_s for pod in pods)


def _why(figure: str, target: str, cpu_limit: float | None) -> str:
    """Why a figure of a component is not known."""
    if figure == "cpu_cores":
        return "no sample was taken in the trial"
    if figure == "throttled_ratio" and cpu_limit is None:
        return "no CPU limit is set"
    if target == "local":
        shared = "processes of one machine share its network"
        return shared if figure == "network_bytes_per_s" else "the system does not count it by process"
    return "metrics.k8s.io does not have it, and these pods do not run our program, which would tell"
