"""What there is to draw of a result."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from kapture_tui.bench.judge import Outcome
from kapture_tui.bench.plots.plot import Mark, Plot, Point, Series
from kapture_tui.bench.result import Result, Rule
from kapture_tui.bench.scaling import fit
from kapture_tui.bench.score import score
from kapture_tui.bench.search import Tried
from kapture_tui.bench.trial import Usage

RATE = "transactions a second"
_CURVE = 40


def plots(result: Result) -> tuple[Plot, ...]:
    """All plots that a result has the figures for."""
    return tuple(plot for plot in (*_all(result),) if any(series.points for series in plot.series))


def _all(result: Result) -> Iterator[Plot]:
    if result.asked.rule is Rule.HEARTBEAT:
        yield _heartbeat(result)
    elif result.asked.rule is Rule.CAPACITY:
        yield _latency(result)
    yield from _usage(result)
    yield from _scaling(result)


def _trials(result: Result) -> list[Tried]:
    return [one for deployment in result.deployments for one in deployment.tried]


def _latency(result: Result) -> Plot:
    """p99 against the load: which trials held, and the score."""
    series = []
    for outcome in (Outcome.HELD, Outcome.MISSED):
        points = [
            (one.trial.rate, one.result.p99_ms)
            for one in _trials(result)
            if one.judgement.outcome is outcome and one.result.p99_ms
        ]
        series.append(Series(outcome.value, tuple(points)))
    rated = result.score
    marks = () if rated is None else (Mark("capacity", rated.v, rated.low or rated.v, rated.high or rated.v),)
    return Plot("latency", "Latency of the trials", RATE, "p99, ms", tuple(series), marks, log=True)


def _heartbeat(result: Result) -> Plot:
    """p99 in the order of the trials."""
    valid = [one for one in _trials(result) if one.valid and one.result.p99_ms is not None]
    points = tuple((float(number), one.result.p99_ms or 0.0) for number, one in enumerate(valid, 1))
    return Plot("heartbeat", "The same small load", "trial", "p99, ms", (Series("p99", points),))


def _usage(result: Result) -> Iterator[Plot]:
    """What each component used, against the load."""
    for name, label, figure in (
        ("cpu", "CPU, cores", lambda used: used.cpu_cores),
        ("memory", "memory, MiB", lambda used: _mebi(used.memory_bytes)),
        ("network", "network, MiB/s", lambda used: _mebi(used.network_bytes_per_s)),
        ("disk", "disk, MiB/s", lambda used: _mebi(used.disk_bytes_per_s)),
    ):
        yield Plot(
            f"usage-{name}",
            f"{label.partition(',')[0]} against the load",
            RATE,
            label,
            _by_part(result, figure),
        )


def _mebi(value: float | None) -> float | None:
    return None if value is None else value / 2**20


def _by_part(result: Result, figure: Callable[[Usage], float | None]) -> tuple[Series, ...]:
    points: dict[str, list[Point]] = {}
    for one in _trials(result):
        load = one.result.delivered_per_s or one.result.offered_per_s
        for component, used in one.result.usage.items():
            value = figure(used)
            if load is not None and value is not None:
                points.setdefault(component, []).append((load, value))
    return tuple(Series(name, tuple(sorted(found))) for name, found in sorted(points.items()))


def _scaling(result: Result) -> Iterator[Plot]:
    """Capacity against the scale, with the fitted law and its band."""
    found = {scale: result.capacities(scale) for scale in result.asked.scales}
    curve = fit(found)
    if curve is None:
        return
    most = max(found) * 1.5
    scales = [1 + (most - 1) * step / _CURVE for step in range(_CURVE + 1)]
    bands = [curve.band(scale) for scale in scales]
    series = (
        Series("measured", tuple((float(scale), v) for scale, vs in found.items() for v in vs)),
        Series("fitted", tuple((scale, curve.law.at(scale)) for scale in scales), line=True),
        Series("5 %", tuple((scale, low) for scale, (low, _) in zip(scales, bands, strict=True)), line=True),
        Series(
            "95 %", tuple((scale, high) for scale, (_, high) in zip(scales, bands, strict=True)), line=True
        ),
    )
    yield Plot("scaling", "Capacity against the scale", "scale", RATE, series)


def compared(a: Result, b: Result) -> Plot:
    """The capacities of two runs side by side, with their scores."""
    series, marks = [], []
    for height, result in enumerate((a, b), 1):
        found = result.capacities()
        series.append(Series(result.id, tuple((v, float(height)) for v in found)))
        if (rated := score(found)) is not None:
            marks.append(Mark(f"{height}", rated.v, rated.low or rated.v, rated.high or rated.v))
    return Plot("compared", f"{a.id} (1) and {b.id} (2)", RATE, "run", tuple(series), tuple(marks))
