"""Snapshots as they come, for whatever screen is on top."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from typing import TYPE_CHECKING, cast

from kapture_tui.model.errors import KaptureError
from kapture_tui.model.snapshot import Snapshot
from kapture_tui.tui.actions import Session
from kapture_tui.tui.history import History

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from kapture_tui.tui.options import Watch

RETRY_S = 2.0


class Feed:
    """Follows the snapshots of one session until it is cancelled; a source that fails is asked again."""

    def __init__(
        self,
        session: Session,
        history: History,
        watch: Watch,
        on_snapshot: Callable[[Snapshot], None],
        on_trouble: Callable[[KaptureError], None],
    ) -> None:
        self._session = session
        self._history = history
        self._watch = watch
        self._on_snapshot = on_snapshot
        self._on_trouble = on_trouble

    async def run(self) -> None:
        """Follow for ever."""
        while True:
            try:
                await self._follow()
            except KaptureError as exc:
                self._on_trouble(exc)
            await asyncio.sleep(RETRY_S)

    async def _follow(self) -> None:
        source = cast("AsyncGenerator[Snapshot, None]", self._watch(self._session.target))
        async with aclosing(source) as snapshots:
            async for snapshot in snapshots:
                self._history.feed(snapshot)
                self._session.latest = snapshot
                self._on_snapshot(snapshot)
