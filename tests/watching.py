"""What a test waits for while it looks on as a console does, whatever target the stack is on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import aclosing

from kapture_tui.model.snapshot import PodRow, Snapshot
from kapture_tui.telemetry import Hub


async def until(hub: Hub, wanted: Callable[[Snapshot], object], what: str, limit_s: float) -> Snapshot:
    """The first snapshot that is as wanted; only a test that fails waits as long as `limit_s`."""
    last = Snapshot()
    try:
        async with asyncio.timeout(limit_s), aclosing(hub.snapshots()) as snapshots:
            async for last in snapshots:
                if wanted(last):
                    return last
    except TimeoutError:
        raise AssertionError(f"not seen in {limit_s:.0f} s: {what}; last: {last}") from None
    raise AssertionError("the hub ended")


def delivered(snapshot: Snapshot, group: str | None = None) -> int:
    """What a group has stored, without a name the slowest one; 0 while nobody says."""
    groups = snapshot.ledger.groups if snapshot.ledger else {}
    found = groups.values() if group is None else filter(None, [groups.get(group)])
    return min((each.delivered for each in found), default=0)


def lag(snapshot: Snapshot, group: str) -> int:
    """Records that a group has not read yet; 0 while nobody says."""
    found = snapshot.kafka.total.groups.get(group) if snapshot.kafka else None
    return (found.lag or 0) if found else 0


def pods(snapshot: Snapshot, component: str) -> list[PodRow]:
    """The pods of a component that are not on their way out."""
    return [row for row in snapshot.pods if row.component == component and row.phase != "Terminating"]
