"""A console in a test: no terminal, a scripted target, snapshots when the test says so, a clock that stands still."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from textual.pilot import Pilot
from textual.screen import Screen
from textual.widget import Widget

from kapture_tui.model.snapshot import Snapshot
from kapture_tui.model.spec import StackSpec
from kapture_tui.targets.base import Connection, Target
from kapture_tui.tui import ConsoleOptions, keymap, themes
from kapture_tui.tui.app import ConsoleApp
from tests.tui.fake import ScriptedTarget

PICTURES = Path(__file__).parent / "pictures"
UPDATE = "KAPTURE_UPDATE_PICTURES"
"""Set it to accept the pictures as they are; read each difference before."""

SMALL, LARGE, HUGE = (80, 24), (120, 40), (200, 60)


@dataclass
class Stagehand:
    """What a test has in its hands."""

    app: ConsoleApp
    pilot: Pilot[int]
    target: ScriptedTarget
    snapshots: asyncio.Queue[Snapshot]

    async def show(self, *snapshots: Snapshot) -> None:
        """Let the console take snapshots, one after the other, and draw."""
        for snapshot in snapshots:
            self.snapshots.put_nowait(snapshot)
        await self.until(lambda: self.snapshots.empty() and self.app.session.latest == snapshots[-1])

    async def show_after(self, *snapshots: Snapshot) -> None:
        """Let the console know of snapshots without drawing them, and show the last one."""
        for snapshot in snapshots[:-1]:
            self.app.history.feed(snapshot)
        await self.show(snapshots[-1])

    async def press(self, *keys: str) -> None:
        """Press keys and let the console settle."""
        await self.pilot.press(*keys)
        await self.settle()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until something holds; the test's time-out is the limit."""
        while not condition():  # noqa: ASYNC110 - what Textual draws has no event to wait for
            await asyncio.sleep(0.001)
        await self.settle()

    async def settle(self) -> None:
        """Wait until everything is laid out and drawn."""
        while self.app.return_value is None:
            await self.pilot.pause()
            screens = self.app.screen_stack[-1:]
            if not any(_is_to_do(screen) for screen in screens):
                return
            await asyncio.sleep(0.001)

    async def until_on(self, screen: type[Widget]) -> None:
        """Wait until a screen of a kind is on top."""
        await self.until(lambda: isinstance(self.app.screen, screen) and bool(self.app.screen.size.width))

    def lines(self) -> list[str]:
        """Return the text on the screen."""
        return [strip.text.rstrip() for strip in self.app.screen._compositor.render_strips()]

    def text(self) -> str:
        """Return the text on the screen as one string."""
        return "\n".join(self.lines())

    def line(self, part: str) -> str:
        """Return the only line that contains `part`."""
        found = [line for line in self.lines() if part in line]
        assert len(found) == 1, f"{part!r} is on {len(found)} lines of\n{self.text()}"
        return found[0]


def _is_to_do(screen: Screen[object]) -> bool:
    """Whether a screen, or a widget that has not told it yet, is to be laid out or drawn."""
    widgets = (widget for widget in screen.walk_children(Widget) if widget.display)
    return bool(
        screen._layout_required
        or screen._dirty_widgets
        or any(widget._layout_required or widget._repaint_required for widget in widgets)
    )


@asynccontextmanager
async def console(
    size: tuple[int, int] = SMALL,
    target: ScriptedTarget | None = None,
    theme: str = "kapture-dark",
    at: str = "local",
    **options: object,
) -> AsyncIterator[Stagehand]:
    """Open a console; `at` is the name of the target it begins with, `options` those of `ConsoleOptions`."""
    target = target or ScriptedTarget()
    snapshots: asyncio.Queue[Snapshot] = asyncio.Queue()

    def open_target(name: str, namespace: str, connection: Connection) -> Target:
        return target

    async def watch(_: Target) -> AsyncIterator[Snapshot]:
        while True:
            yield await snapshots.get()

    given = {"contexts": lambda _: (), "target": at, **options}
    chosen = replace(ConsoleOptions(open_target, watch=watch), **given)
    app = ConsoleApp(chosen, themes.load(theme), keymap.load(), clock=lambda: 100.0)
    async with app.run_test(size=size) as pilot:
        stage = Stagehand(app, pilot, target, snapshots)
        await stage.settle()
        yield stage


@asynccontextmanager
async def dashboard(
    *snapshots: Snapshot, size: tuple[int, int] = SMALL, **options: object
) -> AsyncIterator[Stagehand]:
    """Open a console that is attached to a running stack."""
    async with console(size, spec=StackSpec("perf-test", scale=2), attach=True, **options) as stage:
        if snapshots:
            await stage.show_after(*snapshots)
        yield stage


def compare_picture(stage: Stagehand, name: str) -> None:
    """Compare the screen with the picture that was accepted; on a difference, leave the new one beside it."""
    accepted, fresh = PICTURES / f"{name}.svg", PICTURES / f"{name}.new.svg"
    picture = re.sub(r"terminal-\d+", "terminal", stage.app.export_screenshot(title=name))
    if os.environ.get(UPDATE):
        PICTURES.mkdir(exist_ok=True)
        accepted.write_text(picture, encoding="utf-8")
    if accepted.exists() and accepted.read_text(encoding="utf-8") == picture:
        fresh.unlink(missing_ok=True)
        return
    fresh.write_text(picture, encoding="utf-8")
    raise AssertionError(f"{accepted} differs from what is drawn: look at {fresh}, accept it with {UPDATE}=1")
