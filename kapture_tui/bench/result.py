"""One run of `bench` as it is kept: everything that was asked, done and seen. One JSON file a run.

`schemas/result-1.json` is the published form. Readers must bear further fields.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum

from kapture_tui.bench.score import Score, score
from kapture_tui.bench.search import Capacity, Noise, Summary, Tried
from kapture_tui.bench.trial import Bottleneck
from kapture_tui.model.spec import LoadSpec

SCHEMA = 1


class Status(Enum):
    """How far a run, or one of its deployments, has come."""

    RUNNING = "running"
    """It goes on; in a file that nobody writes any more it was ended without warning."""
    INTERRUPTED = "interrupted"
    COMPLETE = "complete"
    LOADER_BOUND = "loader-bound"
    """The loaders could not offer what the stack would have carried: there is no score."""
    FAILED = "failed"


class Rule(Enum):
    """What is measured."""

    CAPACITY = "capacity"
    """The largest load that holds all objectives; see docs/methodology.md."""
    KAPTURE = "kapture"
    """Kapture's own of 2019; see `kapture_rule`. Not comparable with a capacity."""
    HEARTBEAT = "heartbeat"
    """The same small load again and again: a cluster's noise. It has no score."""


class Variant(Enum):
    """What is special about a deployment."""

    FULL = "full"
    MINUS_ONE = "minus-one"
    """One broker is kept away."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line asked for.

    Attributes:
        target: "local", "kubernetes" or "simulated".
        scales: one or more; with several a scaling curve is fitted.
        budget_min: minutes for all deployments together.
        kustomize: an overlay was deployed instead of the project's own manifests; see `Result.manifests_sha256`.
        simulate: "MODULE:FACTORY" of a simulated cluster; None: a real one.
    """

    target: str
    scales: tuple[int, ...]
    components: tuple[str, ...]
    load: LoadSpec
    repeats: int
    budget_min: float
    p99_ms: float
    rule: Rule = Rule.CAPACITY
    minus_one: bool = False
    auto_loaders: bool = False
    price_per_hour: float | None = None
    storage: str = "ephemeral"
    redis_count: int = 1
    cpu_limits: bool = False
    kustomize: bool = False
    simulate: str | None = None


@dataclass(frozen=True, slots=True)
class Machine:
    """A kind of machine the stack ran on.

    Attributes:
        count: how many of them there are.
        type: "n1-standard-2", or the processor's name; "" if not known.
        cores, memory_bytes: of one.
        names: host names; empty unless --with-names was given.
    """

    count: int
    type: str
    cores: float
    memory_bytes: int
    architecture: str = ""
    system: str = ""
    kernel: str = ""
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Environment:
    """Where it ran. `unavailable` says why something is not known."""

    machines: tuple[Machine, ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict)
    unavailable: Mapping[str, str] = field(default_factory=dict)

    @property
    def nodes(self) -> int | None:
        """How many machines; None: not known."""
        return sum(machine.count for machine in self.machines) or None

    @property
    def cores(self) -> float | None:
        """All cores; None: not known."""
        return sum(machine.count * machine.cores for machine in self.machines) or None


@dataclass(frozen=True, slots=True)
class DeploymentResult:
    """One fresh deployment.

    Attributes:
        number: counts all deployments of the run from 1.
        status: only COMPLETE ones count for the score; the others stay with their reason.
        loaders: at its end.
        tried: every trial, in order.
        capacity: None: none was found, see `reason`.
        bottleneck: what held it back at its limit.
        summary: with Kapture's rule, in place of a capacity.
        noise: of a heartbeat, in place of a capacity.
    """

    number: int
    scale: int
    seed: int
    variant: Variant = Variant.FULL
    status: Status = Status.RUNNING
    reason: str = ""
    started: str = ""
    ended: str = ""
    deploy_s: float | None = None
    loaders: int = 0
    tried: tuple[Tried, ...] = ()
    capacity: Capacity | None = None
    bottleneck: Bottleneck | None = None
    summary: Summary | None = None
    noise: Noise | None = None


@dataclass(frozen=True, slots=True)
class Published:
    """Where figures come from that were not measured by this program.

    Attributes:
        source: address.
        license: of the figures.
        note: why they cannot be compared one to one.
    """

    source: str
    license: str
    note: str


@dataclass(frozen=True, slots=True)
class Result:
    """A run. `seed` is that of its first deployment; the others' follow from it."""

    id: str
    asked: Asked
    schema: int = SCHEMA
    status: Status = Status.RUNNING
    reason: str = ""
    started: str = ""
    ended: str = ""
    seed: int = 1
    environment: Environment = field(default_factory=Environment)
    manifests_sha256: str | None = None
    deployments: tuple[DeploymentResult, ...] = ()
    score: Score | None = None
    published: Published | None = None

    def completed(self, scale: int, variant: Variant = Variant.FULL) -> int:
        """How many deployments of this kind came to a finding."""
        kinds = [(one.scale, one.variant) for one in self.deployments if one.status is Status.COMPLETE]
        return kinds.count((scale, variant))

    def capacities(self, scale: int | None = None, variant: Variant = Variant.FULL) -> tuple[float, ...]:
        """The figures that count: capacities, or summaries by Kapture's rule; None: of the first scale."""
        wanted = self.asked.scales[0] if scale is None else scale
        counting = [
            one
            for one in self.deployments
            if one.status is Status.COMPLETE and (one.scale, one.variant) == (wanted, variant)
        ]
        found = [
            one.capacity.v if one.capacity else one.summary.messages_per_s if one.summary else None
            for one in counting
        ]
        return tuple(v for v in found if v is not None)

    def with_deployment(self, deployment: DeploymentResult) -> Result:
        """With this deployment in place of the one of its number, or behind the others; the score is renewed."""
        kept = {one.number: one for one in self.deployments} | {deployment.number: deployment}
        renewed = replace(self, deployments=tuple(kept[number] for number in sorted(kept)))
        return replace(renewed, score=score(renewed.capacities()))

    @property
    def cost_per_million(self) -> float | None:
        """What a million transactions cost, in the currency of --price-per-hour; None: no price or no score."""
        if self.asked.price_per_hour is None or self.score is None:
            return None
        return self.asked.price_per_hour / (self.score.v * 3600) * 1e6

    @property
    def bottlenecks(self) -> dict[str, int]:
        """How many deployments each component limited, the most frequent first."""
        names = [one.bottleneck.component for one in self.deployments if one.bottleneck]
        return {name: names.count(name) for name in sorted(set(names), key=lambda n: (-names.count(n), n))}
