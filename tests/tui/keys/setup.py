"""The keys of the setup screen, and of a deploy or a removal as it goes on."""

from __future__ import annotations

from kapture_tui.model.errors import Unreachable
from kapture_tui.tui.screens.setup import SetupScreen
from kapture_tui.tui.screens.steps import DeployScreen, TeardownScreen
from tests.tui import sample
from tests.tui.fake import ScriptedTarget, step
from tests.tui.keys.drives import Drives
from tests.tui.stage import console, dashboard

DRIVES = Drives()
drives = DRIVES.of


@drives("setup.start")
async def _(key: str) -> None:
    async with console() as stage:
        await stage.press(key)
        await stage.until(lambda: bool(stage.target.done))
        assert stage.target.done[0][0] == "deploy"


@drives("setup.toggle")
async def _(key: str) -> None:
    async with console() as stage:
        await stage.until(lambda: "valkey 9.1" in stage.text())
        screen = stage.app.screen
        assert isinstance(screen, SetupScreen)
        before = set(screen.form.components)
        screen.main.select("component/redis")
        await stage.press(key)
        assert screen.form.components != before


@drives("steps.continue")
async def _(key: str) -> None:
    async with dashboard(sample.snapshot()) as stage:
        stage.app.teardown(leave=False)
        await stage.until_on(TeardownScreen)
        await stage.until(lambda: "sets up another run" in stage.text())
        await stage.press(key)
        assert isinstance(stage.app.screen, SetupScreen)


async def failed(key: str) -> ScriptedTarget:
    target = ScriptedTarget(events=[step("broker", "starting", False), Unreachable("starting", "no", "try")])
    async with console(target=target) as stage:
        await stage.press("enter")
        await stage.until_on(DeployScreen)
        await stage.until(lambda: "tries again" in stage.text())
        await stage.press(key)
        await stage.until(lambda: len(target.done) > 1 or isinstance(stage.app.screen, SetupScreen))
    return target


@drives("steps.retry")
async def _(key: str) -> None:
    assert [verb for verb, *_ in (await failed(key)).done] == ["deploy", "deploy"]


@drives("steps.back")
async def _(key: str) -> None:
    assert [verb for verb, *_ in (await failed(key)).done] == ["deploy"]
