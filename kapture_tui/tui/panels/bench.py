"""A search as it happens: its trials on the load axis, the fitted curve, what is known, what comes next."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from kapture_tui.bench.campaign import limit_of
from kapture_tui.bench.judge import Outcome
from kapture_tui.bench.order import deployments
from kapture_tui.bench.plots.plot import Axis
from kapture_tui.bench.probit import Fit
from kapture_tui.bench.result import DeploymentResult, Result, Status
from kapture_tui.bench.search import GivenUp, SearchState, Step, Tried
from kapture_tui.bench.trial import Purpose, Trial
from kapture_tui.model.snapshot import Snapshot
from kapture_tui.tui.figures import clock, millis, percent, plural, rate, seconds, whole
from kapture_tui.tui.lines import Line, Span, fit, line, line_width
from kapture_tui.tui.measuring import Measured
from kapture_tui.tui.panels.header import TARGETS, worst_p99_ms
from kapture_tui.tui.picture import Picture
from kapture_tui.tui.rival import Rival
from kapture_tui.tui.text import clean, clip, left, right, wrap

MARKS: dict[Outcome, Span] = {
    Outcome.HELD: ("●", "good"),
    Outcome.MISSED: ("○", "warn"),
    Outcome.INVALID: ("×", "dim"),
}
_NOW: Span = ("◐", "accent")
_CURVE: Span = ("▪", "accent")
_BAND: Span = ("░", "dim")
_THEN: Span = ("│", "spark")

_SHARES = 6
"""Cells of the labels on the left: "100 %"."""

_AROUND = 1.25
"""How far beyond the trials that count the axis reaches, as a factor."""

_WORDS = {
    Purpose.EXPLORE: "to find out where the limit is",
    Purpose.STAIR: "close to the limit",
    Purpose.CONFIRM: "the long one, to confirm",
    Purpose.STEADY: "the same small load",
    Purpose.GENERATORS: "one loader more",
}


def header(measured: Measured, snapshot: Snapshot, cells: int) -> Line:
    """Return the first line: what is measured, how far that is, and the figures of the trial at work."""
    result, now = measured.result, measured.deployment
    target = TARGETS.get(result.asked.target, result.asked.target)
    parts = [line(("● " if not measured.over else "■ ", "good"), ("bench", "strong"), f" @ {target}")]
    if now is not None:
        of = f"deployment {_number(result)} of {measured.deployments}"
        parts.append(line(of))
    flow = snapshot.flow
    if measured.trial is not None and flow is not None:
        parts += [
            line(("offered ", "dim"), rate(flow.offered_per_s)),
            line(("delivered ", "dim"), rate(flow.delivered_per_s)),
            line(("p99 ", "dim"), millis(worst_p99_ms(snapshot))),
        ]
    row: Line = ((" ", "text"),)
    for part in parts:
        if line_width(row) + line_width(part) + 2 > cells:
            break
        row = (*row, *part, ("  ", "text"))
    return fit(row, cells)


def _number(result: Result) -> int:
    """Which of the deployments that count is at work, from 1."""
    done = sum(one.status is Status.COMPLETE for one in result.deployments)
    return min(deployments(result.asked), done + (result.status is Status.RUNNING))


# --- the plot ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Ground:
    """The cells of a plot and its load axis."""

    cells: int
    rows: int
    axis: Axis

    def column(self, load: float) -> int | None:
        """Return the column of a load; None: it is not on the axis."""
        place = self.axis.place(load)
        if place is None or not 0 <= place <= 1:
            return None
        return min(self.cells - 1, int(place * self.cells))

    def load(self, column: int) -> float:
        """Return the load in the middle of a column."""
        return self.axis.low * math.exp(
            math.log(self.axis.high / self.axis.low) * (column + 0.5) / self.cells
        )


def plot(measured: Measured, then: Result | None, cells: int, rows: int) -> Picture:
    """Return trials and curve: load to the right, the share of trials that hold it upwards.

    Trials that held hang from above, those that missed stand below, invalid ones float between.

    Args:
        then: an earlier run, whose score is marked.
    """
    search = measured.search
    title = line(("trials", "title"))
    if search is None or not (search.tried or measured.trial):
        return Picture(title, rows=(line(("no trial yet", "dim")),))
    ground = Ground(max(1, cells - _SHARES), max(2, rows - 2), _axis(search, measured.trial))
    grid: list[list[Span]] = [[(" ", "text")] * ground.cells for _ in range(ground.rows)]
    if search.fit is not None:
        _band(grid, ground, search.fit)
        _curve(grid, ground, search.fit)
    if then is not None and then.score is not None:
        _upright(grid, ground, then.score.v)
    _trials(grid, ground, search.tried, measured.trial)
    body = [(*_share(y, ground.rows), *_merged(cells_)) for y, cells_ in enumerate(grid)]
    return Picture(
        title=title,
        extra=_legend(then),
        rows=tuple(fit(row, cells) for row in (*body, *_scale(ground, search.tried, search.fit))),
    )


def _axis(search: SearchState, trial: Trial | None) -> Axis:
    """The loads that matter: all of them while exploring, later those around the limit."""
    near = [one.trial.rate for one in search.counted]
    rates = near or [one.trial.rate for one in search.tried]
    rates = [load for load in (*rates, trial.rate if trial else 0.0) if load > 0] or [1.0]
    return Axis(min(rates) / _AROUND, max(rates) * _AROUND, True)


def _band(grid: list[list[Span]], ground: Ground, found: Fit) -> None:
    low, high = found.interval
    for column in range(ground.cells):
        if low <= ground.load(column) <= high:
            for row in grid:
                row[column] = _BAND


def _curve(grid: list[list[Span]], ground: Ground, found: Fit) -> None:
    before: int | None = None
    for column in range(ground.cells):
        y = round((1 - found.held(ground.load(column))) * (ground.rows - 1))
        # It falls by several rows from one column to the next: without these it would be in pieces.
        for between in range(y if before is None else min(before + 1, y), y + 1):
            grid[between][column] = _CURVE
        before = y


def _upright(grid: list[list[Span]], ground: Ground, load: float) -> None:
    if (column := ground.column(load)) is not None:
        for row in grid:
            row[column] = _THEN


def _trials(grid: list[list[Span]], ground: Ground, tried: Sequence[Tried], trial: Trial | None) -> None:
    stacked: dict[tuple[Outcome, int], int] = {}
    for one in tried:
        outcome = one.judgement.outcome
        if (column := ground.column(one.trial.rate)) is None:
            continue
        stacked[outcome, column] = height = stacked.get((outcome, column), -1) + 1
        grid[_row(outcome, height, ground.rows)][column] = MARKS[outcome]
    if trial is not None and (column := ground.column(trial.rate)) is not None:
        grid[ground.rows // 2][column] = _NOW


def _row(outcome: Outcome, height: int, rows: int) -> int:
    """Where the trial lies that has so many of its outcome at its load before it."""
    most = (rows - 1) // 2
    if outcome is Outcome.HELD:
        return min(height, most)
    return rows - 1 - min(height, most) if outcome is Outcome.MISSED else rows // 2


def _share(y: int, rows: int) -> Line:
    label = {0: "100 %", rows - 1: "0 %"}.get(y, "50 %" if rows > 4 and y == rows // 2 else "")
    return line((right(label, _SHARES - 1) + " ", "dim"))


def _merged(cells: Sequence[Span]) -> Line:
    merged: list[Span] = []
    for text, role in cells:
        if merged and merged[-1][1] == role:
            merged[-1] = (merged[-1][0] + text, role)
        else:
            merged.append((text, role))
    return tuple(merged)


def _scale(ground: Ground, tried: Sequence[Tried], found: Fit | None) -> tuple[Line, Line]:
    """The load axis and its labels; the estimate is marked on it, and at its ends how many trials lie beyond."""
    rule, labels = ["─"] * ground.cells, [" "] * ground.cells
    for tick in _ticks(ground):
        column, label = ground.column(tick), rate(tick)
        if column is None:
            continue
        rule[column] = "┴"
        at = max(0, min(column - len(label) // 2, ground.cells - len(label)))
        if all(cell == " " for cell in labels[max(0, at - 1) : at + len(label) + 1]):
            labels[at : at + len(label)] = label
    lower = sum(0 < one.trial.rate < ground.axis.low for one in tried)
    higher = sum(one.trial.rate > ground.axis.high for one in tried)
    if lower:
        rule[: len(f"◂ {lower} ")] = f"◂ {lower} "
    if higher:
        rule[-len(f" {higher} ▸") :] = f" {higher} ▸"
    mark = ground.column(found.v) if found is not None else None
    if mark is not None:
        rule[mark] = "▴"
    indent = (" " * _SHARES, "text")
    return (indent, ("".join(rule), "frame")), (indent, ("".join(labels), "dim"))


def _ticks(ground: Ground) -> Iterator[float]:
    """Round loads; on an axis of less than half a decade powers of ten and their halves are too few."""
    low, high = ground.axis.low, ground.axis.high
    return Axis(low, high, high / low > 4).ticks(max(2, ground.cells // 9))


def _legend(then: Result | None) -> Line:
    marks = ((MARKS[outcome], outcome.value) for outcome in Outcome)
    legend: Line = ()
    for mark, text in (*marks, *(((_THEN, "then"),) if then is not None and then.score is not None else ())):
        legend += (mark, (f" {text}  ", "dim"))
    return (*legend, _NOW, (" now", "dim"))


# --- what is known --------------------------------------------------------------------------------------------------


def known(measured: Measured, rival: Rival, cells: int) -> Picture:
    """Return what is known so far and how sure, what comes next, how long it takes, and where it is kept."""
    told = [
        *(("", text, role) for text, role in _verdict(measured)),
        *(("now", text, role) for text, role in _now(measured)),
        *(("next", text, "text") for text in _next(measured.after if measured.trial else None)),
        *(("left", text, "text") for text in _left(measured)),
        *(("then", text, "text") for text in _then(measured.result, rival)),
        *(("kept", text, "dim") for text in _kept(measured)),
    ]
    rows: list[Line] = []
    for label, text, role in told:
        for index, part in enumerate(wrap(clean(text), max(8, cells - 6))):
            rows.append(line((left("" if index else label, 6), "dim"), (part, role)))
    return Picture(line(("what is known", "title")), rows=tuple(rows))


def _verdict(measured: Measured) -> Iterator[tuple[str, str]]:
    """This deployment's estimate as a sentence, and the score of those that are over."""
    result = measured.result
    rated = result.score
    if rated is not None:
        sure = (
            f" ± {percent(rated.half_width)} (90 %)"
            if rated.half_width is not None
            else ", not known how sure"
        )
        limits = f", limited by {', '.join(result.bottlenecks)}" if result.bottlenecks else ""
        yield f"carries {rate_of(rated.v)}{sure} by {plural(rated.repeats, 'deployment')}{limits}", "strong"
    if measured.over and rated is not None:
        return
    if measured.over:
        yield "no score", "warn"
    elif measured.search is not None and measured.deployment is not None:
        yield _estimate(measured.search, measured.deployment), "text" if rated else "strong"


def _estimate(search: SearchState, now: DeploymentResult) -> str:
    step = search.step
    if isinstance(step, GivenUp):
        return f"this deployment: {step.reason}"
    if search.fit is not None:
        sure = search.fit.interval[1] / search.fit.v - 1
        place = limit_of(now.tried, search.fit.v)
        limit = f", limited by {place.component}" if place else ""
        return f"this deployment carries {rate_of(search.fit.v)} ± {percent(sure)} (90 %){limit}"
    held = max((one.trial.rate for one in search.tried if one.held), default=None)
    missed = [one.trial.rate for one in search.tried if one.judgement.outcome is Outcome.MISSED]
    if held is None:
        return "not known yet"
    beyond = min((load for load in missed if load > held), default=None)
    return f"this deployment carries more than {rate_of(held)}" + (
        f" and less than {rate_of(beyond)}" if beyond else ""
    )


def rate_of(value: float) -> str:
    """Return a load in full: 8,739/s."""
    return f"{whole(round(value))}/s"


def _now(measured: Measured) -> Iterator[tuple[str, str]]:
    if measured.failure is not None:
        yield str(measured.failure), "trouble"
    elif measured.over:
        ended = "over" if measured.result.status is Status.COMPLETE else measured.result.status.value
        reason = measured.result.reason
        yield f"{ended}: {reason}" if reason else ended, "text"
    if measured.over:
        return
    if measured.stopping:
        yield "stopping; the stack is being removed", "warn"
    if measured.doing:
        yield measured.doing, "text"
    trial = measured.trial
    if trial is not None and measured.trial_s is not None and measured.search is not None:
        number = len(measured.search.tried) + 1
        load = rate_of(trial.rate) if trial.rate else f"{plural(trial.loaders or 0, 'loader')}, unbounded"
        for_s = f"{seconds(trial.seconds)} and a drain, {clock(measured.trial_s)} so far"
        yield f"trial {number}: {load}, {_WORDS[trial.purpose]}; {for_s}", "accent"


def _next(after: tuple[Step, Step] | None) -> Iterator[str]:
    if after is None:
        return
    held, missed = map(_step, after)
    yield held if held == missed else f"{held} if it holds, {missed} if not"


def _step(step: Step) -> str:
    if not isinstance(step, Trial):
        return "the end of this deployment"
    return f"{rate_of(step.rate)}{' for long' if step.purpose is Purpose.CONFIRM else ''}"


def _left(measured: Measured) -> Iterator[str]:
    if measured.over or measured.stopping:
        return
    done = sum(one.status is Status.COMPLETE for one in measured.result.deployments)
    still = measured.deployments - done
    yield f"about {seconds(measured.left_s)} for {plural(still, 'deployment')}"


def _then(result: Result, rival: Rival) -> Iterator[str]:
    then = rival.result
    if then is None or then.score is None:
        if rival.ghost is not None:
            yield f"{rival.name}: it has no score, see its figures beside these on the dashboard"
        return
    sure = f" ± {percent(then.score.half_width)}" if then.score.half_width is not None else ""
    mine = result.score
    if mine is None:
        ahead = ""
    elif then.asked.rule is not result.asked.rule:
        ahead = "; by another rule, not to be compared"
    else:
        ahead = f"; this run carries {100 * mine.v / then.score.v - 100:+.1f} %"
    yield f"{rival.name} carried {rate_of(then.score.v)}{sure}{ahead}"


def _kept(measured: Measured) -> Iterator[str]:
    yield str(measured.path)
    if measured.over and measured.result.status is not Status.COMPLETE and measured.resumed_by:
        yield f"to go on: {measured.resumed_by}"


# --- the list of trials ---------------------------------------------------------------------------------------------


def trials(measured: Measured, cells: int) -> Picture:
    """Return the trials of the deployment at work, the latest first, and before them what earlier ones found."""
    tried = measured.search.tried if measured.search else ()
    rows = [_trial(number, one, cells) for number, one in enumerate(tried, 1)][::-1]
    others = [
        one
        for one in measured.result.deployments
        if measured.deployment is None or one.number != measured.deployment.number or measured.over
    ]
    rows += [_deployment(one, cells) for one in reversed(others)]
    found = rows or [line(("none yet", "dim"))]
    held = sum(one.held for one in tried)
    extra = line((f"{len(tried)} made, {held} held", "dim")) if tried else ()
    return Picture(line(("so far", "title")), extra=extra, rows=tuple(found))


def _trial(number: int, one: Tried, cells: int) -> Line:
    seen = one.result
    reasons = [reason for reason in one.judgement.reasons if not reason.startswith("p99")]
    if seen.bottleneck is not None and not one.held and one.valid:
        reasons.insert(0, f"{seen.bottleneck.component}: {seen.bottleneck.why}")
    load = rate(one.trial.rate) if one.trial.rate else plural(one.loaders, "loader")
    row = line(
        (right(str(number), 3) + " ", "dim"),
        MARKS[one.judgement.outcome],
        (f" {left(one.judgement.outcome.value, 7)} ", "text"),
        (right(load, 8), "strong"),
        ("  p99 ", "dim"),
        right(millis(seen.p99_ms), 6),
        (f"  {clean('; '.join(reasons))}", "dim"),
    )
    return fit(row, cells)


def _deployment(one: DeploymentResult, cells: int) -> Line:
    found = one.capacity
    text = (
        f"{rate_of(found.v)} ± {percent(found.high / found.v - 1)}"
        if found
        else one.reason or one.status.value
    )
    if one.bottleneck is not None:
        text += f", limited by {one.bottleneck.component}"
    special = "" if one.variant.value == "full" else f" {one.variant.value}"
    head = f"deployment {one.number}, scale {one.scale}{special}: "
    return fit(line((head, "dim"), clip(clean(text), max(0, cells - len(head)))), cells)
