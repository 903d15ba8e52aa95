"""Sessions that are recorded: a hub's Snapshots on their way to whoever shows them."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING

from kapture_tui.model.snapshot import Snapshot

if TYPE_CHECKING:  # a console is on the screen before the first Snapshot is wanted
    from kapture_tui.targets.base import Target
    from kapture_tui.telemetry.hub import Hub
    from kapture_tui.telemetry.recorder import Recorder


class FlightRecorder:
    """Hands the Snapshots of targets on, and has a recorder look at each of them.

    Args:
        folder: where recordings go; None: nothing is recorded.

    Attributes:
        recorder: of what is, or was, watched last; None: nothing yet, or nothing is recorded.
    """

    def __init__(self, folder: Path | None) -> None:
        self.recorder: Recorder | None = None
        self._folder = folder

    @property
    def path(self) -> Path | None:
        """The latest recording; None if there is none."""
        return self.recorder.path if self.recorder else None

    @property
    def trouble(self) -> str:
        """Why nothing more is recorded; "" while all is well."""
        return self.recorder.trouble if self.recorder else ""

    async def __call__(self, target: Target) -> AsyncGenerator[Snapshot, None]:
        """The Snapshots of a target, see `Hub.snapshots`; its recording ends when they do."""
        from kapture_tui.telemetry.hub import Hub

        async with aclosing(self.recorded(Hub(target))) as snapshots:
            async for snapshot in snapshots:
                yield snapshot

    async def recorded(self, hub: Hub) -> AsyncGenerator[Snapshot, None]:
        """The Snapshots of a hub that others may use as well."""
        from kapture_tui.telemetry.recorder import Recorder

        recorder = self.recorder = Recorder(self._folder) if self._folder else None
        try:
            async with aclosing(hub.snapshots()) as snapshots:
                async for snapshot in snapshots:
                    if recorder is not None:
                        recorder.offer(snapshot)
                    yield snapshot
        finally:
            if recorder is not None:
                recorder.close()
