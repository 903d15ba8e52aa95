"""A run of `bench` before it begins: how it measures within its budget, what its file is called, what resumes it."""

from __future__ import annotations

import shlex
import time
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from functools import partial
from pathlib import Path

from kapture_tui.bench import heartbeat, kapture_rule
from kapture_tui.bench.budget import USUAL_EACH_MIN, USUAL_MIN, plan_for
from kapture_tui.bench.judge import Objectives
from kapture_tui.bench.result import Asked, Result, Rule
from kapture_tui.bench.search import Method, Plan, look
from kapture_tui.model.spec import Component, LoadSpec, StackSpec
from kapture_tui.model.times import timestamp

DEPLOY_S = {"local": 20.0, "kubernetes": 80.0, "simulated": 0.0}
"""What a deployment and its removal take, about, seconds."""

REPEATS = 6
"""The default of --repeats: with three, 90 % of t are 2.9 standard errors, and an interval says little."""

LEAST_REPEATS = 3
"""With fewer, nothing says how sure a score is."""

STEP_S = (20.0, 180.0)
"""A step of Kapture's rule lasts between these; its own lasted 300 s, of which 180 counted."""

LETTERS = {
    Component.REDIS: "r",
    Component.ELASTICSEARCH: "e",
    Component.PROMETHEUS: "p",
    Component.MONGO: "m",
    Component.POSTGRES: "o",
    Component.ZOOKEEPER: "z",
}
"""What the command line calls a component that can be measured."""


@dataclass(frozen=True, slots=True)
class Way:
    """How it is measured. `seconds`: about how long each deployment takes. `start`: the first load, a second."""

    method: Method
    seconds: float
    start: float


def asked_for(
    spec: StackSpec,
    target: str,
    budget_min: float | None = None,
    repeats: int = REPEATS,
    p99_ms: float = Objectives().p99_ms,
    rule: Rule = Rule.CAPACITY,
    scales: tuple[int, ...] = (),
    minus_one: bool = False,
    auto_loaders: bool = False,
    price_per_hour: float | None = None,
    simulate: str | None = None,
) -> Asked:
    """What decides what the figures mean.

    Args:
        scales: none for that of the stack.
        budget_min: minutes for all of it; None: as many as are usual for so many deployments.
    """
    asked = Asked(
        target=target,
        scales=scales or (spec.scale,),
        components=tuple(sorted(component.value for component in spec.components)),
        # The search sets the rate, and there are no shoppers.
        load=replace(spec.load, rate=None, shoppers=LoadSpec().shoppers),
        repeats=repeats,
        budget_min=budget_min or USUAL_MIN,
        p99_ms=p99_ms,
        rule=rule,
        minus_one=minus_one,
        auto_loaders=auto_loaders,
        price_per_hour=price_per_hour,
        storage=spec.cluster.storage,
        redis_count=spec.cluster.redis_count,
        cpu_limits=spec.cluster.cpu_limits,
        kustomize=spec.cluster.kustomize is not None,
        simulate=simulate,
    )
    if budget_min is not None:
        return asked
    return replace(asked, budget_min=max(USUAL_MIN, USUAL_EACH_MIN * deployments(asked)))


def way_of(asked: Asked) -> Way:
    """How to measure within the budget. Raises UsageError when it is too short."""
    deploy_s = DEPLOY_S[asked.target]
    number = deployments(asked)
    each_s = asked.budget_min * 60 / number
    if asked.rule is Rule.HEARTBEAT:
        trials = max(3, int((each_s - deploy_s) / (heartbeat.SECONDS + heartbeat.AROUND_S)))
        return Way(partial(heartbeat.look, heartbeat.RATE, trials), each_s, heartbeat.RATE)
    if asked.rule is Rule.KAPTURE:
        step_s = min(max((each_s - deploy_s) / kapture_rule.USUAL, STEP_S[0]), STEP_S[1])
        return Way(partial(kapture_rule.look, step_s), deploy_s + kapture_rule.USUAL * step_s, Plan().start)
    plan = plan_for(asked.budget_min, number, deploy_s, Objectives(asked.p99_ms))
    return Way(partial(look, plan), plan.seconds, plan.start)


def deployments(asked: Asked) -> int:
    """How many there will be, if none fails."""
    return asked.repeats * len(asked.scales) * (2 if asked.minus_one else 1)


def begun(asked: Asked, seed: int) -> Result:
    """A new result, named after now and what was asked for."""
    now = timestamp(time.time())
    letters = "".join(LETTERS.get(Component.named(name), "") for name in asked.components)
    kind = "" if asked.rule is Rule.CAPACITY else f"-{asked.rule.value}"
    stamp = now[:19].replace("-", "").replace(":", "")
    name = f"{stamp}-{asked.target}-{asked.scales[0]}{'-' if letters else ''}{letters}{kind}"
    return Result(id=name, asked=asked, started=now, seed=seed)


def with_manifests(result: Result, spec: StackSpec) -> Result:
    """The result with the hash of what is deployed on a cluster. Raises UsageError: the overlay cannot be built."""
    if result.asked.target != "kubernetes":
        return result
    from kapture_tui.bench.environment import manifests_hash

    overlay = spec.cluster.kustomize
    return replace(result, manifests_sha256=manifests_hash(Path(overlay) if overlay else None))


def resumed_by(spec: StackSpec, asked: Asked, context: str = "") -> str:
    """The command line that goes on with a run that was cut off. Addresses of servers are left out of it: they may
    hold passwords."""
    return shlex.join((*_words(spec, asked), *(("--context", context) if context else ()), "--resume"))


def _words(spec: StackSpec, asked: Asked) -> Iterator[str]:
    yield from ("kapture-tui", "bench", spec.namespace, str(asked.scales[0]))
    letters = "".join(letter for component, letter in LETTERS.items() if component in spec.components)
    if letters:
        yield f"-{letters}"
    yield from ("--target", asked.target)
    yield from ("--budget", f"{asked.budget_min:g}", "--repeats", str(asked.repeats))
    yield from ("--p99", f"{asked.p99_ms / 1000:g}")
    usual = LoadSpec()
    for field in fields(LoadSpec):
        value = getattr(asked.load, field.name)
        if value is True:
            yield f"--{field.name}"
        elif value != getattr(usual, field.name):
            yield from (f"--{field.name}", f"{value:g}" if isinstance(value, float) else str(value))
    if spec.cluster.kustomize:
        yield from ("--kustomize", spec.cluster.kustomize)
    for option, value in (("--storage", asked.storage), ("--redis-count", asked.redis_count)):
        if value not in ("ephemeral", 1):
            yield from (option, str(value))
    if asked.cpu_limits:
        yield "--cpu-limits"
