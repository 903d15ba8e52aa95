"""An earlier run's figures by the second, so that another one can be seen beside it at the same second of its life."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from kapture_tui.bench.result import DeploymentResult, Result, Status
from kapture_tui.bench.search import Tried
from kapture_tui.bench.trial import Sample
from kapture_tui.bench.window import flow_figures
from kapture_tui.model.errors import UsageError
from kapture_tui.model.times import seconds_of
from kapture_tui.telemetry.recording import Recording

GAP_S = 2.5
"""A figure is that of its second, or of one of the next two where these have none; then it is not known."""


@dataclass(frozen=True, slots=True)
class Ghost:
    """What an earlier run did, second by second.

    Attributes:
        name: which one it was.
        figures: `offered`, `acked` and each consumer group in transactions a second, and `p99_ms`; each sample with
            the second since the stack was deployed, in order.
    """

    name: str
    figures: Mapping[str, tuple[Sample, ...]] = field(default_factory=dict)

    def at(self, figure: str, second: float) -> float | None:
        """What a figure was at a second; None: not known."""
        samples = self.figures.get(figure, ())
        index = bisect_right(samples, second + 0.5, key=lambda sample: sample[0]) - 1
        if index < 0 or samples[index][0] < second - GAP_S:
            return None
        return samples[index][1]

    @property
    def length_s(self) -> float:
        """The second of its last figure."""
        return max((samples[-1][0] for samples in self.figures.values() if samples), default=0.0)


def of_result(result: Result) -> Ghost:
    """The deployment of a run that came closest to its score.

    A result of before figures were kept by the second has the mean of each trial for its seconds instead.

    Raises: UsageError: there is no trial in it.
    """
    chosen = _typical(result)
    figures: dict[str, list[Sample]] = {}
    next_s = 0.0
    for one in chosen.tried:
        began_s = _began_s(chosen, one, next_s)
        for name, second, value in _figures(one):
            figures.setdefault(name, []).append((round(began_s + second, 1), value))
        next_s = began_s + one.trial.seconds
    name = result.id if len(result.deployments) == 1 else f"{result.id}, deployment {chosen.number}"
    return Ghost(name, {figure: tuple(sorted(samples)) for figure, samples in figures.items()})


def of_recording(recording: Recording, name: str) -> Ghost:
    """A recorded session, from the end of its deploy on. Raises UsageError: nothing flowed in it, or it is broken."""
    figures: dict[str, list[Sample]] = {}
    for index in range(len(recording)):
        snapshot = recording.snapshot(index, states=False)
        if snapshot.run.elapsed_s is None:
            continue
        for figure, value in flow_figures(snapshot.flow):
            if value is not None:
                figures.setdefault(figure, []).append((round(snapshot.run.elapsed_s, 1), value))
    if not figures:
        raise UsageError(f"racing against {name}", "nothing flows in this recording", "choose another one")
    return Ghost(name, {figure: tuple(sorted(samples)) for figure, samples in figures.items()})


def _typical(result: Result) -> DeploymentResult:
    tried = [one for one in result.deployments if one.tried]
    if not tried:
        raise UsageError(f"racing against {result.id}", "no trial was made in it", "choose another one")
    found = [one for one in tried if one.status is Status.COMPLETE and one.capacity is not None]
    if result.score is None or not found:
        return tried[0]
    v = result.score.v
    return min(found, key=lambda one: abs(one.capacity.v - v) if one.capacity else v)


def _began_s(deployment: DeploymentResult, one: Tried, next_s: float) -> float:
    """The second of the stack's life at which a trial began; where nothing tells, when the one before it was over."""
    if one.result.at_s is not None:
        return one.result.at_s
    if one.began and deployment.started:
        return max(0.0, seconds_of(one.began) - seconds_of(deployment.started) - (deployment.deploy_s or 0.0))
    return next_s


def _figures(one: Tried) -> Iterator[tuple[str, float, float]]:
    """Figure, second of the trial, value."""
    for name, samples in one.result.series.items():
        for second, value in samples:
            yield name, second, value
    if not one.result.series and one.result.offered_per_s is not None:
        for second in range(int(one.trial.seconds)):
            yield "offered", float(second), one.result.offered_per_s
