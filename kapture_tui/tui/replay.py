"""The console on a recording: the same app, without a stack."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from textual.screen import Screen

from kapture_tui.model.spec import StackSpec
from kapture_tui.targets.base import Place
from kapture_tui.telemetry.playback import Playback
from kapture_tui.telemetry.recording import Recording
from kapture_tui.tui import keymap
from kapture_tui.tui.actions import Session
from kapture_tui.tui.app import ConsoleApp
from kapture_tui.tui.options import ConsoleOptions
from kapture_tui.tui.screens.replay import Replay
from kapture_tui.tui.themes import Palette


class ReplayApp(ConsoleApp):
    """Plays a recording; leaving it leaves nothing behind, and its exit code is 0."""

    def __init__(
        self,
        recording: Recording,
        playback: Playback,
        options: ConsoleOptions,
        palette: Palette,
        keys: Mapping[str, str],
        **given: Any,
    ) -> None:
        super().__init__(options, palette, keys, **given)
        self._recording = recording
        self._playback = playback

    def _first_screen(self) -> Screen[Any]:
        started = self._playback.sought(self._playback.from_s, self.clock())
        return Replay(self._recording, started)

    def open_session(self, spec: StackSpec) -> Session:
        """Return a session that nothing can be done in; its target is never asked for anything."""
        session = super().open_session(spec)
        session.place = Place("recording", "", "", spec.namespace)
        return session

    def _follow(self) -> None:
        """There is nothing to follow."""

    def leaving(self, brief: bool = False) -> str:
        """Return what quitting does."""
        return "quit" if brief else f"{self.key('app.quit')} leaves the recording."

    def exit_now(self) -> None:
        """Leave."""
        self.exit(0)


async def picture(
    path: Path, position_s: float, size: tuple[int, int], options: ConsoleOptions, palette: Palette
) -> str:
    """Return the dashboard at one moment of a recording as SVG. Raises UsageError: it cannot be read."""
    recording = Recording.open(path)
    playback = Playback.begun(recording.length_s, position_s)
    app = ReplayApp(recording, playback.paused(0.0), options, palette, keymap.defaults(), clock=lambda: 0.0)
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        return app.export_screenshot(title=f"kapture-tui replay {recording.header.namespace}")
