"""`results`: what `bench` found, as tables, JSON and plots."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from kapture_tui.bench.catalogue import entries, find, folders
from kapture_tui.bench.plots import compared, plots
from kapture_tui.bench.plots.html import page
from kapture_tui.bench.plots.svg import svg
from kapture_tui.bench.plots.text import text
from kapture_tui.bench.result import DeploymentResult, Result, Rule, Status, Variant
from kapture_tui.bench.scaling import fit
from kapture_tui.bench.score import Comparison, Score, Verdict, compare, score
from kapture_tui.cli import figures
from kapture_tui.cli.output import COLUMNS, note, say, table
from kapture_tui.cli.settings import Results
from kapture_tui.model.errors import UsageError
from kapture_tui.model.wire import to_wire
from kapture_tui.tui.figures import plural

_PLOT_LINES = 16
_USED = {
    "cpu_cores": "CPU",
    "throttled_ratio": "throttling",
    "network_bytes_per_s": "network",
    "disk_bytes_per_s": "disk",
}
"""What a component uses, in words."""
_ALIKE = ("target", "scales", "components", "p99_ms", "storage", "redis_count", "cpu_limits")
"""What two runs should have asked for alike."""


def run(command: Results) -> int:
    """Do it; see `settings.Results`."""
    places = folders(command.folder)
    match command.action:
        case "list":
            return _list(command, places)
        case "show":
            return _show(command, find(command.names[0], places))
        case _:
            return _compare(command, *(find(name, places) for name in command.names))


def as_json(result: Result) -> str:
    """A result as one line of JSON."""
    return json.dumps(to_wire(result), separators=(",", ":"))


# --- list -----------------------------------------------------------------------------------------------------------


def _list(command: Results, places: Sequence[Path]) -> int:
    found = list(entries(places))
    known = [entry.result for entry in found if entry.result is not None]
    if command.json:
        for result in known:
            say(json.dumps(_in_short(result), separators=(",", ":")))
    else:
        for line in table(["result", "rule", "status", "score", "90 %", "repeats"], list(map(_row, known))):
            say(line)
    for entry in found:
        if entry.result is None:
            note(entry.problem)
    return 0


def _row(result: Result) -> list[str]:
    rated = result.score
    return [
        result.id,
        result.asked.rule.value,
        result.status.value,
        figures.rate(rated.v if rated else None),
        _interval(rated),
        str(rated.repeats) if rated else figures.UNKNOWN,
    ]


def _in_short(result: Result) -> dict[str, object]:
    short = ("id", "status", "started", "score", "published")
    return {name: to_wire(getattr(result, name)) for name in short} | {"rule": result.asked.rule.value}


def _interval(rated: Score | None) -> str:
    if rated is None or rated.half_width is None:
        return figures.UNKNOWN
    return f"± {rated.half_width:.1%}"


# --- show -----------------------------------------------------------------------------------------------------------


def _show(command: Results, result: Result) -> int:
    lines = [*summary(result), "", *_deployments(result), *_unmeasured(result)]
    if command.json:
        say(as_json(result))
    else:
        for line in lines:
            say(line)
    drawn = plots(result)
    if command.plot:
        for plot in drawn:
            for line in ["", *text(plot, COLUMNS, _PLOT_LINES)]:
                say(line)
    if command.svg:
        command.svg.mkdir(parents=True, exist_ok=True)
        for plot in drawn:
            path = command.svg / f"{result.id}-{plot.name}.svg"
            path.write_text(svg(plot), encoding="utf-8")
            note(f"wrote {path}")
    if command.html:
        command.html.write_text(page(result.id, lines, drawn), encoding="utf-8")
        note(f"wrote {command.html}")
    return 0


def summary(result: Result) -> Iterator[str]:
    """What a run proves, for a terminal."""
    asked = result.asked
    stack = ", ".join(asked.components) or "nothing beyond Kafka and the ETL"
    yield f"{result.id}: {result.status.value}{f', {result.reason}' if result.reason else ''}"
    yield f"  {asked.target}, scale {asked.scales[0]} with {stack}, seed {result.seed}"
    if result.published:
        yield f"  published at {result.published.source} ({result.published.license}); {result.published.note}"
    yield from _scored(result)
    if result.bottlenecks:
        named = ", ".join(f"{name} ({count})" for name, count in result.bottlenecks.items())
        yield f"  limited by {named}"
    yield from _minus_one(result)
    yield from _scaling(result)


def _scored(result: Result) -> Iterator[str]:
    rated, place = result.score, result.environment
    if rated is None:
        if result.asked.rule is not Rule.HEARTBEAT and result.status is not Status.RUNNING:
            yield "  no score"
        return
    what = "message rate by Kapture's rule" if result.asked.rule is Rule.KAPTURE else "capacity"
    sure = f", 90 % interval {figures.rate(rated.low)} to {figures.rate(rated.high)}" if rated.low else ""
    yield f"  {what} {figures.rate(rated.v)}{sure} ({_interval(rated)}), {plural(rated.repeats, 'deployment')}"
    if place.nodes and place.cores:
        yield f"  {figures.rate(rated.v / place.nodes)} a node, {figures.rate(rated.v / place.cores)} a core"
    if (cost := result.cost_per_million) is not None:
        yield f"  {cost:,.4f} for a million transactions, at {result.asked.price_per_hour:,.2f} an hour"


def _minus_one(result: Result) -> Iterator[str]:
    if (rated := score(result.capacities(variant=Variant.MINUS_ONE))) is not None:
        yield f"  with one broker away {figures.rate(rated.v)} ({_interval(rated)})"


def _scaling(result: Result) -> Iterator[str]:
    curve = fit({scale: result.capacities(scale) for scale in result.asked.scales})
    if curve is None:
        return
    (low, high), (less, more) = curve.contention, curve.coherency
    yield f"  scaling: contention {curve.law.contention:.3f} ({low:.3f} to {high:.3f}),"
    yield f"           coherency {curve.law.coherency:.4f} ({less:.4f} to {more:.4f})"
    if curve.law.peak:
        yield f"           more than scale {curve.law.peak:,.0f} would carry less"


def _deployments(result: Result) -> list[str]:
    head = ["deployment", "scale", "status", "found", "trials", "limited by"]
    rows = [
        [
            f"{one.number}{'' if one.variant is Variant.FULL else f' {one.variant.value}'}",
            str(one.scale),
            one.status.value,
            finding(one),
            str(len(one.tried)),
            one.bottleneck.component if one.bottleneck else figures.UNKNOWN,
        ]
        for one in result.deployments
    ]
    return table(head, rows)


def _unmeasured(result: Result) -> Iterator[str]:
    """Which usage is not known of which components, and why."""
    missing: dict[tuple[str, str], set[str]] = {}
    for one in result.deployments:
        for tried in one.tried:
            for component, used in tried.result.usage.items():
                for figure, why in used.unavailable.items():
                    missing.setdefault((_USED[figure], why), set()).add(component)
    if missing:
        yield ""
    for (figure, why), components in sorted(missing.items()):
        yield f"{figure} not measured of {', '.join(sorted(components))}: {why}"


def finding(deployment: DeploymentResult) -> str:
    """What a deployment found, in a few words."""
    if (found := deployment.capacity) is not None:
        doubt = "" if found.confirmed else ", not confirmed"
        return f"{figures.rate(found.v)} ± {found.high / found.v - 1:.1%}{doubt}"
    if (kapture := deployment.summary) is not None:
        return f"{figures.rate(kapture.messages_per_s)} with {plural(kapture.generators, 'loader')}"
    if (noise := deployment.noise) is not None:
        spread = "" if noise.p99_spread is None else f", ± {noise.p99_spread:.0%} from trial to trial"
        return f"p99 {figures.milliseconds(noise.p99_ms)}{spread}, {noise.missed} of {noise.trials} missed"
    return deployment.reason or figures.UNKNOWN


# --- compare --------------------------------------------------------------------------------------------------------


def _compare(command: Results, a: Result, b: Result) -> int:
    found = compare_results(a, b)
    remarks = list(_remarks(a, b))
    if command.json:
        say(json.dumps(to_wire(found) | {"a": a.id, "b": b.id, "remarks": remarks}, separators=(",", ":")))
        return 0
    lines = [verdict(found, a, b), *remarks]
    for line in lines:
        say(line)
    drawn = compared(a, b)
    if command.plot:
        for line in ["", *text(drawn, COLUMNS, _PLOT_LINES)]:
            say(line)
    if command.svg:
        command.svg.mkdir(parents=True, exist_ok=True)
        (command.svg / f"{a.id}-{b.id}.svg").write_text(svg(drawn), encoding="utf-8")
    if command.html:
        command.html.write_text(page(f"{a.id} and {b.id}", lines, [drawn]), encoding="utf-8")
    return 0


def compare_results(a: Result, b: Result) -> Comparison:
    """B against A. Raises UsageError when they cannot be compared."""
    if a.asked.rule is not b.asked.rule:
        rules = f"{a.id} is by the rule {a.asked.rule.value}, {b.id} by {b.asked.rule.value}"
        raise UsageError("comparing", rules, "these figures mean different things; see docs/methodology.md")
    try:
        return compare(a.capacities(), b.capacities())
    except ValueError as exc:
        raise UsageError(f"comparing {a.id} and {b.id}", str(exc), "make more repeats") from exc


def verdict(found: Comparison, a: Result, b: Result) -> str:
    """The comparison in one sentence."""
    interval = f"{found.low - 1:+.1%} to {found.high - 1:+.1%}"
    said = f"{b.id} is {found.verdict.value} than {a.id}"
    if found.verdict is Verdict.EQUIVALENT:
        said = f"{b.id} and {a.id} are equivalent"
    if found.verdict is Verdict.INCONCLUSIVE:
        more = (
            "no number of repeats would tell"
            if found.needed is None
            else f"{found.needed} more repeats of each"
        )
        said = f"inconclusive whether {b.id} differs from {a.id}: {more}"
    return f"{said}; by {found.ratio - 1:+.1%}, 90 % interval {interval}"


def _remarks(a: Result, b: Result) -> Iterator[str]:
    """What differs besides the figures, so that nobody takes it for the cluster's doing."""
    names = [name for name in _ALIKE if getattr(a.asked, name) != getattr(b.asked, name)]
    if replace(a.asked.load, seed=0) != replace(b.asked.load, seed=0):
        names.append("load")
    if a.manifests_sha256 != b.manifests_sha256:
        names.append("what was deployed (manifests_sha256)")
    versions = set(a.environment.versions.items()) ^ set(b.environment.versions.items())
    names += sorted({f"version of {name}" for name, _ in versions})
    if names:
        yield f"note: not the same: {', '.join(names)}"
