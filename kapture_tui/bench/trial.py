"""One trial: a load offered for a while, and what was seen. All that a search knows of a cluster."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol

from kapture_tui.model.histogram import Histogram


class Purpose(Enum):
    """Why a trial was made."""

    EXPLORE = "explore"
    """To find out roughly where the limit is."""
    STAIR = "stair"
    """Close to the limit: these carry the fit."""
    CONFIRM = "confirm"
    """The long one at the end."""
    STEADY = "steady"
    """A heartbeat: always the same small load."""
    GENERATORS = "generators"
    """Kapture's rule: so many loaders, each as fast as it can."""


@dataclass(frozen=True, slots=True)
class Trial:
    """What is tried.

    Attributes:
        rate: transactions a second offered by all loaders together; 0: each as fast as it can.
        seconds: how long it is measured; what comes before (settling) and after (draining) is not counted.
        seed: the same seed gives the same arrivals where arrivals can be seeded trial by trial.
        loaders: how many shall offer it; None: as many as there are.
    """

    rate: float
    seconds: float
    seed: int
    purpose: Purpose
    loaders: int | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    """What a component's pods used during a trial, together. None: not measured.

    Attributes:
        cpu_cores: mean.
        cpu_limit: sum of the limits; None: at least one has none.
        memory_bytes: largest sum seen.
        throttled_ratio: the worst pod's; None: not known.
        network_bytes_per_s, disk_bytes_per_s: means of the sums.
        unavailable: for what is None, the reason.
    """

    pods: int = 0
    cpu_cores: float | None = None
    cpu_limit: float | None = None
    memory_bytes: int | None = None
    throttled_ratio: float | None = None
    network_bytes_per_s: float | None = None
    disk_bytes_per_s: float | None = None
    unavailable: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Bottleneck:
    """What held the stack back: `component` is a name as in labels, `why` the evidence in a few words."""

    component: str
    why: str


LagSample = tuple[float, float]
"""(seconds since the trial's measured part began, records not yet stored)."""

Sample = tuple[float, float]
"""(seconds since the trial began, figure)."""


@dataclass(frozen=True, slots=True)
class TrialResult:
    """What was seen. A figure that is None was not measured, and the trial is then not valid.

    Attributes:
        offered_per_s: what the loaders really sent.
        delivered_per_s: what the slowest group stored.
        p99_ms: from intended time until stored, of the slowest group; everything that was sent in the trial counts.
        lost, duplicated: by the ledger, the worst group.
        lag: by consumer group, how far it was behind.
        slip_s: how far the worst loader fell behind its schedule through its own fault, at most.
        faults: why this trial says nothing about the cluster ("etl-0 restarted"); empty for a valid one.
        loader_bound: the loaders could not offer the load.
        bottleneck: what was (nearest to) its limit; None: nothing stood out.
        latency: by group, of this trial alone.
        usage: by component.
        cut_short: ended early, because it could not be held any more.
        series: second by second, from the order to the loaders until everything was stored: `offered`, `acked` and each
            consumer group in transactions a second, and `p99_ms` of the slowest group, over ten seconds.
        at_s: how long the stack had been deployed when it began, seconds; None: not known.
    """

    offered_per_s: float | None = None
    delivered_per_s: float | None = None
    p99_ms: float | None = None
    lost: int | None = None
    duplicated: int | None = None
    lag: Mapping[str, tuple[LagSample, ...]] = field(default_factory=dict)
    slip_s: float | None = None
    faults: tuple[str, ...] = ()
    loader_bound: bool = False
    bottleneck: Bottleneck | None = None
    latency: Mapping[str, Histogram] = field(default_factory=dict)
    usage: Mapping[str, Usage] = field(default_factory=dict)
    cut_short: bool = False
    series: Mapping[str, tuple[Sample, ...]] = field(default_factory=dict)
    at_s: float | None = None


class Cluster(Protocol):
    """A deployment that trials can be made on, one after the other. `--simulate` puts another one here."""

    async def trial(self, rate: float, seconds: float, seed: int) -> TrialResult:
        """Offer so many transactions a second for so many seconds. Raises KaptureError when nothing can be tried."""
        ...
