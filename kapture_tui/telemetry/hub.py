"""One reader of a target, any number of subscribers; each gets the latest Snapshot when it is ready for one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, suppress
from dataclasses import replace

from kapture_tui.model.errors import KaptureError
from kapture_tui.model.event import Event, EventKind
from kapture_tui.model.snapshot import Snapshot
from kapture_tui.model.times import timestamp
from kapture_tui.targets.base import Observation, Target
from kapture_tui.telemetry.alarms import new_alarms
from kapture_tui.telemetry.assemble import assemble, latest_events
from kapture_tui.telemetry.limits import LimitWatch

NO_FIGURES = "no figures yet that could say it"
"""Why the limit is not known, where nobody has a better reason."""

BACKOFF_MAX_S = 30.0
"""The longest pause before a target that failed is asked anew, seconds."""


class Hub:
    """Turns a target's observations into Snapshots as long as somebody wants them.

    The target is observed once, from the first subscription until the last one ends. Use it in one event loop.

    Args:
        target: what to observe.
        wall: seconds since the epoch.
    """

    def __init__(self, target: Target, wall: Callable[[], float] = time.time) -> None:
        self._target = target
        self._wall = wall
        self._latest = Snapshot()
        self._said: frozenset[str] = frozenset()
        self._limits = LimitWatch()
        self._news = asyncio.Event()
        self._reader: asyncio.Task[None] | None = None
        self._subscribers = 0

    @property
    def latest(self) -> Snapshot:
        """The newest Snapshot; `Snapshot()` before the first observation."""
        return self._latest

    async def snapshots(self) -> AsyncGenerator[Snapshot, None]:
        """The newest Snapshot, then each newer one; a subscriber that is slow skips those in between.

        Ends when the target has nothing more to observe. Whoever leaves before (`break`) should close the iterator, as
        `contextlib.aclosing` does, so that the target is let go at once.

        Raises: whatever a target raises that is no KaptureError; those are told in the Snapshot, and it is asked anew.
        """
        reader = self._join()
        seen = 0
        try:
            while True:
                if self._latest.seq > seen:
                    seen = self._latest.seq
                    yield self._latest
                elif reader.done():
                    reader.result()
                    return
                else:
                    await self._news.wait()
        finally:
            await self._leave()

    def _join(self) -> asyncio.Task[None]:
        self._subscribers += 1
        if self._reader is None or self._reader.done():
            self._reader = asyncio.create_task(self._read(), name="telemetry")
            self._reader.add_done_callback(lambda _: self._wake())
        return self._reader

    async def _leave(self) -> None:
        self._subscribers -= 1
        if self._subscribers == 0 and self._reader is not None:
            reader, self._reader = self._reader, None
            reader.cancel()
            with suppress(asyncio.CancelledError, Exception):  # what it raised, the subscribers were told
                await reader

    async def _read(self) -> None:
        failures = 0
        while True:
            try:
                async with aclosing(self._target.observe()) as observations:
                    async for observation in observations:
                        failures = 0
                        self._take(observation)
                return
            except KaptureError as exc:
                self._fail(exc)
            failures += 1
            await asyncio.sleep(min(BACKOFF_MAX_S, 0.5 * 2**failures))

    def _take(self, observation: Observation) -> None:
        now = timestamp(self._wall())
        previous = self._latest
        snapshot = assemble(observation, previous, target=self._target.name, time=now)
        alarms, self._said = new_alarms(snapshot, previous, self._said)
        limit = self._limits.look(snapshot)
        unavailable = snapshot.unavailable if limit else {"limit": NO_FIGURES, **snapshot.unavailable}
        events = latest_events(snapshot.events, alarms)
        self._publish(replace(snapshot, events=events, limit=limit, unavailable=unavailable))

    def _fail(self, exc: KaptureError) -> None:
        """The target itself cannot tell: what was known stays, the reason says why it does not move."""
        now = timestamp(self._wall())
        latest = self._latest
        reason = str(exc)
        news = (
            () if latest.unavailable.get("target") == reason else (Event(now, EventKind.ALARM, "", reason),)
        )
        self._publish(
            replace(
                latest,
                time=now,
                seq=latest.seq + 1,
                events=latest_events(latest.events, news),
                unavailable={**latest.unavailable, "target": reason},
            )
        )

    def _publish(self, snapshot: Snapshot) -> None:
        self._latest = snapshot
        self._wake()

    def _wake(self) -> None:
        # Whoever waits holds the old event; whoever comes later finds a new one, and the Snapshot.
        news, self._news = self._news, asyncio.Event()
        news.set()
