"""`scale`, `down`, and adding components: what changes a stack that runs."""

from __future__ import annotations

from dataclasses import replace

from kapture_tui.cli import running, stack
from kapture_tui.cli.output import note, say
from kapture_tui.cli.settings import Add, Down, Scale
from kapture_tui.model.errors import UsageError
from kapture_tui.targets.base import Target


def run(command: Add | Scale | Down) -> int:
    """Do it; see the settings."""
    from kapture_tui.targets import open_target

    target = open_target(command.target, command.namespace)
    match command:
        case Add():
            return running.run(add(command, target))
        case Scale():
            return running.run(scale(command, target))
        case Down():
            return running.run(down(command, target))


async def add(command: Add, target: Target) -> int:
    """Deploy what the running stack does not have yet. Raises UsageError when none runs."""
    spec, _ = await stack.running(target, command.namespace)
    missing = command.components - spec.components
    if not missing:
        say(f"{command.namespace} has {_names(command)} already")
        return 0
    wanted = replace(spec, components=spec.components | missing)
    await stack.check(target, wanted, is_running=True)
    async for event in target.deploy(wanted):
        stack.tell(event)
    say(f"{command.namespace} now has {_names(command)}")
    return 0


def _names(command: Add) -> str:
    return ", ".join(sorted(component.value for component in command.components))


async def scale(command: Scale, target: Target) -> int:
    """Set replicas one component after the other. Raises UsageError for what cannot be scaled, and when none runs."""
    _, pods = await stack.running(target, command.namespace)
    for component, count in command.replicas:
        before = sum(pod.component == component.value for pod in pods)
        await target.scale(component, count)
        say(f"{component.value} {before} → {count}")
    return 0


async def down(command: Down, target: Target) -> int:
    """Tear down. Nothing there is nothing to do."""
    there = (await stack.look(target)).spec is not None
    try:
        await stack.remove(target, command.namespace)
    except UsageError:
        if there:
            raise
        note(f"no stack runs as {command.namespace!r}: nothing to do")
    return 0
