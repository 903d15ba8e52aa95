"""The console in lines of plain text: for a pipe, for TERM=dumb, for screen readers."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator
from contextlib import aclosing

from kapture_tui.cli import figures, running, stack
from kapture_tui.cli.output import recorded, say
from kapture_tui.cli.settings import Attach
from kapture_tui.model.event import Event, EventKind
from kapture_tui.model.redact import redacted
from kapture_tui.model.snapshot import Phase, Snapshot
from kapture_tui.model.times import seconds_of
from kapture_tui.targets.base import Target

TELL_EVERY_S = 10.0
"""How often the figures are said where nothing happens."""

_OVER = (Phase.NONE, Phase.GONE)


def wanted() -> str:
    """Why there is no room for a console here, as a sentence; "" if there is."""
    if os.environ.get("TERM") == "dumb":
        return "TERM=dumb is a terminal that cannot show it"
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return "standard input and output are no terminal"
    return ""


def attach(command: Attach) -> int:
    """Tell of a stack that runs, until it is gone. Raises KaptureError: there is none, or nobody answers."""
    from kapture_tui.targets import open_target

    target = open_target(command.target, command.namespace, command.connection)
    return running.run(stack.closed(target, follow(command, target)))


async def follow(command: Attach, target: Target) -> int:
    """See `attach`."""
    from kapture_tui.telemetry import recordings
    from kapture_tui.telemetry.flight import FlightRecorder

    await stack.running(target, command.namespace)
    flight = FlightRecorder(recordings.folder() if command.record else None)
    try:
        async with aclosing(flight(target)) as snapshots:
            await tell(snapshots)
    finally:
        recorded(flight)
    return 0


async def tell(snapshots: AsyncIterator[Snapshot]) -> None:
    """Say what there is to say of Snapshots, until the stack is gone or there are no more."""
    teller = Teller()
    async for snapshot in snapshots:
        for text in teller.lines(snapshot):
            say(redacted(text))
        if snapshot.run.phase in _OVER:
            return


class Teller:
    """Turns Snapshots into lines: what happens at once, the figures every ten seconds, the limit when it changes."""

    def __init__(self) -> None:
        self._told: set[Event] = set()
        self._phase: Phase | None = None
        self._limit = ("", "")
        self._told_s = 0.0

    def lines(self, snapshot: Snapshot) -> list[str]:
        """What is new in a Snapshot; of the first one, what happened before counts as known."""
        news = [event for event in snapshot.events if event not in self._told and event.done is not False]
        self._told.update(snapshot.events)
        lines = [_event(event) for event in news] if self._phase is not None else []
        now_s = seconds_of(snapshot.time)
        # A clock that was set back is no reason to fall silent.
        if snapshot.run.phase is not self._phase or abs(now_s - self._told_s) >= TELL_EVERY_S:
            self._phase, self._told_s = snapshot.run.phase, now_s
            lines.append(f"{snapshot.time[11:19]}  {status(snapshot)}")
        limit = snapshot.limit
        if limit is not None and (limit.rule, limit.subject) != self._limit:
            self._limit = (limit.rule, limit.subject)
            lines.append(f"{snapshot.time[11:19]}  limit: {limit.text}")
        return lines


def status(snapshot: Snapshot) -> str:
    """How it is, on one line."""
    run, flow = snapshot.run, snapshot.flow
    if run.phase in _OVER:
        return "gone"
    parts = [f"{run.phase.value} {figures.clock(run.elapsed_s)}"]
    if flow is not None:
        latencies = [
            group.latency_ms.p99 for group in flow.groups.values() if group.latency_ms.p99 is not None
        ]
        parts += [
            f"offered {figures.rate(flow.offered_per_s)}",
            f"delivered {figures.rate(flow.delivered_per_s)}",
            f"p99 {figures.milliseconds(max(latencies, default=None))}",
        ]
    parts.append(f"lag {figures.whole(_lag(snapshot))}")
    if snapshot.ledger is not None:
        groups = snapshot.ledger.groups.values()
        lost, twice = sum(group.lost for group in groups), sum(group.duplicated for group in groups)
        parts.append(f"lost {lost:,}" + (f"  duplicated {twice:,}" if twice else ""))
    if reason := snapshot.unavailable.get("target"):
        parts.append(f"{snapshot.age_s:.0f} s old: {reason}")
    return "  ".join(parts)


def _lag(snapshot: Snapshot) -> int | None:
    """Of the group that has most of it."""
    groups = snapshot.kafka.total.groups.values() if snapshot.kafka else ()
    return max((group.lag for group in groups if group.lag is not None), default=None)


def _event(event: Event) -> str:
    about = f"{event.subject}: " if event.subject and event.subject not in event.text else ""
    alarm = "alarm: " if event.kind is EventKind.ALARM else ""
    return f"{event.time[11:19]}  {alarm}{about}{event.text}"
