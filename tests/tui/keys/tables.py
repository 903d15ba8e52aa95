"""The keys of lists, tables, logs and dialogs."""

from __future__ import annotations

from kapture_tui.tui.screens.dashboard import Dashboard
from kapture_tui.tui.screens.reading import Logs
from tests.tui import sample
from tests.tui.fake import ScriptedTarget
from tests.tui.keys.drives import LOG, Drives, focus, on, selected
from tests.tui.stage import LARGE, dashboard

DRIVES = Drives()
drives = DRIVES.of


@drives("table.filter")
async def _(key: str) -> None:
    async with dashboard(sample.snapshot(), size=LARGE) as stage:
        await stage.press(key, *"etl !redis")
        assert "/etl !redis" in stage.lines()[-1]
        assert "etl-0" in stage.text()
        assert "etl-redis-0" not in stage.text()
        await stage.press("escape")
        assert "▸ kafka" in stage.text()
        await focus(stage, "lag")
        await stage.press(key, *"state:MA", "enter")
        assert "lag by state slowest group /state:MA" in stage.text()
        assert " NY " not in stage.text()
    async with dashboard(sample.snapshot(), target=ScriptedTarget(log=LOG)) as stage:
        await stage.press("l")
        await stage.until(lambda: "line 59" in stage.text())
        await stage.press(key, *"line !9", "enter")
        assert "line 58" in stage.text()
        assert "line 59" not in stage.text()
        assert isinstance(stage.app.screen, Logs)


@drives("table.sort")
async def _(key: str) -> None:
    async with dashboard(sample.snapshot(), size=LARGE) as stage:
        await stage.press(key, key, key)
        assert "processes ▾cpu" in stage.text()
        shown = [line[63:].split()[2] for line in stage.lines() if "▸ " in line]
        assert shown == ["data-loader", "etl-redis", "kafka", "etl", "redis", "observer"]


@drives("table.turn")
async def _(key: str) -> None:
    async with dashboard(sample.snapshot(), size=LARGE) as stage:
        await stage.press("o", key)
        assert "processes ▾name" in stage.text()
        shown = [line[63:].split()[2] for line in stage.lines() if "▸ " in line]
        assert shown == sorted(shown, reverse=True)


@drives("logs.follow")
async def _(key: str) -> None:
    async with dashboard(sample.snapshot(), target=ScriptedTarget(log=LOG)) as stage:
        await stage.press("l")
        await stage.until(lambda: "line 59" in stage.text())
        await stage.press("home")
        assert "line 59" not in stage.text()
        await stage.press(key)
        assert "line 59" in stage.text()


@drives("dialog.accept")
async def _(key: str) -> None:
    async with dashboard(sample.snapshot()) as stage:
        await stage.press("s", "right", key)
        await stage.until(lambda: bool(stage.target.done))
        assert stage.target.done == [("scale", "data-loader", 3)]


@drives("dialog.close")
async def _(key: str) -> None:
    async with dashboard(sample.snapshot()) as stage:
        await stage.press("s", "right", key)
        assert isinstance(stage.app.screen, Dashboard)
        assert stage.target.done == []


@drives("panel.next", "panel.previous")
async def _(key: str) -> None:
    async with dashboard(sample.snapshot()) as stage:
        await stage.press(key)
        assert on(stage) == ("lag" if key == "shift+tab" else "flow")
    async with dashboard(sample.snapshot()) as stage:
        await stage.press("z", key)
        assert on(stage) == ("lag" if key == "shift+tab" else "flow")


@drives("list.up", "list.down", "list.page_up", "list.page_down", "list.first", "list.last")
async def _(key: str) -> None:
    ups = {"up", "k", "pageup", "home"}
    async with dashboard(sample.snapshot()) as stage:
        await stage.press("end" if key in ups else "home")
        before = selected(stage)
        await stage.press(key)
        places = [
            f"component/{name}" for name in ("data-loader", "etl", "etl-redis", "kafka", "observer", "redis")
        ]
        far = key in ("pageup", "home", "pagedown", "end")
        index = {True: (0, 5), False: (4, 1)}[far][0 if key in ups else 1]
        assert selected(stage) == places[index] != before


@drives("list.left", "list.right")
async def _(key: str) -> None:
    async with dashboard(sample.snapshot()) as stage:
        await stage.press("right")
        assert "data-loader-0" in stage.text()
        await stage.press("down" if key == "right" else "home", key)
        assert ("data-loader-0" in stage.text()) is (key == "right")
