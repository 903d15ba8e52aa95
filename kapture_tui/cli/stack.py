"""What several commands ask of a target."""

from __future__ import annotations

from kapture_tui.cli.output import note
from kapture_tui.model.errors import KaptureError, UsageError
from kapture_tui.model.event import Event, EventKind
from kapture_tui.model.spec import StackSpec
from kapture_tui.targets.base import Observation, Target


async def look(target: Target) -> Observation:
    """What the target sees now."""
    async for observation in target.observe():
        return observation
    raise KaptureError(f"looking at the {target.name} target", "it saw nothing")


async def running(target: Target, namespace: str) -> StackSpec:
    """The stack that runs under that name. Raises UsageError if there is none."""
    spec = (await look(target)).spec
    if spec is None:
        raise missing(namespace)
    return spec


def missing(namespace: str) -> UsageError:
    """The error for a stack that is not there."""
    return UsageError(f"no stack runs as {namespace!r}", remedy=f"kapture-tui up {namespace} 1 starts one")


async def check(target: Target, spec: StackSpec) -> None:
    """Say what preflight found. Raises UsageError for the first finding the stack cannot start with."""
    for finding in await target.preflight(spec):
        if finding.fatal and not finding.ok:
            raise UsageError(finding.subject, finding.text, finding.remedy)
        if not finding.ok:
            remedy = f" ({finding.remedy})" if finding.remedy else ""
            note(f"{finding.subject}: {finding.text}{remedy}")


def tell(event: Event) -> None:
    """A line on standard error for what happened; steps count once they are over."""
    if event.kind is EventKind.STEP and event.done is False:
        return
    took = f"{event.seconds:6.2f} s" if event.seconds is not None else " " * 8
    about = f"{event.subject}: " if event.subject and event.subject not in event.text else ""
    note(f"{took}  {about}{event.text}")


async def remove(target: Target, namespace: str) -> None:
    """Tear the stack down, telling each step. Raises KaptureError when something is left."""
    last: Event | None = None
    async for event in target.destroy():
        tell(event)
        last = event
    if last is not None and last.kind is EventKind.ALARM:
        raise KaptureError(f"removing {namespace}", last.text, f"try again: kapture-tui down {namespace}")
