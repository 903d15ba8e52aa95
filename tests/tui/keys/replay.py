"""The keys of a recording, and those that lead to it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from kapture_tui.model.event import Event, EventKind
from kapture_tui.model.snapshot import Snapshot
from kapture_tui.model.times import timestamp
from kapture_tui.tui.commands import TABLE
from kapture_tui.tui.screens.dashboard import Dashboard
from kapture_tui.tui.screens.replay import Replay
from tests.tui import sample
from tests.tui.keys.drives import Drives
from tests.tui.stage import Stagehand, dashboard
from tests.unit.telemetry.tape import BEGAN_S, recorded, snapshots

DRIVES = Drives()
drives = DRIVES.of


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
