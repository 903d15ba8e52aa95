"""`status`: what runs and how it does, for people as a table and for programs as Snapshots."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing

from kapture_tui.cli import figures, ledger, running, stack
from kapture_tui.cli.output import recorded, table, wrapped
from kapture_tui.cli.settings import Status
from kapture_tui.model.errors import KaptureError
from kapture_tui.model.pods import by_component
from kapture_tui.model.snapshot import Phase, Snapshot
from kapture_tui.model.wire import to_json
from kapture_tui.targets.base import Target

PATIENCE = 4
"""Snapshots to look at, a second each, for one with the observer's figures: the first one may come before them."""

EVENTS_SHOWN = 5
_OVER = (Phase.NONE, Phase.GONE)


def run(command: Status) -> int:
    """Do it; see `settings.Status`."""
    from kapture_tui.targets import open_target

    target = open_target(command.target, command.namespace, command.connection)
    return running.run(stack.closed(target, status(command, target)))


async def status(command: Status, target: Target, clock: Callable[[], float] = time.monotonic) -> int:
    """Print one Snapshot, or with `watch_s` one after the other. Raises KaptureError: no stack, or no answer."""
    from kapture_tui.telemetry import recordings
    from kapture_tui.telemetry.flight import FlightRecorder

    if target.name != "local":
        await target.place()  # the hub takes no answer for a moment's silence; at the start it is an error
    watched = command.watch_s is not None
    flight = FlightRecorder(recordings.folder() if watched and command.record else None)
    try:
        async with aclosing(flight(target)) as snapshots:
            if watched:
                await _watch(snapshots, command, clock)
                return 0
            snapshot = await _settled(snapshots, command.namespace)
    finally:
        recorded(flight)
    for line in [to_json(snapshot)] if command.json else lines(snapshot):
        print(line)
    return 0


async def _settled(snapshots: AsyncIterator[Snapshot], namespace: str) -> Snapshot:
    seen = 0
    async for snapshot in snapshots:
        seen += 1
        _refuse_none(snapshot, namespace)
        if snapshot.kafka or seen == PATIENCE:
            return snapshot
    raise KaptureError(f"looking at {namespace}", "it is out of sight")


async def _watch(snapshots: AsyncIterator[Snapshot], command: Status, clock: Callable[[], float]) -> None:
    due = None
    async for snapshot in snapshots:
        over = snapshot.run.phase in _OVER
        if due is None:
            _refuse_none(snapshot, command.namespace)
        now = clock()
        if due is None or over or now >= due:
            print(to_json(snapshot), flush=True)
            # Half a tick early is on time: otherwise 5 s becomes 6 whenever a tick comes a moment too soon.
            due = now + (command.watch_s or 0) - 0.5
        if over:
            return


def _refuse_none(snapshot: Snapshot, namespace: str) -> None:
    run = snapshot.run
    if run.phase in _OVER or (run.phase is Phase.FAILED and not run.scale):
        raise stack.missing(namespace, snapshot.unavailable.get("observer", ""), run.phase)


def lines(snapshot: Snapshot) -> Iterator[str]:
    """The snapshot for a terminal of 80 columns."""
    yield from _head(snapshot)
    yield from _pods(snapshot)
    yield from _groups(snapshot)
    if snapshot.ledger:
        yield ""
        yield from ledger.lines(snapshot.ledger)
    yield from _notes(snapshot)


def _head(snapshot: Snapshot) -> Iterator[str]:
    run, flow = snapshot.run, snapshot.flow
    elapsed = figures.clock(run.elapsed_s)
    yield f"{run.namespace} on {run.target}: {run.phase.value} {elapsed}, scale {run.scale}, run {run.run_id}"
    if flow:
        offered, acked, delivered = map(
            figures.rate, (flow.offered_per_s, flow.acked_per_s, flow.delivered_per_s)
        )
        yield f"offered {offered}  acknowledged {acked}  delivered {delivered}  {flow.mode or ''}".rstrip()
        if flow.limited_by:
            yield from wrapped("", f"held back by {flow.limited_by}")
    for component, address in run.addresses.items():
        yield from wrapped(f"{component}: ", address)


def _pods(snapshot: Snapshot) -> Iterator[str]:
    rows = [figures.component_row(name, own) for name, own in by_component(snapshot.pods).items()]
    if rows:
        yield ""
        yield from table(["component", "ready", "cpu", "memory", "restarts"], rows)
    for pod in snapshot.pods:
        if pod.reason:
            yield from wrapped(f"  {pod.name}: ", pod.reason)


def _groups(snapshot: Snapshot) -> Iterator[str]:
    if not snapshot.kafka:
        return
    rows = []
    for name, view in snapshot.kafka.total.groups.items():
        flow = snapshot.flow.groups.get(name) if snapshot.flow else None
        latency = flow.latency_ms if flow else None
        late = "-" if view.lag_s is None else f"{view.lag_s:,.1f} s"
        ends = [
            figures.milliseconds(value) for value in ((latency.p50, latency.p99) if latency else (None, None))
        ]
        rows.append([name, figures.whole(view.lag), late, figures.rate(view.out_per_s), *ends])
    if rows:
        yield ""
        yield from table(["group", "lag", "late", "reads", "p50", "p99"], rows)


def _notes(snapshot: Snapshot) -> Iterator[str]:
    if snapshot.events:
        yield ""
    for event in snapshot.events[-EVENTS_SHOWN:]:
        about = f"{event.subject}: " if event.subject and event.subject not in event.text else ""
        yield from wrapped(f"{event.time[11:19]}  ", f"{about}{event.text}")
    if snapshot.unavailable:
        yield ""
    parts: dict[str, list[str]] = {}
    for part, reason in snapshot.unavailable.items():
        parts.setdefault(reason, []).append(part)
    for reason, names in parts.items():
        yield from wrapped("", f"{', '.join(names)}: {reason}")
