"""Choosing an earlier run to race against."""

from __future__ import annotations

import asyncio
from pathlib import Path

from kapture_tui.model.errors import KaptureError
from kapture_tui.tui.rival import Rival
from kapture_tui.tui.screens.base import Stage


class Racing(Stage):
    """A screen on which an earlier run can be seen beside this one."""

    def action_race(self) -> None:
        """Ask against which; reading them all may take a moment."""
        self.say("looking for earlier runs…")
        self.console.start(self._offer(), self)

    async def _offer(self) -> None:
        from kapture_tui.tui import race
        from kapture_tui.tui.screens.dialogs import Choice

        options = self.console.options
        found = await asyncio.to_thread(race.offers, options.results, options.recordings())
        by_name = {name: path for path, (name, _) in found.items()}
        choices = {race.NOBODY: "race no more"} if self.console.rival.ghost is not None else {}
        choices |= dict(found.values())
        now = self.console.rival.name

        def take(name: str | None) -> None:
            if name is not None:
                self.console.start(self._race(by_name.get(name)), self)

        self.app.push_screen(Choice("race against", choices, now), take)

    async def _race(self, path: Path | None) -> None:
        from kapture_tui.tui import race

        try:
            rival = await asyncio.to_thread(race.rival, path) if path is not None else Rival()
        except KaptureError as exc:
            self.console.tell(exc)
            return
        self.console.race(rival)
        self.say(f"racing against {rival.name}" if rival.ghost is not None else "racing against nobody")
