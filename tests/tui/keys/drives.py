"""What every key is to be pressed with: by the id of its command, the one who presses it and looks at what it did."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from kapture_tui.tui.widgets.panel import Panel
from tests.tui.stage import Stagehand

Drive = Callable[[str], Awaitable[None]]
"""Presses one key, and fails unless it did what it is for."""


class Drives(dict[str, Drive]):
    """Drives by command id."""

    def of(self, *ids: str) -> Callable[[Drive], Drive]:
        """Take what is decorated for the drive of these commands."""

        def note(drive: Drive) -> Drive:
            self.update(dict.fromkeys(ids, drive))
            return drive

        return note


LOG = [f"2026-01-02T17:00:{n:02} INFO line {n}" for n in range(60)]


def on(stage: Stagehand) -> str | None:
    focused = stage.app.screen.focused
    return focused.id if focused else None


def selected(stage: Stagehand) -> str | None:
    focused = stage.app.screen.focused
    assert isinstance(focused, Panel)
    return focused.selected


async def focus(stage: Stagehand, panel: str) -> None:
    stage.app.screen.query_one(f"#{panel}").focus()
    await stage.settle()
