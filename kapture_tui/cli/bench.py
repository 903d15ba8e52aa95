"""`bench`: fresh deployments, a search on each, and what they prove."""

from __future__ import annotations

from contextlib import aclosing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from kapture_tui.bench import order
from kapture_tui.bench.campaign import Campaign, Progress, Site
from kapture_tui.bench.catalogue import own_folder, unfinished
from kapture_tui.bench.judge import Objectives
from kapture_tui.bench.order import Way, begun, deployments, way_of, with_manifests
from kapture_tui.bench.result import Asked, Result, Rule, Status
from kapture_tui.bench.search import Tried
from kapture_tui.bench.simulate import SimulatedSite, load
from kapture_tui.bench.store import write
from kapture_tui.bench.trial import Purpose, Trial
from kapture_tui.cli import figures, plain, results, running, stack
from kapture_tui.cli.output import note, say
from kapture_tui.cli.question import Consent, agreed, check
from kapture_tui.cli.settings import Bench
from kapture_tui.model.errors import UsageError
from kapture_tui.tui.figures import plural
from kapture_tui.tui.questions import deployment

if TYPE_CHECKING:
    from kapture_tui.targets.base import Target


def run(command: Bench) -> int:
    """Do it; see `settings.Bench`."""
    asked = asked_for(command)
    way = way_of(asked)
    if command.simulate:
        site = SimulatedSite(load(command.simulate))
        return running.run(_measure(command, way, start(command, asked), site))
    from kapture_tui.targets import open_target

    target = open_target(command.target, command.spec.namespace, command.connection)
    if command.json or command.plain or plain.wanted():
        return running.run(stack.closed(target, _on(command, target, asked, way)))
    # What is asked for comes before the screen, which has connections of its own.
    made: list[Result] = []
    code = running.run(stack.closed(target, _agree(command, target, asked, made)))
    return _shown(command, *made) if made else code


def asked_for(command: Bench) -> Asked:
    """The part of the command that decides what the figures mean."""
    return order.asked_for(
        command.spec,
        command.target,
        budget_min=command.budget_min,
        repeats=command.repeats,
        p99_ms=command.p99_s * 1000,
        rule=Rule.HEARTBEAT if command.heartbeat else Rule(command.rule),
        scales=command.scales,
        minus_one=command.minus_one,
        auto_loaders=command.auto_loaders,
        price_per_hour=command.price_per_hour,
        simulate=command.simulate,
    )


def start(command: Bench, asked: Asked) -> Result:
    """A new result, or with --resume the one to go on with. Raises UsageError when there is none."""
    if command.resume:
        return unfinished(asked, command.folder or own_folder())
    return begun(asked, command.spec.load.seed)


async def _on(command: Bench, target: Target, asked: Asked, way: Way) -> int:
    """Measure on a real stack, once that is agreed. Raises UsageError when one runs there already."""
    from kapture_tui.bench.live import LiveSite

    result = await _agreed(command, target, asked)
    objectives = Objectives(asked.p99_ms)
    site = LiveSite(target, command.spec, objectives, way.start, stack.tell, command.with_names)
    return await _measure(command, way, result, site)


async def _agreed(command: Bench, target: Target, asked: Asked) -> Result:
    """The result to begin or to go on with, once all is there and agreed."""
    consent = Consent(command.yes, command.connection.context is not None)
    check(target, consent)
    if target.name != "local" and (await stack.look(target)).spec is not None:
        name = command.spec.namespace
        raise UsageError(f"benchmarking {name}", "a stack runs there", f"kapture-tui down {name} first")
    await stack.check(target, command.spec)
    result = start(command, asked)
    then = ("then", f"measures and removes it, {deployments(asked)} times over")
    await agreed(target, consent, deployment(command.spec), then)
    return with_manifests(result, command.spec)


async def _agree(command: Bench, target: Target, asked: Asked, made: list[Result]) -> int:
    """As `_agreed`, for one loop of its own: puts the result into `made`."""
    made.append(await _agreed(command, target, asked))
    return 0


def _shown(command: Bench, result: Result) -> int:
    """Measure in the console, and say at its end what was found."""
    from kapture_tui.targets import open_target
    from kapture_tui.tui import ConsoleOptions, run_bench

    options = ConsoleOptions(
        open_target,
        command.spec,
        target=command.target,
        theme=command.theme,
        connection=command.connection,
        yes=True,
        results=command.folder,
    )
    return run_bench(result, options, command.with_names)


async def _measure(command: Bench, way: Way, result: Result, site: Site) -> int:
    """Make the run, telling each trial; print what it found."""
    path = (command.folder or own_folder()) / f"{result.id}.json"
    campaign = Campaign(result, way.method, site, partial(write, path))
    _tell_plan(result, way, path)
    told = _Told()
    try:
        async with aclosing(campaign.run()) as progress:
            async for one in progress:
                told.tell(one)
    finally:
        _report(command, campaign.result, path)
    return 0 if campaign.result.status is Status.COMPLETE else 1


def _tell_plan(result: Result, way: Way, path: Path) -> None:
    done = sum(one.status is Status.COMPLETE for one in result.deployments)
    left = deployments(result.asked) - done
    if result.asked.simulate:
        note(f"{left} simulated deployments, kept in {path}")
    else:
        note(f"{left} deployments of about {way.seconds / 60:.0f} minutes each, kept in {path}")


class _Told:
    """Tells each trial once, as it ends."""

    def __init__(self) -> None:
        self._deployment = 0
        self._trials = 0

    def tell(self, progress: Progress) -> None:
        """A line for the trial that ended, and one for what a deployment found."""
        now, search = progress.deployment, progress.search
        if now.number != self._deployment:
            self._deployment, self._trials = now.number, 0
            note(f"deployment {now.number}, scale {now.scale}, {now.variant.value}")
        for tried in search.tried[self._trials :]:
            note(f"  {trial_line(tried)}")
        self._trials = len(search.tried)
        if not isinstance(search.step, Trial):
            note(f"  {results.finding(now)}")


def trial_line(tried: Tried) -> str:
    """A trial in one line."""
    seen = tried.result
    if tried.trial.purpose is Purpose.GENERATORS:
        return f"{plural(tried.loaders, 'loader')}: {figures.rate(seen.offered_per_s)}"
    reasons = [reason for reason in tried.judgement.reasons if not reason.startswith("p99")]
    why = f"  {'; '.join(reasons)}" if reasons else ""
    limit = f"  ({seen.bottleneck.component}: {seen.bottleneck.why})" if seen.bottleneck else ""
    outcome, p99 = tried.judgement.outcome.value, figures.milliseconds(seen.p99_ms)
    return f"{figures.rate(tried.trial.rate):>10} {outcome:<7} p99 {p99:>8}{why}{limit}"


def _report(command: Bench, result: Result, path: Path) -> None:
    for line in results.summary(result):
        (note if command.json else say)(line)
    if result.status is Status.INTERRUPTED:
        note(f"kept in {path}; the same line with --resume goes on")
    if command.json:
        say(results.as_json(result))
