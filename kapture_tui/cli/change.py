"""`scale`, `down`, and adding components: what changes a stack that runs."""

from __future__ import annotations

from dataclasses import replace

from kapture_tui.cli import running, stack
from kapture_tui.cli.output import note, say
from kapture_tui.cli.question import Consent, agreed, check
from kapture_tui.cli.settings import Add, Down, Scale
from kapture_tui.model.errors import UsageError
from kapture_tui.targets.base import Observation, Target
from kapture_tui.tui.figures import plural
from kapture_tui.tui.questions import Fact


def run(command: Add | Scale | Down) -> int:
    """Do it; see the settings."""
    from kapture_tui.targets import open_target

    target = open_target(command.target, command.namespace, command.connection)
    return running.run(stack.closed(target, _done(command, target)))


async def _done(command: Add | Scale | Down, target: Target) -> int:
    match command:
        case Add():
            return await add(command, target)
        case Scale():
            return await scale(command, target)
        case Down():
            return await down(command, target)


def _consent(command: Add | Scale | Down) -> Consent:
    return Consent(command.yes, command.connection.context is not None)


async def add(command: Add, target: Target) -> int:
    """Deploy what the running stack does not have yet. Raises UsageError when none runs."""
    check(target, _consent(command))
    spec = await stack.running(target, command.namespace)
    missing = command.components - spec.components
    if not missing:
        say(f"{command.namespace} has {_names(command)} already")
        return 0
    wanted = replace(spec, components=spec.components | missing)
    await stack.check(target, wanted, is_running=True)
    await agreed(target, _consent(command), ("adds", _names(command)))
    async for event in target.deploy(wanted):
        stack.tell(event)
    say(f"{command.namespace} now has {_names(command)}")
    return 0


def _names(command: Add) -> str:
    return ", ".join(sorted(component.value for component in command.components))


async def scale(command: Scale, target: Target) -> int:
    """Set replicas one component after the other. Raises UsageError for what cannot be scaled, and when none runs."""
    check(target, _consent(command))
    seen = await stack.look(target)
    stack.needed(seen, command.namespace)
    wanted = ", ".join(f"{component.value} to {count}" for component, count in command.replicas)
    await agreed(target, _consent(command), ("scales", wanted))
    for component, count in command.replicas:
        before = sum(pod.component == component.value for pod in seen.pods)
        await target.scale(component, count)
        say(f"{component.value} {before} → {count}")
    return 0


async def down(command: Down, target: Target) -> int:
    """Tear down. Nothing there is nothing to do."""
    check(target, _consent(command))
    seen = await stack.look(target)
    await agreed(target, _consent(command), *_removal(seen, command.purge))
    try:
        await stack.remove(target, command.namespace, command.purge)
    except UsageError:
        if seen.spec is not None:
            raise
        note(f"no stack runs as {command.namespace!r}: nothing to do")
    return 0


def _removal(seen: Observation, purge: bool) -> tuple[Fact, ...]:
    goes = f"{plural(len(seen.pods), 'pod')} of this stack and all else that is its own"
    if seen.spec is None:
        goes = "whatever is left of a stack, if there is one"
    persistent = seen.spec is not None and seen.spec.cluster.storage == "persistent"
    volumes = "; claimed volumes and their data" if persistent and not purge else ""
    if persistent and purge:
        goes += ", claimed volumes and their data too"
    return (
        ("removes", goes),
        ("stays", f"what is not its own, the namespace unless the stack made it{volumes}"),
    )
