"""The console, where there is a terminal for it."""

from __future__ import annotations

import asyncio
from math import inf
from pathlib import Path

from kapture_tui.cli import plain, stack
from kapture_tui.cli.output import recorded
from kapture_tui.cli.settings import Attach, Console, Demo, Up
from kapture_tui.model.errors import UsageError
from kapture_tui.model.spec import StackSpec


def run(command: Console | Attach, log_file: Path | None) -> int:
    """Open it and return the exit code it ends with.

    Raises: UsageError: there is nothing to start without its setup screen, no such stack, or a theme or keymap file is
        broken.
    """
    if command.plain or plain.wanted():
        return _plainly(command)
    from kapture_tui.targets import open_target
    from kapture_tui.telemetry import recordings
    from kapture_tui.telemetry.flight import FlightRecorder
    from kapture_tui.tui import ConsoleOptions, run_console

    if isinstance(command, Console) and command.start and command.target != "local":
        _reach(command)
    flight = FlightRecorder(recordings.folder() if command.record else None)
    options = ConsoleOptions(
        open_target=open_target,
        spec=_running(command) if isinstance(command, Attach) else command.spec,
        attach=isinstance(command, Attach),
        start=isinstance(command, Console) and command.start,
        target=command.target,
        theme=command.theme,
        readonly=command.readonly,
        keep=isinstance(command, Console) and command.keep,
        log_file=log_file,
        connection=command.connection,
        yes=isinstance(command, Console) and command.start,
        watch=flight,
        recording=lambda: flight.path,
    )
    try:
        return run_console(options)
    finally:
        recorded(flight)


def demo(command: Demo) -> int:
    """Open it on a stack of its own, which a guide drives. Raises: UsageError: there is no terminal for it."""
    if why := plain.wanted():
        raise UsageError("demo", why, "use a terminal; kapture-tui up pets 1 -r --for 60 needs none")
    from kapture_tui.targets import open_target
    from kapture_tui.telemetry import recordings
    from kapture_tui.telemetry.flight import FlightRecorder
    from kapture_tui.tui import ConsoleOptions, run_console
    from kapture_tui.tui.options import TOUR_STACK

    flight = FlightRecorder(recordings.folder() if command.record else None)
    options = ConsoleOptions(
        open_target, TOUR_STACK, start=True, theme=command.theme, watch=flight, recording=lambda: flight.path
    )
    try:
        return run_console(options, tour=True)
    finally:
        recorded(flight)


def _reach(command: Console) -> None:
    """Raises KaptureError when the cluster does not answer or does not know us: before the screen is taken."""
    from kapture_tui.targets import open_target

    assert command.spec is not None
    target = open_target(command.target, command.spec.namespace, command.connection)

    async def place() -> int:
        await target.place()
        return 0

    asyncio.run(stack.closed(target, place()))


def _running(command: Attach) -> StackSpec:
    from kapture_tui.targets import open_target

    target = open_target(command.target, command.namespace, command.connection)

    async def look() -> StackSpec:
        try:
            return await stack.running(target, command.namespace)
        finally:
            await target.close()

    return asyncio.run(look())


def _plainly(command: Console | Attach) -> int:
    """The same in lines of plain text."""
    if isinstance(command, Attach):
        return plain.attach(command)
    if command.spec is None or not command.start:
        why = plain.wanted() or "--plain leaves out its setup screen"
        raise UsageError("opening the console", why, _instead(command.spec))
    from kapture_tui.cli import up

    # Leaving the console stops a stack on this machine; so does ending these lines. Any other stays.
    stays = command.keep or command.target != "local"
    deploy = Up(
        command.target,
        command.spec,
        run_s=None if stays else inf,
        connection=command.connection,
        yes=True,
        record=command.record and not stays,
    )
    code = up.run(deploy)
    if code or not stays:
        return code
    where = command.target, command.spec.namespace
    return plain.attach(Attach(*where, connection=command.connection, record=command.record))


def _instead(spec: StackSpec | None) -> str:
    if spec is None:
        return "use kapture-tui up NAMESPACE SCALE, for example kapture-tui up demo 1 -r --for 60"
    return f"add --yes to start at once, or use kapture-tui up {spec.namespace} {spec.scale} with the same options"
