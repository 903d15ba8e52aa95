"""The guided tour: what it does to the stack, and that it stays a console."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from kapture_tui.model.event import Event, EventKind
from kapture_tui.model.snapshot import Snapshot
from kapture_tui.model.times import timestamp
from kapture_tui.targets.base import Target
from kapture_tui.tui import ConsoleOptions, keymap, themes
from kapture_tui.tui import tour as tour_module
from kapture_tui.tui.options import TOUR_STACK
from kapture_tui.tui.screens.replay import Replay
from kapture_tui.tui.tour import DEEDS, TOUR, Stop, TourApp, said
from tests.tui import sample
from tests.tui.fake import ScriptedTarget, step
from tests.tui.stage import SMALL, Stagehand
from tests.tui.test_replay import Clock
from tests.unit.telemetry.tape import BEGAN_S, recorded, snapshots

KILLED = Event(timestamp(BEGAN_S + 60), EventKind.ACTION, "etl-0", "killed on request")


@dataclass
class Guided(Stagehand):
    """A tour whose clock a test moves."""

    clock: Clock

    @property
    def tourist(self) -> TourApp:
        """The app."""
        assert isinstance(self.app, TourApp)
        return self.app

    async def reach(self, number: int) -> None:
        """Let time pass until so many stops have been reached."""
        while self.tourist.told < number:
            self.clock.now_s += 1
            await asyncio.sleep(0.001)
        await self.settle()


@asynccontextmanager
async def tour(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, stops: tuple[Stop, ...] = TOUR
) -> AsyncIterator[Guided]:
    """Take the tour on a scripted target, with a recording of a session in which something was killed."""
    monkeypatch.setattr(tour_module, "LOOK_S", 0.001)
    monkeypatch.setattr(TourApp, "tour", stops)
    path = tmp_path / "tape.kapture"
    path.write_bytes(recorded(replace(s, events=(KILLED,)) for s in snapshots(100)))
    target = ScriptedTarget("demo", events=[step("loaders", "1 loader sends", True, 0.1)])
    queue: asyncio.Queue[Snapshot] = asyncio.Queue()
    queue.put_nowait(sample.snapshot(60))

    async def watch(_: Target) -> AsyncIterator[Snapshot]:
        while True:
            yield await queue.get()

    clock = Clock()
    options = ConsoleOptions(lambda *_: target, TOUR_STACK, start=True, watch=watch, recording=lambda: path)
    app = TourApp(options, themes.load(themes.DEFAULT), keymap.defaults(), clock=clock)
    async with app.run_test(size=SMALL) as pilot:
        guided = Guided(app, pilot, target, queue, clock)
        await guided.settle()
        yield guided


async def test_it_goes_through_all_stops_and_leaves_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async with tour(monkeypatch, tmp_path) as guided:
        await guided.reach(len(TOUR))
        await guided.until(lambda: guided.app.return_value is not None)
    assert [done[0] for done in guided.target.done] == ["deploy", "scale", "scale", "kill", "destroy"]
    assert guided.target.done[1:4] == [("scale", "data-loader", 3), ("scale", "etl", 3), ("kill", "etl-0")]
    assert guided.app.return_value == 0


async def test_it_goes_back_to_the_second_of_the_kill_and_returns(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    stops = tuple(stop for stop in TOUR if stop.at_s >= 120)
    async with tour(monkeypatch, tmp_path, stops) as guided:
        await guided.reach(1)
        replay = guided.app.screen
        assert isinstance(replay, Replay)
        assert replay.latest.seq == 60
        assert "r goes back in time" in guided.lines()[-1]
        await guided.reach(2)
        assert (replay.playback.playing, replay.playback.speed) == (True, 4.0)
        await guided.reach(3)
        assert not isinstance(guided.app.screen, Replay)


async def test_whoever_stops_the_stack_ends_the_tour(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    async with tour(monkeypatch, tmp_path) as guided:
        await guided.reach(1)
        assert "Customers buy pet food" in guided.text()
        await guided.press("q")
        await guided.until(lambda: guided.app.return_value is not None)
    assert [done[0] for done in guided.target.done] == ["deploy", "destroy"]


def test_the_tour_takes_three_minutes_with_what_is_around_it() -> None:
    times = [stop.at_s for stop in TOUR]
    assert times == sorted(times)
    assert 160 <= times[-1] <= 175
    assert {stop.does for stop in TOUR} == set(DEEDS)


def test_all_that_is_said_fits_and_is_true() -> None:
    assert [said(stop, sample.snapshot()) for stop in TOUR if len(said(stop, sample.snapshot())) > 79] == []
    (counted,) = {stop for stop in TOUR if "{lost}" in stop.says}
    assert said(counted, sample.snapshot()).endswith("lost 0, written twice 0.")
    assert said(counted, sample.troubled()).endswith("lost 5, written twice 2.")
