"""Whole stacks on this machine, for tests that hurt them."""

from __future__ import annotations

import os
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

import psutil
import pytest

from kapture_tui.model.snapshot import Snapshot
from kapture_tui.model.spec import SENDERS, Component, LoadSpec, StackSpec
from kapture_tui.targets.local.target import LocalTarget
from kapture_tui.targets.local.usage import processes_of_run
from kapture_tui.telemetry import Hub
from kapture_tui.workload.settings import url_variable
from tests import watching
from tests.watching import delivered

KAFKA_HOME = os.environ.get("KAFKA_HOME")
real_kafka = pytest.mark.skipif(not KAFKA_HOME, reason="KAFKA_HOME names no Apache Kafka")

WAIT_S = 120.0
"""Only a test that fails waits for so long, seconds."""


@dataclass
class Stack:
    """A stack that runs, and what can be seen of it."""

    target: LocalTarget
    hub: Hub

    async def until(self, wanted: Callable[[Snapshot], bool], what: str) -> Snapshot:
        """The first snapshot that is as wanted."""
        return await watching.until(self.hub, wanted, what, WAIT_S)

    async def until_delivered(self, more: int) -> Snapshot:
        """Until every group has stored so many more messages than now."""
        start = await self.until(lambda s: s.ledger is not None and bool(s.ledger.groups), "a ledger")
        goal = delivered(start) + more
        return await self.until(lambda s: delivered(s) >= goal, f"{goal} delivered")

    async def drain(self) -> Snapshot:
        """Stop what sends; the snapshot in which everything that was sent was read."""
        there = (await self.until(lambda s: bool(s.run.components), "a stack")).run.components
        for component in (Component.SHOPPERS, *SENDERS):
            if component.value in there:
                await self.target.scale(component, 0)
        return await self.until(lambda s: s.drained, "drained")

    async def kill(self, pod: str) -> Snapshot:
        """SIGKILL a process; the snapshot in which another one does its work."""
        before = await self.until(lambda s: restarts(s, pod) is not None, f"{pod} there")
        await self.target.kill(pod)
        count = restarts(before, pod) or 0
        return await self.until(lambda s: (restarts(s, pod) or 0) > count and is_ready(s, pod), f"{pod} back")

    @contextmanager
    def standing_still(self, *programs: str) -> Iterator[None]:
        """The processes of these names, and their children, without any CPU for as long as the block runs."""
        run = self.target.state.run()
        assert run is not None
        found = [process for process in processes_of_run(run.run_id) if process.name() in programs]
        assert found, programs
        # A child may carry the run's name as well as its parent.
        stopped = {each.pid: each for one in found for each in (one, *one.children(recursive=True))}
        for process in stopped.values():
            process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            for process in stopped.values():
                process.send_signal(signal.SIGCONT)

    def bootstrap(self) -> str:
        """Kafka's address, as the observer was told it."""
        run = self.target.state.run()
        assert run is not None
        for process in processes_of_run(run.run_id):
            address = process.environ().get("KAPTURE_BOOTSTRAP", "")
            if ":" in address:
                return address
        raise AssertionError("no process knows the brokers")

    def redis_url(self) -> str:
        """Redis' address, as the sink was told it."""
        return self.url("redis")

    def url(self, database: str) -> str:
        """A database's address, as its sink was told it."""
        run = self.target.state.run()
        assert run is not None
        variable = url_variable(database)
        return next(
            process.environ()[variable]
            for process in processes_of_run(run.run_id)
            if process.environ().get(variable)
        )


def restarts(snapshot: Snapshot, pod: str) -> int | None:
    """How often a pod was restarted; None if it is not there."""
    return next((row.restarts for row in snapshot.pods if row.name == pod), None)


def is_ready(snapshot: Snapshot, pod: str) -> bool:
    """Whether the pod does its work."""
    return any(row.ready for row in snapshot.pods if row.name == pod)


def spec(
    namespace: str, rate: float | None = 400.0, kafka_home: str | None = None, scale: int = 2
) -> StackSpec:
    """A stack with Redis whose load is small enough for the embedded broker to keep every record."""
    load = LoadSpec(stores=40, customers=300, rate=rate, seed=7)
    return StackSpec(namespace, scale, frozenset({Component.REDIS}), load, kafka_home=kafka_home)


@asynccontextmanager
async def running(wanted: StackSpec) -> AsyncIterator[Stack]:
    """A stack in which transactions flow; afterwards nothing of it may be left."""
    target = LocalTarget(wanted.namespace)
    async for _ in target.deploy(wanted):
        pass
    run = target.state.run()
    assert run is not None
    stack = Stack(target, Hub(target))
    try:
        await stack.until(lambda s: delivered(s) > 0, "the first transactions")
        yield stack
    finally:
        async for _ in target.destroy():
            pass
    _, alive = psutil.wait_procs(processes_of_run(run.run_id), timeout=10)
    assert not alive, f"left: {alive}"
    assert not target.state.path.exists()
