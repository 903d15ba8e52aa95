"""`bench`: fresh deployments, a search on each, and what they prove."""

from __future__ import annotations

import time
from contextlib import aclosing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from kapture_tui.bench import heartbeat, kapture_rule
from kapture_tui.bench.budget import plan_for
from kapture_tui.bench.campaign import Campaign, Progress, Site
from kapture_tui.bench.catalogue import own_folder, unfinished
from kapture_tui.bench.judge import Objectives
from kapture_tui.bench.result import Asked, Result, Rule, Status
from kapture_tui.bench.search import Method, Plan, Tried, look
from kapture_tui.bench.simulate import SimulatedSite, load
from kapture_tui.bench.store import write
from kapture_tui.bench.trial import Purpose, Trial
from kapture_tui.cli import figures, results, running, stack
from kapture_tui.cli.options import COMPONENTS
from kapture_tui.cli.output import note, say
from kapture_tui.cli.question import Consent, agreed, check
from kapture_tui.cli.settings import Bench
from kapture_tui.model.errors import UsageError
from kapture_tui.model.times import timestamp
from kapture_tui.tui.figures import plural
from kapture_tui.tui.questions import deployment

if TYPE_CHECKING:
    from kapture_tui.targets.base import Target

DEPLOY_S = {"local": 20.0, "kubernetes": 80.0, "simulated": 0.0}
"""What a deployment and its removal take, about, seconds."""

_LETTERS = {o.component.value: o.flags[0][1:] for o in COMPONENTS.options if o.component is not None}
"""By component, the letter that chooses it."""

STEP_S = (20.0, 180.0)
"""A step of Kapture's rule lasts between these; its own lasted 300 s, of which 180 counted."""

STEPS = 8
"""Loaders until the first decline, as a guess for the budget."""


def run(command: Bench) -> int:
    """Do it; see `settings.Bench`."""
    asked = asked_for(command)
    way = way_of(command, asked)
    if command.simulate:
        site = SimulatedSite(load(command.simulate))
        return running.run(_measure(command, way, start(command, asked), site))
    from kapture_tui.targets import open_target

    target = open_target(command.target, command.spec.namespace, command.connection)
    return running.run(stack.closed(target, _on(command, target, asked, way)))


@dataclass(frozen=True, slots=True)
class Way:
    """How it is measured. `seconds`: about how long each deployment takes. `start`: the first load, a second."""

    method: Method
    seconds: float
    start: float


def asked_for(command: Bench) -> Asked:
    """The part of the command that decides what the figures mean."""
    spec = command.spec
    rule = Rule.HEARTBEAT if command.heartbeat else Rule(command.rule)
    return Asked(
        target=command.target,
        scales=command.scales,
        components=tuple(sorted(component.value for component in spec.components)),
        load=spec.load,
        repeats=command.repeats,
        budget_min=command.budget_min,
        p99_ms=command.p99_s * 1000,
        rule=rule,
        minus_one=command.minus_one,
        auto_loaders=command.auto_loaders,
        price_per_hour=command.price_per_hour,
        storage=spec.cluster.storage,
        redis_count=spec.cluster.redis_count,
        cpu_limits=spec.cluster.cpu_limits,
        kustomize=spec.cluster.kustomize is not None,
        simulate=command.simulate,
    )


def way_of(command: Bench, asked: Asked) -> Way:
    """How to measure within the budget. Raises UsageError when it is too short."""
    deploy_s = DEPLOY_S[command.target]
    number = deployments(asked)
    each_s = command.budget_min * 60 / number
    if asked.rule is Rule.HEARTBEAT:
        trials = max(3, int((each_s - deploy_s) / (heartbeat.SECONDS + heartbeat.AROUND_S)))
        return Way(partial(heartbeat.look, heartbeat.RATE, trials), each_s, heartbeat.RATE)
    if asked.rule is Rule.KAPTURE:
        step_s = min(max((each_s - deploy_s) / STEPS, STEP_S[0]), STEP_S[1])
        return Way(partial(kapture_rule.look, step_s), deploy_s + STEPS * step_s, Plan().start)
    plan = plan_for(command.budget_min, number, deploy_s, Objectives(asked.p99_ms))
    return Way(partial(look, plan), plan.seconds, plan.start)


def deployments(asked: Asked) -> int:
    """How many there will be, if none fails."""
    return asked.repeats * len(asked.scales) * (2 if asked.minus_one else 1)


def start(command: Bench, asked: Asked) -> Result:
    """A new result, or with --resume the one to go on with. Raises UsageError when there is none."""
    if command.resume:
        return unfinished(asked, command.folder or own_folder())
    now = timestamp(time.time())
    letters = "".join(_LETTERS[name] for name in asked.components)
    kind = "" if asked.rule is Rule.CAPACITY else f"-{asked.rule.value}"
    stamp = now[:19].replace("-", "").replace(":", "")
    name = f"{stamp}-{asked.target}-{asked.scales[0]}{'-' if letters else ''}{letters}{kind}"
    return Result(id=name, asked=asked, started=now, seed=command.spec.load.seed)


async def _on(command: Bench, target: Target, asked: Asked, way: Way) -> int:
    """Measure on a real stack, once that is agreed. Raises UsageError when one runs there already."""
    from kapture_tui.bench.environment import manifests_hash
    from kapture_tui.bench.live import LiveSite

    consent = Consent(command.yes, command.connection.context is not None)
    check(target, consent)
    if target.name != "local" and (await stack.look(target)).spec is not None:
        name = command.spec.namespace
        raise UsageError(f"benchmarking {name}", "a stack runs there", f"kapture-tui down {name} first")
    await stack.check(target, command.spec)
    result = start(command, asked)
    then = ("then", f"measures and removes it, {deployments(asked)} times over")
    await agreed(target, consent, deployment(command.spec), then)
    if target.name != "local":
        overlay = command.spec.cluster.kustomize
        result = replace(result, manifests_sha256=manifests_hash(Path(overlay) if overlay else None))
    objectives = Objectives(asked.p99_ms)
    site = LiveSite(target, command.spec, objectives, way.start, stack.tell, command.with_names)
    return await _measure(command, way, result, site)


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
