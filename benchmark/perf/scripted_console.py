"""The console beside a stack that is only told: `python -m benchmark.perf.scripted_console PODS CHANGES`.

So many pods are there at once, as a cluster's target keeps them, and so many of them change every second; everything
else about the stack stands still.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

from kapture_tui.model.errors import UsageError
from kapture_tui.model.event import Event
from kapture_tui.model.snapshot import Phase
from kapture_tui.model.spec import Component, StackSpec
from kapture_tui.model.times import timestamp
from kapture_tui.targets.base import Environment, Finding, Observation, Place
from kapture_tui.targets.kubernetes.kinds import COMPONENT_LABEL, Manifest
from kapture_tui.targets.kubernetes.podrows import PodRows, needed
from kapture_tui.telemetry.flight import FlightRecorder
from kapture_tui.tui import ConsoleOptions, run_console

TICK_S = 1.0
AGE_S = 300.0
"""How old the pods are: five minutes ago somebody scaled."""

COMPONENTS = ("data-loader", "etl", "etl-redis", "kafka", "redis")
SPEC = StackSpec("perf", 2, frozenset({Component.REDIS}))


class ToldTarget:
    """A `Target` that tells of pods and does nothing."""

    name = "kubernetes"
    namespace = SPEC.namespace

    def __init__(self, pods: int, changes: int) -> None:
        self._born_s = time.time() - AGE_S
        self._pods = {f"{_component(n)}-{n:05}": _pod(n, self._born_s, 0) for n in range(pods)}
        self._changes = changes
        self._rows = PodRows()

    async def observe(self) -> AsyncGenerator[Observation, None]:
        """See `Target`."""
        for tick in count():
            for change in range(self._changes):
                at = (tick * self._changes + change) * 7919 % len(self._pods)
                self._pods[f"{_component(at)}-{at:05}"] = _pod(at, self._born_s, 1 + tick)
            rows = self._rows.rows(self._pods, {}, time.time())
            yield Observation(SPEC, "r1", Phase.STARTING, 60.0, rows)
            await asyncio.sleep(TICK_S)

    async def place(self) -> Place:
        """See `Target`."""
        return Place("perf", "https://perf:6443", "nobody", self.namespace, exists=True)

    async def spec(self) -> StackSpec | None:
        """See `Target`."""
        return SPEC

    async def denied(self) -> Mapping[str, str]:
        """See `Target`."""
        return {}

    async def preflight(self, spec: StackSpec) -> list[Finding]:
        """See `Target`."""
        return []

    async def environment(self, spec: StackSpec) -> Environment:
        """See `Target`."""
        return Environment((), unavailable={"machines": "this stack is only told"})

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

    async def lose_one(self, component: Component) -> None:
        """See `Target`."""
        raise _nothing("losing one")

    async def control(self, rate: float | None, paused: bool) -> None:
        """See `Target`."""
        raise _nothing("control")

    async def close(self) -> None:
        """See `Target`."""


def _nothing(doing: str) -> UsageError:
    return UsageError(doing, "this stack is only told")


def _component(number: int) -> str:
    return COMPONENTS[number % len(COMPONENTS)]


def _pod(number: int, born_s: float, restarts: int) -> Manifest:
    """What is kept of a pod as an API server describes it; after an odd number of restarts it is not ready."""
    born = timestamp(born_s)[:19] + "Z"
    ready = "False" if restarts % 2 else "True"
    return needed(
        {
            "metadata": {
                "name": f"{_component(number)}-{number:05}",
                "namespace": SPEC.namespace,
                "uid": f"{number:032x}",
                "resourceVersion": str(number + restarts),
                "creationTimestamp": born,
                "labels": {COMPONENT_LABEL: _component(number)},
            },
            "spec": {"nodeName": f"node-{number % 12}", "containers": [{"name": "main"}]},
            "status": {
                "phase": "Running",
                "startTime": born,
                "conditions": [{"type": kind, "status": ready} for kind in ("Ready", "PodScheduled")],
                "containerStatuses": [
                    {"name": "main", "restartCount": restarts, "state": {"running": {"startedAt": born}}}
                ],
            },
        }
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
