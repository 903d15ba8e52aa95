"""The keys that measure a stack, and race against an earlier run."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from kapture_tui.tui.measuring import Measuring
from kapture_tui.tui.screens.bench import BenchQuestion, BenchScreen, Watched
from kapture_tui.tui.screens.dashboard import Dashboard
from kapture_tui.tui.screens.dialogs import Choice
from kapture_tui.tui.screens.setup import SetupScreen
from tests.tui import sample
from tests.tui.keys.drives import Drives
from tests.tui.measured import Deployments, run
from tests.tui.stage import Stagehand, console, dashboard
from tests.unit.telemetry.tape import recorded, snapshots

DRIVES = Drives()
drives = DRIVES.of


@drives("bench.start")
async def _(key: str) -> None:
    async with dashboard(sample.snapshot()) as stage:
        await stage.press(key)
        assert isinstance(stage.app.screen, BenchQuestion)
        await stage.press("enter")
        assert isinstance(stage.app.screen, Dashboard)
        assert stage.target.done == [], "No was in focus"


@drives("race.choose", "bench.race")
async def _(key: str) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder)
        (path / "perf-test.kapture").write_bytes(recorded(snapshots(30), ended=True))
        options = {"results": path, "recordings": lambda: path}
        async with dashboard(sample.snapshot(12), **options) as stage:
            await _race(stage, key)
            assert "flow  then: perf-test" in stage.text()
        async with console(**options) as stage:
            stage.app.measure(run(path)[0])
            await stage.until_on(BenchScreen)
            await _race(stage, key)
            assert "perf-test: it has no score" in stage.text()


async def _race(stage: Stagehand, key: str) -> None:
    await stage.press(key)
    await stage.until_on(Choice)
    dialog = stage.app.screen
    assert isinstance(dialog, Choice)
    dialog.box.select("perf-test")
    await stage.press("enter")
    await stage.until(lambda: "racing against perf-test" in stage.lines()[-1])


@asynccontextmanager
async def being_measured() -> AsyncIterator[tuple[Stagehand, Measuring, Deployments]]:
    with TemporaryDirectory() as folder:
        async with console() as stage:
            made, where = run(Path(folder))
            stage.app.measure(made)
            await stage.until_on(BenchScreen)
            yield stage, made, where


@drives("bench.stop")
async def _(key: str) -> None:
    async with being_measured() as (stage, made, _):
        await stage.press(key, "right", "enter")
        await stage.until(lambda: made.view().over)
        await stage.press(key)
        assert isinstance(stage.app.screen, SetupScreen)


@drives("bench.watch")
async def _(key: str) -> None:
    async with being_measured() as (stage, *_):
        await stage.press(key)
        assert isinstance(stage.app.screen, Watched)


@drives("bench.done")
async def _(key: str) -> None:
    async with being_measured() as (stage, made, _):
        await stage.press(key)
        assert "it goes on" in stage.lines()[-1]
        made.stop()
        await stage.until(lambda: made.view().over)
        await stage.press(key)
        assert isinstance(stage.app.screen, SetupScreen)
