"""The console beside a stack that is only told: `python -m benchmark.perf.scripted_console PODS CHANGES`.

So many pods are there at once, and so many of them change every second; everything else about the stack stands still.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from dataclasses import replace
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

from kapture_tui.model.errors import UsageError
from kapture_tui.model.event import Event
from kapture_tui.model.snapshot import Phase, PodRow
from kapture_tui.model.spec import Component, StackSpec
from kapture_tui.targets.base import Finding, Observation, Place
from kapture_tui.telemetry.flight import FlightRecorder
from kapture_tui.tui import ConsoleOptions, run_console

TICK_S = 1.0
COMPONENTS = ("data-loader", "etl", "etl-redis", "kafka", "redis")
SPEC = StackSpec("perf", 2, frozenset({Component.REDIS}))


class ToldTarget:
    """A `Target` that tells of pods and does nothing."""

    name = "kubernetes"
    namespace = SPEC.namespace

    def __init__(self, pods: int, changes: int) -> None:
        self._pods = [_pod(number) for number in range(pods)]
        self._changes = changes

    async def observe(self) -> AsyncGenerator[Observation, None]:
        """See `Target`."""
        for tick in count():
            for change in range(self._changes):
                at = (tick * self._changes + change) * 7919 % len(self._pods)
                self._pods[at] = _changed(self._pods[at], tick)
            yield Observation(SPEC, "r1", Phase.STARTING, 60.0, tuple(self._pods))
            await asyncio.sleep(TICK_S)

    async def place(self) -> Place:
        """See `Target`."""
        return Place("perf", "https://perf:6443", "nobody", self.namespace, exists=True)

    async def denied(self) -> Mapping[str, str]:
        """See `Target`."""
        return {}

    async def preflight(self, spec: StackSpec) -> list[Finding]:
        """See `Target`."""
        return []

    def deploy(self, spec: StackSpec) -> AsyncIterator[Event]:
        """See `Target`."""
        raise _nothing("deploying")

    def destroy(self, purge: bool = False) -> AsyncIterator[Event]:
        """See `Target`."""
        raise _nothing("destroying")

    def logs(self, subject: str, lines: int = 200, follow: bool = False) -> AsyncIterator[str]:
        """See `Target`."""
        raise _nothing("logs")

    async def scale(self, component: Component, replicas: int) -> None:
        """See `Target`."""
        raise _nothing("scaling")

    async def restart(self, component: Component) -> None:
        """See `Target`."""
        raise _nothing("restarting")

    async def kill(self, pod: str) -> None:
        """See `Target`."""
        raise _nothing("killing")

    async def control(self, rate: float | None, paused: bool) -> None:
        """See `Target`."""
        raise _nothing("control")

    async def close(self) -> None:
        """See `Target`."""


def _nothing(doing: str) -> UsageError:
    return UsageError(doing, "this stack is only told")


def _pod(number: int) -> PodRow:
    component = COMPONENTS[number % len(COMPONENTS)]
    return PodRow(
        name=f"{component}-{number:05}",
        component=component,
        phase="Running",
        ready=True,
        age_s=3600.0,
        node=f"node-{number % 12}",
        cpu_cores=0.1,
        memory_bytes=64 << 20,
    )


def _changed(pod: PodRow, tick: int) -> PodRow:
    ready = not pod.ready
    return replace(
        pod,
        ready=ready,
        reason="" if ready else "restarting",
        cpu_cores=tick % 50 / 100,
        restarts=pod.restarts + 1,
    )


def main(pods: str, changes: str) -> int:
    """Open the console on it, and record the session as every session is."""
    target = ToldTarget(int(pods), int(changes))
    with TemporaryDirectory() as recordings:
        flight = FlightRecorder(Path(recordings))
        return run_console(
            ConsoleOptions(
                lambda name, namespace, connection: target, SPEC, "kubernetes", attach=True, watch=flight
            )
        )


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
