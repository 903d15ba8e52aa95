"""The keys of the dashboard: what is done to a stack, and which part of it is looked at."""

from __future__ import annotations

from kapture_tui.tui.arrange import PANELS
from kapture_tui.tui.screens.dashboard import Dashboard
from kapture_tui.tui.screens.dialogs import ByHandDialog, Confirm, Scale, Teardown
from kapture_tui.tui.screens.reading import Details, Logs
from tests.tui import sample
from tests.tui.fake import ScriptedTarget
from tests.tui.keys.drives import LOG, Drives, focus, on
from tests.tui.stage import LARGE, dashboard

DRIVES = Drives()
drives = DRIVES.of


@drives("loader.more", "loader.less")
async def _(key: str) -> None:
    async with dashboard(sample.snapshot()) as stage:
        await stage.press(key)
        await stage.until(lambda: bool(stage.target.done))
        assert stage.target.done == [("scale", "data-loader", 1 if key == "minus" else 3)]


@drives("stack.scale")
async def _(key: str) -> None:
    async with dashboard(sample.snapshot()) as stage:
        await stage.press(key)
        assert isinstance(stage.app.screen, Scale)


@drives("display.pause")
async def _(key: str) -> None:
    async with dashboard(sample.snapshot()) as stage:
        await stage.press(key)
        assert "display paused" in stage.lines()[0]
        await stage.press(key)
        assert "display paused" not in stage.lines()[0]


@drives("lag.group")
async def _(key: str) -> None:
    async with dashboard(sample.snapshot(), size=LARGE) as stage:
        await stage.press(key, key)
        assert "lag by state etl-redis" in stage.text()


@drives("select.details", "select.describe")
async def _(key: str) -> None:
    async with dashboard(sample.snapshot()) as stage:
        await stage.press("right", "down", key)
        assert isinstance(stage.app.screen, Details)
        await stage.press("end")
        assert "you scaled data-loader 1 → 2" not in stage.text()
        await stage.press("escape", "home", *([key] if key == "d" else [key, key]))
        assert isinstance(stage.app.screen, Dashboard) is (key == "enter")
    async with dashboard(sample.snapshot(), size=LARGE) as stage:
        await focus(stage, "events")
        await stage.press("home", "down", key)
        assert isinstance(stage.app.screen, Details)
        assert "you scaled data-loader 1 → 2" in stage.text()


@drives("select.logs")
async def _(key: str) -> None:
    target = ScriptedTarget(log=LOG)
    async with dashboard(sample.snapshot(), target=target) as stage:
        await stage.press(key)
        assert isinstance(stage.app.screen, Logs)
        await stage.until(lambda: "line 59" in stage.text())
        assert target.done == [("logs", "data-loader")]


@drives("select.kill")
async def _(key: str) -> None:
    async with dashboard(sample.snapshot()) as stage:
        await stage.press(key)
        assert "select a pod first" in stage.lines()[-1]
        await stage.press("right", "down", key)
        assert isinstance(stage.app.screen, Confirm)
        assert "data-loader-0, at once and without warning" in stage.text()
        await stage.press("enter")
        assert isinstance(stage.app.screen, Dashboard)
        assert stage.target.done == []
        await stage.press(key, "right", "enter")
        await stage.until(lambda: bool(stage.target.done))
        assert stage.target.done == [("kill", "data-loader-0")]
        await stage.until(lambda: "data-loader-0 killed" in stage.lines()[-1])


@drives("action.print")
async def _(key: str) -> None:
    async with dashboard(sample.snapshot(), target=ScriptedTarget(name="kubernetes"), yes=True) as stage:
        await stage.press(key)
        assert "nothing has been done yet" in stage.lines()[-1]
        await stage.press("plus")
        await stage.until(lambda: bool(stage.target.done))
        await stage.press(key)
        screen = stage.app.screen
        assert isinstance(screen, ByHandDialog)
        assert screen.copied == (
            "kubectl --context lab --namespace perf-test scale deployment/data-loader --replicas=3"
        )


@drives("stack.teardown")
async def _(key: str) -> None:
    async with dashboard(sample.snapshot()) as stage:
        await stage.press(key)
        assert isinstance(stage.app.screen, Teardown)


@drives(*(f"panel.{name}" for name in PANELS))
async def _(key: str) -> None:
    async with dashboard(sample.snapshot()) as stage:
        await stage.press(key)
        assert on(stage) == PANELS[int(key) - 1]
    async with dashboard(sample.snapshot(), size=(40, 12)) as stage:
        await stage.press(key)
        assert on(stage) == PANELS[int(key) - 1]


@drives("view.zoom")
async def _(key: str) -> None:
    async with dashboard(sample.snapshot()) as stage:
        await focus(stage, "lag")
        await stage.press(key)
        assert stage.app.screen.query_one("#lag").size.height == 21
        assert "WI 330" not in stage.text()
        assert not stage.app.screen.query_one("#pods").display
        await stage.press("2")
        assert stage.app.screen.query_one("#pods").size.height == 21
        await stage.press(key)
        assert stage.app.screen.query_one("#lag").display


@drives("view.back")
async def _(key: str) -> None:
    async with dashboard(sample.snapshot()) as stage:
        await stage.press("z", "slash", *"redis", "enter", key)
        assert stage.app.screen.query_one("#lag").display
        assert "▸ kafka" not in stage.text()
        await stage.press(key)
        assert "▸ kafka" in stage.text()
