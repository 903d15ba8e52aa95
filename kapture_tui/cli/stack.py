"""What several commands ask of a target."""

from __future__ import annotations

import logging
from collections.abc import Coroutine
from typing import Any

from kapture_tui.cli.output import note
from kapture_tui.model.errors import KaptureError, NotAllowed, UsageError
from kapture_tui.model.event import Event, EventKind
from kapture_tui.model.snapshot import Phase
from kapture_tui.model.spec import Component, StackSpec
from kapture_tui.targets.base import Observation, Target

_log = logging.getLogger(__name__)

_PLACE = "state"
"""The subject of preflight's finding on where the stack would be."""


async def closed(target: Target, job: Coroutine[Any, Any, int]) -> int:
    """Do a job and let the target's connections go, whatever comes of it."""
    try:
        return await job
    finally:
        await target.close()


async def look(target: Target) -> Observation:
    """What the target sees now."""
    async for observation in target.observe():
        return observation
    raise KaptureError(f"looking at the {target.name} target", "it saw nothing")


async def running(target: Target, namespace: str) -> StackSpec:
    """The stack that runs under that name. Raises UsageError if there is none."""
    spec = await target.spec()
    return spec if spec is not None else needed(await look(target), namespace)


def needed(seen: Observation, namespace: str) -> StackSpec:
    """The stack that was seen. Raises UsageError if there was none."""
    if seen.spec is None:
        raise missing(namespace, seen.unavailable.get("observer", ""), seen.phase)
    return seen.spec


def missing(namespace: str, reason: str, phase: Phase) -> UsageError:
    """The error for a stack that is not there, or of which only ruins are; `reason` says what the target saw."""
    if phase is Phase.FAILED:
        return UsageError(
            f"stack {namespace!r} is dead", reason, f"kapture-tui down {namespace} removes what is left"
        )
    return UsageError(f"no stack runs as {namespace!r}", remedy=f"kapture-tui up {namespace} 1 starts one")


async def check(target: Target, spec: StackSpec, is_running: bool = False) -> None:
    """Say what preflight found, of what the stack needs.

    Raises:
        UsageError: it cannot start with that.
        NotAllowed: it cannot start for lack of a right.

    Args:
        is_running: the stack is there and shall only become larger: that its place is taken is as it should be.
    """
    others = {component.value for component in Component if not spec.has(component)}
    if is_running:
        others.add(_PLACE)
    for finding in await target.preflight(spec):
        if finding.ok or finding.subject in others:
            continue
        kind = NotAllowed if finding.forbidden else UsageError
        error = kind(finding.subject, finding.text, finding.remedy)
        if finding.fatal:
            raise error
        note(str(error))


def tell(event: Event) -> None:
    """A line on standard error for what happened; steps count once they are over."""
    _log.debug("%s", event)
    if event.kind is EventKind.STEP and event.done is False:
        return
    took = f"{event.seconds:6.2f} s" if event.seconds is not None else " " * 8
    about = f"{event.subject}: " if event.subject and event.subject not in event.text else ""
    note(f"{took}  {about}{event.text}")


async def remove(target: Target, namespace: str, purge: bool = False) -> None:
    """Tear the stack down, telling each step. Raises KaptureError when something is left."""
    last: Event | None = None
    async for event in target.destroy(purge):
        tell(event)
        last = event
    if last is not None and last.kind is EventKind.ALARM:
        raise KaptureError(f"removing {namespace}", last.text, f"try again: kapture-tui down {namespace}")
