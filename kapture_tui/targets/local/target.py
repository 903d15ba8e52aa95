"""This machine as a target: what the console calls, carried to the supervisor."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing, suppress

import psutil

from kapture_tui.model.errors import KaptureError, UsageError
from kapture_tui.model.event import Event, EventKind
from kapture_tui.model.snapshot import Phase
from kapture_tui.model.spec import Component, StackSpec
from kapture_tui.model.wire import from_wire
from kapture_tui.stack.catalogue import check_scale
from kapture_tui.targets.base import Environment, Finding, Observation, Place
from kapture_tui.targets.local import environment, kafka, preflight
from kapture_tui.targets.local.client import SUPERVISOR, absent, ask, start_supervisor
from kapture_tui.targets.local.journal import now
from kapture_tui.targets.local.logs import log_files, read_logs
from kapture_tui.targets.local.protocol import (
    Control,
    Deploy,
    Destroy,
    Kill,
    Observe,
    Request,
    Restart,
    Scale,
)
from kapture_tui.targets.local.state import Owner, RunFile, StateDirectory
from kapture_tui.targets.local.usage import processes_of_run

TICK_S = 1.0
LEAVE_S = 10.0
"""How long the last processes may take to go once the supervisor has said that everything is gone, seconds."""


class LocalTarget:
    """A stack as child processes of this machine. See `Target`.

    Args:
        supervisor: the module to run as the supervisor process.
    """

    name = "local"

    def __init__(self, namespace: str, supervisor: str = SUPERVISOR) -> None:
        self.namespace = namespace
        self._supervisor = supervisor
        self.state = StateDirectory.of(namespace)

    async def place(self) -> Place:
        """See `Target`."""
        return Place("", "", "", self.namespace, self.state.owner() is not Owner.NOBODY)

    async def spec(self) -> StackSpec | None:
        """See `Target`."""
        async with aclosing(self.observe()) as observations:
            return (await anext(observations)).spec

    async def denied(self) -> Mapping[str, str]:
        """See `Target`. Whoever starts a process may end it."""
        return {}

    async def close(self) -> None:
        """See `Target`. There is nothing to let go: each call has a connection of its own."""

    async def preflight(self, spec: StackSpec) -> list[Finding]:
        """See `Target`."""
        spec.check()
        return await asyncio.to_thread(preflight.look, spec)

    async def environment(self, spec: StackSpec) -> Environment:
        """See `Target`."""
        return await asyncio.to_thread(environment.look, spec)

    async def deploy(self, spec: StackSpec) -> AsyncIterator[Event]:
        """See `Target`. A stack that runs is given the components it lacks; anything else raises UsageError."""
        spec.check()
        began_s = time.monotonic()
        if self.state.owner() is not Owner.LIVE:
            yield _step("state", False, "looking at this machine")
            await asyncio.to_thread(preflight.refuse, spec)
            await start_supervisor(self.state, self._supervisor)
            yield _step("state", True, str(self.state.path), time.monotonic() - began_s)
        brokers = await asyncio.to_thread(kafka.count, spec.kafka_bootstrap) if spec.kafka_bootstrap else 1
        async for kind, value in ask(self.state, Deploy(spec, brokers)):
            if kind == "event":
                yield from_wire(Event, value)

    async def observe(self) -> AsyncGenerator[Observation, None]:
        """See `Target`."""
        last: Observation | None = None
        while True:
            with suppress(KaptureError):
                async for kind, value in ask(self.state, Observe()):
                    if kind == "observation":
                        last = from_wire(Observation, value)
                        yield last
            missing = self._missing(last)
            last = missing if missing.phase is not Phase.NONE or last is None else last
            yield missing
            await asyncio.sleep(TICK_S)

    def _missing(self, last: Observation | None) -> Observation:
        """What there is to see while no supervisor answers."""
        owner = self.state.owner()
        if owner is Owner.LIVE:
            phase = last.phase if last else Phase.DEPLOYING
            spec = last.spec if last else None
            return Observation(
                spec, last.run_id if last else "", phase, unavailable={"observer": "no answer"}
            )
        if owner is Owner.DEAD:
            reason = str(absent(self.state, f"observing {self.namespace}"))
            known = last is not None and last.phase is Phase.FAILED
            events = () if known else (Event(now(), EventKind.ALARM, "", reason),)
            run = self.state.run()
            run_id = last.run_id if last else run.run_id if run else ""
            spec = last.spec if last else None
            return Observation(spec, run_id, Phase.FAILED, events=events, unavailable={"observer": reason})
        if last is not None and last.phase is not Phase.NONE:
            return Observation(
                last.spec, last.run_id, Phase.GONE, unavailable={"observer": "the stack is gone"}
            )
        return Observation(None, "", Phase.NONE, unavailable={"observer": "not deployed"})

    async def scale(self, component: Component, replicas: int) -> None:
        """See `Target`. Returns when surplus processes have ended; new ones are starting by then."""
        check_scale(component, replicas)
        await self._do(Scale(component, replicas))

    async def restart(self, component: Component) -> None:
        """See `Target`. Raises UsageError for the embedded broker, which would lose everything."""
        await self._do(Restart(component))

    async def kill(self, pod: str) -> None:
        """See `Target`."""
        await self._do(Kill(pod))

    async def lose_one(self, component: Component) -> None:
        """See `Target`: this machine has nothing that could do with one less."""
        raise UsageError(f"losing one {component.value}", "a stack on this machine has none to spare")

    async def control(self, rate: float | None, paused: bool) -> None:
        """See `Target`."""
        await self._do(Control(rate, paused))

    async def _do(self, request: Request) -> None:
        async for _ in ask(self.state, request):
            pass

    async def logs(self, subject: str, lines: int = 200, follow: bool = False) -> AsyncIterator[str]:
        """See `Target`. Reads the files themselves, so a stack whose supervisor died still has its logs."""
        files = log_files(self.state.logs, subject)
        if not files:
            known = ", ".join(sorted(path.stem for path in self.state.logs.glob("*.log")))
            remedy = f"one of {known}" if known else ""
            raise UsageError(f"logs of {subject}", "there are none", remedy)
        async for line in read_logs(files, lines, follow):
            yield line

    async def destroy(self, purge: bool = False) -> AsyncIterator[Event]:
        """See `Target`. Nothing outlives a stack here, purged or not. Raises UsageError when there is no such stack."""
        run, owner = self.state.run(), self.state.owner()
        if owner in (Owner.NOBODY, Owner.FOREIGN):
            raise absent(self.state, f"removing {self.namespace}")
        left: list[str] = []
        if owner is Owner.LIVE:
            async for kind, value in ask(self.state, Destroy()):
                if kind == "event":
                    yield from_wire(Event, value)
                elif kind == "done":
                    left = value
        else:
            yield Event(
                now(), EventKind.STEP, "", "removing what a dead supervisor left", "remove-state", False
            )
            await asyncio.to_thread(_end_processes, run)
            self.state.remove()
        left += await asyncio.to_thread(self._left, run)
        if left:
            yield Event(now(), EventKind.ALARM, "", f"left of {self.namespace}: {'; '.join(left)}")
        else:
            yield Event(now(), EventKind.STEP, "", f"nothing left in {self.namespace}", "nothing-left", True)

    def _left(self, run: RunFile | None) -> list[str]:
        """What can still be found of a run: processes and files, in words. Blocks while its last processes go."""
        left = []
        if run is not None:
            deadline = time.monotonic() + LEAVE_S
            while (alive := processes_of_run(run.run_id)) and time.monotonic() < deadline:
                psutil.wait_procs(alive, timeout=0.2)
            left += [f"process {process.pid}" for process in alive]
            if os.path.exists(run.socket):
                left.append(f"socket {run.socket}")
        if self.state.owner() is not Owner.NOBODY:
            left.append(f"state directory {self.state.path}")
        return left


def _step(name: str, done: bool, text: str, seconds: float | None = None) -> Event:
    return Event(now(), EventKind.STEP, "", text, name, done, seconds)


def _end_processes(run: RunFile | None) -> None:
    """Wait for what a dead supervisor's wrappers are ending, and end what they do not. Blocks."""
    if run is None:
        return
    _, stubborn = psutil.wait_procs(processes_of_run(run.run_id), timeout=LEAVE_S)
    for process in stubborn:
        with suppress(psutil.Error):
            process.kill()
