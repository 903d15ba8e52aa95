"""Helpers for tests of the supervisor: stacks of stand-ins, and what can be found of them from outside."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing

import psutil

from kapture_tui.model.event import Event
from kapture_tui.model.spec import Component, StackSpec
from kapture_tui.targets.base import Observation
from kapture_tui.targets.local.target import LocalTarget
from kapture_tui.targets.local.usage import processes_of_run

WAIT_S = 90.0
"""Only a test that fails waits for so long, seconds."""


def spec_of(namespace: str, scale: int = 1, redis: bool = False, keep: bool = False) -> StackSpec:
    """A small stack."""
    components = frozenset({Component.REDIS}) if redis else frozenset[Component]()
    return StackSpec(namespace, scale, components, keep=keep)


async def every(events: AsyncIterator[Event]) -> list[Event]:
    """All events until the last one."""
    return [event async for event in events]


async def see(
    target: LocalTarget, wanted: Callable[[Observation], bool], wait_s: float = WAIT_S
) -> tuple[Observation, list[Event]]:
    """Observe until `wanted`; that observation, and all events seen."""
    events: list[Event] = []
    async with asyncio.timeout(wait_s), aclosing(target.observe()) as seen:
        async for observation in seen:
            events += observation.events
            if wanted(observation):
                return observation, events
    raise AssertionError("observe() ended")


def pods(observation: Observation) -> dict[str, str]:
    """Pod name to phase."""
    return {row.name: row.phase for row in observation.pods}


def run_id(target: LocalTarget) -> str:
    """The run id in run.json."""
    run = target.state.run()
    assert run is not None
    return run.run_id


def supervisor_of(target: LocalTarget) -> psutil.Process:
    """The supervisor process."""
    run = target.state.run()
    assert run is not None
    return psutil.Process(run.pid)


async def wait_for_none(run: str) -> list[psutil.Process]:
    """Wait until no process carries the run id; those that still do when time is up."""
    for _ in range(int(WAIT_S / 0.1)):
        if not (alive := processes_of_run(run)):
            return []
        await asyncio.to_thread(psutil.wait_procs, alive, 0.1)
    return processes_of_run(run)
