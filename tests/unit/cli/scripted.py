"""A target that shows what a test wrote down: a fake at the boundary of our own protocol."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Sequence

from kapture_tui.model.errors import KaptureError, UsageError
from kapture_tui.model.event import Event, EventKind
from kapture_tui.model.ledger import GroupLedger, Ledger
from kapture_tui.model.snapshot import FlowView, GroupLag, KafkaView, ObserverReport, Phase, PodRow, TopicView
from kapture_tui.model.spec import Component, StackSpec
from kapture_tui.targets.base import Finding, Observation, Place

SPEC = StackSpec("demo", 1, frozenset({Component.REDIS}))
NOTHING = Observation(None, "", Phase.NONE)
TIME = "2016-05-04T12:00:00.000Z"


def event(kind: EventKind, text: str, subject: str = "") -> Event:
    return Event(TIME, kind, subject, text)


def report(delivered: int = 0, drained: bool = False, seq: int = 1, **faults: int) -> ObserverReport:
    """What the observer says of a stack whose two groups have stored so many messages of 100."""
    groups = {name: GroupLedger(delivered, **faults) for name in ("etl", "etl-redis")}
    lags = {name: GroupLag(0 if drained else 100 - delivered, 5.0, 0.5) for name in groups}
    return ObserverReport(
        TIME,
        seq,
        kafka=KafkaView(1, total=TopicView(51, 100, 10.0, lags)),
        flow=FlowView(10.0, 10.0, 9.0),
        ledger=Ledger(100, 100, groups=groups),
        drained=drained,
    )


def seen(phase: Phase = Phase.STARTING, *events: Event, **figures: int) -> Observation:
    pods = tuple(PodRow(f"etl-{number}", "etl", "Running", ready=True) for number in range(2))
    return Observation(SPEC, "run", phase, 1.0, pods, report(**figures) if figures else None, 0.1, events)


class ScriptedTarget:
    """Shows `before` until the loaders are stopped, then `after`; each of them repeats its last observation."""

    name = "local"
    namespace = "demo"

    def __init__(
        self,
        before: Sequence[Observation],
        after: Sequence[Observation] = (),
        findings: Sequence[Finding] = (),
        left: str = "",
        on_observation: Callable[[int], None] = lambda _: None,
        name: str = "local",
    ) -> None:
        self.name = name
        self.script = list(before)
        self.last = self.script[0]
        self.after = list(after)
        self.findings = list(findings)
        self.left = left
        self.on_observation = on_observation
        self.calls: list[str] = []

    async def place(self) -> Place:
        return Place("lab", "https://lab:6443", "jay", self.namespace, exists=False)

    async def spec(self) -> StackSpec | None:
        return (await anext(self.observe())).spec

    async def close(self) -> None:
        self.calls.append("close")

    async def preflight(self, spec: StackSpec) -> list[Finding]:
        return self.findings

    async def deploy(self, spec: StackSpec) -> AsyncIterator[Event]:
        self.calls.append(f"deploy {sorted(c.value for c in spec.components)}")
        yield Event(TIME, EventKind.STEP, "broker", "broker starts", "broker", False)
        yield Event(TIME, EventKind.STEP, "broker", "broker ready", "broker", True, 0.25)

    async def observe(self) -> AsyncIterator[Observation]:
        for number in itertools.count():
            self.on_observation(number)
            if self.script:
                self.last = self.script.pop(0)
            yield self.last
            for _ in range(3):  # let whoever reads have a look at each of them
                await asyncio.sleep(0)

    async def scale(self, component: Component, replicas: int) -> None:
        self.calls.append(f"scale {component.value} {replicas}")
        if component is Component.LOADER and replicas == 0:
            self.script = list(self.after)

    async def destroy(self, purge: bool = False) -> AsyncIterator[Event]:
        if "destroy" in self.calls:
            raise KaptureError("destroyed twice")
        if self.last.phase in (Phase.NONE, Phase.GONE):
            raise UsageError("no stack called demo")
        self.calls.append("destroy, volumes too" if purge else "destroy")
        kind = EventKind.ALARM if self.left else EventKind.STEP
        yield event(kind, self.left or "nothing left in demo")
