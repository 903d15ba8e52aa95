"""Every key of the command table is pressed here, and does what its line of help says."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from kapture_tui.model.errors import Unreachable
from kapture_tui.model.event import Event, EventKind
from kapture_tui.model.snapshot import Snapshot
from kapture_tui.model.times import timestamp
from kapture_tui.tui import themes
from kapture_tui.tui.arrange import PANELS
from kapture_tui.tui.commands import BY_ID, PLACES, TABLE
from kapture_tui.tui.measuring import Measuring
from kapture_tui.tui.screens.bench import BenchQuestion, BenchScreen, Watched
from kapture_tui.tui.screens.dashboard import Dashboard
from kapture_tui.tui.screens.dialogs import ByHandDialog, Choice, Confirm, Scale, Teardown, ThemePicker
from kapture_tui.tui.screens.reading import Details, Help, Logs
from kapture_tui.tui.screens.replay import Replay
from kapture_tui.tui.screens.setup import SetupScreen
from kapture_tui.tui.screens.steps import DeployScreen, TeardownScreen
from kapture_tui.tui.widgets.panel import Panel
from tests.tui import sample
from tests.tui.fake import ScriptedTarget, step
from tests.tui.measured import Deployments, run
from tests.tui.stage import LARGE, Stagehand, console, dashboard
from tests.unit.telemetry.tape import BEGAN_S, recorded, snapshots

Drive = Callable[[str], Awaitable[None]]
"""Presses one key, and fails unless it did what it is for."""

DRIVES: dict[str, Drive] = {}

LOG = [f"2026-01-02T17:00:{n:02} INFO line {n}" for n in range(60)]


def drives(*ids: str) -> Callable[[Drive], Drive]:
    def note(drive: Drive) -> Drive:
        DRIVES.update(dict.fromkeys(ids, drive))
        return drive

    return note


@pytest.mark.parametrize(
    ("command", "key"), [(command.id, key) for command in TABLE for key in command.keys.split(",")]
)
async def test_key(command: str, key: str) -> None:
    assert command in DRIVES, f"no test presses {key} for {command}"
    await DRIVES[command](key)


def test_every_command_has_an_id_a_key_and_a_line_of_help() -> None:
    for command in TABLE:
        area, dot, name = command.id.partition(".")
        assert area, command
        assert dot, command
        assert name, command
        assert command.keys, command.id
        assert 1 < len(command.help) <= 40, command.id
        assert command.where in PLACES, command.id
    assert not set(DRIVES) - set(BY_ID)


TAKEN = {
    "ctrl+b": "tmux",
    "ctrl+a": "screen",
    "ctrl+z": "the shell",
    "ctrl+s": "flow control",
    "ctrl+w": "a browser closes its tab",
    "ctrl+t": "a browser opens one",
    "ctrl+n": "a browser opens a window",
    "f5": "a browser loads anew",
    "f11": "a browser fills the screen",
    "f12": "a browser opens its tools",
    "ctrl+q": "Firefox leaves",
    "ctrl+p": "a browser prints",
    "f1": "a terminal's help",
}


@pytest.mark.parametrize("command", TABLE, ids=lambda command: command.id)
def test_every_command_has_a_key_that_nobody_takes_away(command: object) -> None:
    keys = BY_ID[command.id].keys.split(",")  # type: ignore[attr-defined]
    assert set(keys) - set(TAKEN)


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


@asynccontextmanager
async def looking_back(session: Sequence[Snapshot] = ()) -> AsyncIterator[Stagehand]:
    """A dashboard from which one has gone back to the end of what was recorded."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "tape.kapture"
        path.write_bytes(recorded(session or snapshots(30), ended=False))
        async with dashboard(sample.snapshot(252), recording=lambda: path) as stage:
            await stage.press("r")
            await stage.until_on(Replay)
            yield stage


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


@drives("time.back")
async def _(key: str) -> None:
    async with looking_back() as stage:
        await stage.press("escape")
        assert not isinstance(stage.app.screen, Replay)
        await stage.press(key)
        assert isinstance(stage.app.screen, Replay)


@drives("time.step", "time.mark")
async def _(key: str) -> None:
    told = Event(timestamp(BEGAN_S + 20.4), EventKind.ACTION, "data-loader", "scaled 1 → 2")
    session = [replace(s, events=(told,) if told.time <= s.time else ()) for s in snapshots(60)]
    async with looking_back(session) as stage:
        await stage.press("escape", key)
        replay = stage.app.screen
        assert isinstance(replay, Replay)
        assert replay.latest.seq == {"comma": 54, "left_square_bracket": 21}[key]


SECONDS = {
    "replay.back": 95,
    "replay.forth": 105,
    "replay.mark_back": 21,
    "replay.mark_forth": 151,
    "replay.begin": 0,
    "replay.end": 199,
}


@drives(*SECONDS)
async def _(key: str) -> None:
    """From second 100 of a session in which something happens at 20 and at 150."""
    (command,) = (c.id for c in TABLE if c.where == "replay" and c.keys == key)
    told = (
        Event(timestamp(BEGAN_S + 20.4), EventKind.ACTION, "data-loader", "scaled 1 → 2"),
        Event(timestamp(BEGAN_S + 150.7), EventKind.ALARM, "etl-redis", "3 acknowledged messages are lost"),
    )
    session = [replace(s, events=tuple(e for e in told if e.time <= s.time)) for s in snapshots(200)]
    async with looking_back(session) as stage:
        replay = stage.app.screen
        assert isinstance(replay, Replay)
        replay._play(replay.playback.sought(100.0, 0.0))
        await stage.press(key)
        assert replay.latest.seq == SECONDS[command]


@drives("replay.slower", "replay.faster")
async def _(key: str) -> None:
    async with looking_back() as stage:
        replay = stage.app.screen
        assert isinstance(replay, Replay)
        await stage.press(key)
        assert replay.playback.speed == {"less_than_sign": 0.5, "greater_than_sign": 2.0}[key]


@drives("replay.close")
async def _(key: str) -> None:
    async with looking_back() as stage:
        replay = stage.app.screen
        await stage.press("z", "slash", *"etl", "enter")
        await stage.press(key, key)
        assert stage.app.screen is replay
        await stage.press(key)
        assert type(stage.app.screen) is Dashboard


@drives("app.copy")
async def _(key: str) -> None:
    sent: list[str] = []
    async with dashboard(sample.snapshot(), size=LARGE) as stage:
        driver = stage.app._driver
        assert driver is not None
        driver.write = sent.append  # type: ignore[method-assign]
        with pytest.MonkeyPatch.context() as patch:
            patch.delenv("TMUX", raising=False)
            patch.delenv("STY", raising=False)
            await stage.press(key)
            await stage.until(lambda: "copied data-loader" in stage.lines()[-1])
            await focus(stage, "ledger")
            await stage.press(key)
            await stage.until(lambda: "copied 2 lines" in stage.lines()[-1])
    assert "\x1b]52;c;ZGF0YS1sb2FkZXI=\x07" in sent


@drives("app.mouse")
async def _(key: str) -> None:
    """On a real terminal: see `test_pty`. Here there is none to switch."""
    async with dashboard(sample.snapshot()) as stage:
        await stage.press(key)
        assert "mouse" in stage.lines()[-1]


@drives("app.theme")
async def _(key: str) -> None:
    async with dashboard(sample.snapshot()) as stage:
        await stage.press(key)
        assert isinstance(stage.app.screen, ThemePicker)


@drives("app.help")
async def _(key: str) -> None:
    async with dashboard(sample.snapshot()) as stage:
        await stage.press(key)
        assert isinstance(stage.app.screen, Help)


@drives("app.palette")
async def _(key: str) -> None:
    async with dashboard(sample.snapshot()) as stage:
        await stage.press(key)
        await stage.press(*"table.sort")
        await stage.until(lambda: "sort by the next column" in stage.text())
        await stage.press("enter")
        await stage.until(lambda: "sorted by name" in stage.lines()[-1])
        await stage.press(key, *"sort by memory")
        await stage.until(lambda: stage.text().count("sort by memory") > 1)
        await stage.press("enter")
        await stage.until(lambda: "sorted by memory" in stage.lines()[-1])
        await stage.press(key, *"theme kapture-light")
        await stage.until(lambda: stage.text().count("kapture-light") > 1)
        await stage.press("enter")
        await stage.until(lambda: stage.app.palette.name == "kapture-light")
        stage.app.wear(themes.load(themes.DEFAULT))


@drives("app.quit")
async def _(key: str) -> None:
    async with dashboard(sample.snapshot()) as stage:
        await stage.press(key)
        await asyncio.wait_for(stage.until(lambda: stage.app.return_value is not None), 60)
