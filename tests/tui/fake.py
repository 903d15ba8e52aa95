"""A target that does what a test tells it: the protocol is ours, so this is where the tests may pretend."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field

from kapture_tui.model.errors import KaptureError
from kapture_tui.model.event import Event, EventKind
from kapture_tui.model.snapshot import Phase
from kapture_tui.model.spec import Component, StackSpec
from kapture_tui.targets.base import Finding, Observation, Place

FINDINGS = (
    Finding("machine", True, "2 cores, 24 GB"),
    Finding("kafka", True, "embedded broker, in memory"),
    Finding("redis", True, "valkey 9.1, packaged"),
    Finding("elasticsearch", False, "no server", "set ELASTICSEARCH_HOME or give a URL"),
    Finding("postgres", False, "not in this release"),
    Finding("mongo", False, "not in this release"),
    Finding("webapp", False, "not in this release"),
    Finding("prometheus", False, "not in this release"),
    Finding("zookeeper", False, "the embedded broker has no quorum", "set KAFKA_HOME"),
)

STEPS = (
    ("supervisor", "supervisor listens", 0.21),
    ("broker", "embedded broker, 104 topics", 0.42),
    ("redis", "valkey 9.1 on a unix socket", 0.06),
    ("consumers", "2 etl, 2 etl-redis joined their groups", 1.14),
    ("observer", "observer reports", 0.38),
    ("loaders", "2 loaders send", 0.74),
)


def step(name: str, text: str, done: bool, seconds: float | None = None, subject: str = "") -> Event:
    """Return an event of a deploy or a teardown."""
    return Event("2026-01-02T17:00:00.000Z", EventKind.STEP, subject or name, text, name, done, seconds)


def deploy_events() -> list[Event]:
    """Return a whole deploy."""
    events = []
    for name, text, seconds in STEPS:
        events += [step(name, f"starting {name}", False), step(name, text, True, seconds)]
    return events


@dataclass
class ScriptedTarget:
    """Answers from a script and writes down what it was asked to do.

    Attributes:
        events: of the deploy, in order; an exception among them is raised there.
        gate: if given, deploy and destroy wait for it before each event after the first.
        done: (verb, arguments…) of every change it was asked for.
        where: what it says about its place.
        missing: what the user may not do.
        closed: how often it was.
    """

    namespace: str = "perf-test"
    name: str = "local"
    findings: Sequence[Finding] = FINDINGS
    events: Sequence[Event | KaptureError] = field(default_factory=deploy_events)
    removal: Sequence[Event | KaptureError] = ()
    gate: asyncio.Semaphore | None = None
    refusal: KaptureError | None = None
    log: Sequence[str] = ()
    done: list[tuple[object, ...]] = field(default_factory=list)
    closed: int = 0
    where: Place | KaptureError | None = None
    missing: Mapping[str, str] = field(default_factory=dict)

    async def place(self) -> Place:
        if isinstance(self.where, KaptureError):
            raise self.where
        return self.where or Place("lab", "https://lab:6443", "jay", self.namespace, exists=False)

    async def spec(self) -> StackSpec | None:
        async for observation in self.observe():
            return observation.spec
        return None

    async def denied(self) -> Mapping[str, str]:
        return self.missing

    async def close(self) -> None:
        self.closed += 1

    async def preflight(self, spec: StackSpec) -> list[Finding]:
        return list(self.findings)

    async def deploy(self, spec: StackSpec) -> AsyncIterator[Event]:
        self.done.append(("deploy", spec))
        async for event in self._play(self.events):
            yield event

    async def observe(self) -> AsyncIterator[Observation]:
        yield Observation(None, "", Phase.NONE)

    async def scale(self, component: Component, replicas: int) -> None:
        if self.refusal is not None:
            raise self.refusal
        self.done.append(("scale", component.value, replicas))

    async def restart(self, component: Component) -> None:
        self.done.append(("restart", component.value))

    async def kill(self, pod: str) -> None:
        self.done.append(("kill", pod))

    async def logs(self, subject: str, lines: int = 200, follow: bool = False) -> AsyncIterator[str]:
        self.done.append(("logs", subject))
        for text in self.log:
            yield text
        if follow:
            await asyncio.Event().wait()

    async def control(self, rate: float | None, paused: bool) -> None:
        self.done.append(("control", rate, paused))

    async def destroy(self, purge: bool = False) -> AsyncIterator[Event]:
        self.done.append(("destroy",))
        script = self.removal or [step("processes", f"nothing left in {self.namespace}", True, 0.3)]
        async for event in self._play(script):
            yield event

    async def _play(self, script: Sequence[Event | KaptureError]) -> AsyncIterator[Event]:
        for index, event in enumerate(script):
            if self.gate is not None and index:
                await self.gate.acquire()
            if isinstance(event, KaptureError):
                raise event
            yield event
