"""`up`: a stack without the console, left running or measured for a while."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager, suppress
from typing import TYPE_CHECKING

from kapture_tui.cli import ledger, plain, running, stack
from kapture_tui.cli.output import note, recorded, say
from kapture_tui.cli.question import Consent, agreed, check
from kapture_tui.cli.settings import Up
from kapture_tui.model.errors import IntegrityViolated, KaptureError, UsageError
from kapture_tui.model.event import Event, EventKind
from kapture_tui.model.snapshot import Phase, Snapshot
from kapture_tui.model.spec import SENDERS, Component
from kapture_tui.model.wire import to_json
from kapture_tui.targets.base import Target
from kapture_tui.tui.questions import Fact, deployment

if TYPE_CHECKING:
    from kapture_tui.telemetry.hub import Hub

_log = logging.getLogger(__name__)

Clock = Callable[[], float]

FIRST_TRANSACTION_S = 120.0
"""How long the first transaction may take on its way, beyond what a low rate explains."""

_NEWS = (EventKind.ALARM, EventKind.CHANGE)
_STOPPED = "stopped (once more to leave at once)"


def run(command: Up) -> int:
    """Do it; see `settings.Up`."""
    from kapture_tui.targets import open_target

    target = open_target(command.target, command.spec.namespace, command.connection)
    return running.run(stack.closed(target, up(command, target)))


async def up(command: Up, target: Target, clock: Clock = time.monotonic) -> int:
    """Deploy, wait until transactions flow, and with `run_s` measure and remove.

    Raises KaptureError: see `ledger.check`, and whatever keeps the stack from starting or ends it early.
    """
    from kapture_tui.telemetry import recordings
    from kapture_tui.telemetry.flight import FlightRecorder
    from kapture_tui.telemetry.hub import Hub

    consent = Consent(command.yes, command.connection.context is not None)
    check(target, consent)
    # Local preflight says that the name is taken; on a cluster a second `up` changes what runs.
    runs = target.name != "local" and (await stack.look(target)).spec is not None
    await stack.check(target, command.spec)
    await agreed(target, consent, deployment(command.spec, runs), *_ending(command))
    began_at = clock()
    hub = Hub(target)
    async with _looking_on(hub, target):
        await _deploy(command, target, stays=runs)
    flight = FlightRecorder(recordings.folder() if command.record else None)
    try:
        async with aclosing(flight.recorded(hub)) as snapshots:
            return await _operate(_Run(command, snapshots, clock, began_at), target, stays=runs)
    finally:
        recorded(flight)


@asynccontextmanager
async def _looking_on(hub: Hub, target: Target) -> AsyncIterator[None]:
    """Watch a cluster while the stack is deployed: then what flows is known as soon as that is over.

    Not so on this machine: before its supervisor is there, nothing is.
    """
    if target.name == "local":
        yield
        return

    async def look_on() -> None:
        async with aclosing(hub.snapshots()) as snapshots:
            async for _ in snapshots:
                pass

    looking = asyncio.create_task(look_on())
    try:
        yield
    except BaseException:
        # Nobody looks any more, and the target is closed next: it must not be opened again by a last look.
        looking.cancel()
        await asyncio.wait([looking])
        raise
    # The next reader joins before this one has left: what is watched stays watched.
    asyncio.get_running_loop().call_later(1.0, looking.cancel)


def _ending(command: Up) -> tuple[Fact, ...]:
    if command.run_s is None:
        return (("then", "it stays, until kapture-tui down"),)
    volumes = ", claimed volumes too" if command.purge else ""
    end = "its loaders stop" if command.keep else f"it is torn down{volumes}"
    return (("then", f"{end}, after {command.run_s:g} s"),)


async def _operate(run: _Run, target: Target, stays: bool) -> int:
    """Wait, measure, report, remove; `stays`: the stack was there before, and a run that fails leaves it."""
    command = run.command
    stays = stays or command.keep
    try:
        await run.until_flowing()
        if command.run_s is None:
            stays = True
        else:
            await run.measure(command.run_s, target)
            stays = command.keep
    except asyncio.CancelledError:
        note(_STOPPED)
        raise
    finally:
        try:
            run.report()
        finally:  # a terminal that is gone or a disk that is full must not leave the stack behind
            if not stays:
                await _remove(target, command)
    if stays:
        note(_left_running(command))
    return 0


async def _deploy(command: Up, target: Target, stays: bool) -> None:
    try:
        async for event in target.deploy(command.spec):
            stack.tell(event)
    except asyncio.CancelledError:
        note(_STOPPED)
        if not stays:
            await _remove(target, command)
        raise


async def _remove(target: Target, command: Up) -> None:
    with suppress(UsageError):  # not there yet, or not there any more
        await stack.remove(target, command.spec.namespace, command.purge)


def _left_running(command: Up) -> str:
    name = command.spec.namespace
    loaders = "" if command.run_s is None else ", its loaders stopped"
    return f"{name} is running{loaders}: kapture-tui attach {name} shows it, kapture-tui down {name} ends it"


class _Run:
    """A deployed stack, seen through its snapshots. `last` is the latest one; `Snapshot()` before the first."""

    def __init__(
        self, command: Up, snapshots: AsyncIterator[Snapshot], clock: Clock, began_at: float
    ) -> None:
        self.command = command
        self.snapshots = snapshots
        self.clock = clock
        self.last = Snapshot()
        self._began_at = began_at
        self._told: set[Event] = set()
        self._told_at = clock()

    async def until_flowing(self) -> None:
        """Return once a transaction has arrived. Raises KaptureError when none does."""
        rate = self.command.spec.load.rate
        limit_s = FIRST_TRANSACTION_S + (0 if rate is None else 3 / rate)
        if not await self._until(lambda snapshot: snapshot.run.phase is Phase.FLOWING, limit_s):
            raise KaptureError(
                "waiting for the first transaction", f"none has arrived in {limit_s:.0f} s", "see doctor"
            )
        note(f"{self.clock() - self._began_at:6.2f} s  transactions flow, counted from the start")

    async def measure(self, run_s: float, target: Target) -> None:
        """Run for so many seconds, stop what sends, drain. Raises KaptureError: see `ledger.check`."""
        await self._until(lambda _: False, run_s)
        note("stopping the loaders")
        for component in (Component.SHOPPERS, *SENDERS):
            if self.command.spec.has(component):
                await target.scale(component, 0)
        drained = await self._until(lambda snapshot: snapshot.drained, self.command.drain_s)
        ledger.check(self.last, drained, self.command.drain_s)

    async def _until(self, done: Callable[[Snapshot], bool], limit_s: float) -> bool:
        """Read snapshots until one is as wished (True) or the time is over (False)."""
        ends_at = self.clock() + limit_s
        async for snapshot in self.snapshots:
            self._take(snapshot)
            if done(snapshot):
                return True
            if self.clock() >= ends_at:
                return False
        raise KaptureError("watching the stack", "it is out of sight")

    def _take(self, snapshot: Snapshot) -> None:
        _log.debug("snapshot %d: %s, ledger %s", snapshot.seq, snapshot.run.phase.value, snapshot.ledger)
        if not self.last.time:  # what had changed by then belongs to the deploy, which told its steps
            self._told |= {event for event in snapshot.events if event.kind is EventKind.CHANGE}
        self.last = snapshot
        for event in snapshot.events:
            if event.kind in _NEWS and event not in self._told:
                self._told.add(event)
                stack.tell(event)
        if snapshot.run.phase is Phase.FAILED:
            alarms = [event.text for event in snapshot.events if event.kind is EventKind.ALARM]
            raise IntegrityViolated("the run has ended", alarms[-1] if alarms else "no reason given")
        if snapshot.run.phase in (Phase.NONE, Phase.DESTROYING, Phase.GONE):
            raise KaptureError("watching the stack", "somebody is tearing it down")
        if self.clock() - self._told_at >= plain.TELL_EVERY_S:
            self._told_at = self.clock()
            note(f"          {plain.status(snapshot)}")

    def report(self) -> None:
        """Print what the last snapshot says: the ledger, or with --json all of it as standard output's last line."""
        say_json = self.command.json and self.last.time
        if self.command.run_s is not None and self.last.ledger:
            for line in ledger.lines(self.last.ledger):
                (note if say_json else say)(line)
        if say_json:
            say(to_json(self.last))
