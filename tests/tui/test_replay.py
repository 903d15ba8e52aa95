"""Recordings in the console: what each key does, and that every panel shows the moment."""

from __future__ import annotations

import asyncio
import fcntl
import os
import pty
import re
import struct
import sys
import termios
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from kapture_tui.model.event import Event, EventKind
from kapture_tui.model.snapshot import Snapshot
from kapture_tui.model.times import timestamp
from kapture_tui.telemetry.playback import Playback
from kapture_tui.telemetry.recording import Recording
from kapture_tui.tui import ConsoleOptions, keymap, themes
from kapture_tui.tui.replay import ReplayApp, picture
from kapture_tui.tui.screens.dashboard import Dashboard
from kapture_tui.tui.screens.dialogs import Scale, Teardown
from kapture_tui.tui.screens.replay import PastState, Replay
from kapture_tui.tui.widgets import keybar
from tests.tui import sample
from tests.tui.fake import ScriptedTarget
from tests.tui.stage import LARGE, SMALL, Stagehand, compare_picture, dashboard
from tests.unit.telemetry.tape import BEGAN_S, recorded, snapshots

TOLD = (
    Event(timestamp(BEGAN_S + 20.4), EventKind.ACTION, "data-loader", "scaled 1 → 2"),
    Event(timestamp(BEGAN_S + 60.0), EventKind.CHANGE, "etl-0", "killed, starts again"),
    Event(timestamp(BEGAN_S + 150.7), EventKind.ALARM, "etl-redis", "3 acknowledged messages are lost"),
)


def session(seconds: int = 200) -> list[Snapshot]:
    """A session in which three things happen."""
    return [replace(s, events=tuple(e for e in TOLD if e.time <= s.time)) for s in snapshots(seconds)]


FILE = recorded(session())


@dataclass
class Clock:
    """Stands still until a test moves it."""

    now_s: float = 100.0

    def __call__(self) -> float:
        return self.now_s


@dataclass
class Player(Stagehand):
    """A console on a recording; `clock` is what it plays by."""

    clock: Clock

    @property
    def replay(self) -> Replay:
        """The screen."""
        screen = self.app.bottom_stage()
        assert isinstance(screen, Replay)
        return screen

    async def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.clock.now_s += seconds
        self.replay._move()
        await self.settle()

    def second(self) -> int:
        """Which Snapshot is shown: they are numbered by their seconds."""
        return self.replay.latest.seq


@asynccontextmanager
async def played(
    data: bytes = FILE, size: tuple[int, int] = SMALL, at_s: float = 0.0, theme: str = "kapture-dark"
) -> AsyncIterator[Player]:
    """Open the console on a recording."""
    recording, clock, target = Recording(data, "tape.kapture"), Clock(), ScriptedTarget()
    options = ConsoleOptions(lambda *_: target, attach=True, readonly=True)
    playback = Playback(recording.length_s, at_s)
    app = ReplayApp(recording, playback, options, themes.load(theme), keymap.defaults(), clock=clock)
    async with app.run_test(size=size) as pilot:
        player = Player(app, pilot, target, None, clock)  # type: ignore[arg-type]
        await player.settle()
        yield player


async def test_it_plays_by_the_clock_and_stops_at_the_end() -> None:
    async with played() as player:
        assert player.second() == 0
        await player.wait(42)
        assert player.second() == 42
        assert "17:00:42  00:42 of 03:19  ▶" in player.line(" of 03:19")
        assert player.replay.latest == Recording(FILE, "tape").snapshot(42)
        await player.wait(1000)
        assert player.second() == 199
        assert "■ end" in player.text()


async def test_space_stands_still_and_goes_on_and_begins_again() -> None:
    async with played() as player:
        await player.wait(10)
        await player.press("space")
        await player.wait(60)
        assert (player.second(), "‖ paused" in player.text()) == (10, True)
        await player.press("space")
        await player.wait(5)
        assert player.second() == 15
        await player.wait(500)
        await player.press("space")
        assert player.second() == 0


@pytest.mark.parametrize(
    ("keys", "second"),
    [
        ("full_stop", 105),
        ("comma", 95),
        ("full_stop full_stop comma", 105),
        ("left_square_bracket", 60),
        ("left_square_bracket left_square_bracket", 21),
        ("left_square_bracket left_square_bracket left_square_bracket", 21),
        ("right_square_bracket", 151),
        ("right_square_bracket right_square_bracket", 151),
        ("right_square_bracket left_square_bracket", 60),
        ("left_curly_bracket", 0),
        ("right_curly_bracket", 199),
    ],
)
async def test_keys_that_move(keys: str, second: int) -> None:
    async with played(at_s=100.0) as player:
        await player.press(*keys.split())
        assert player.second() == second


async def test_at_an_event_it_stands_still_and_tells_it() -> None:
    async with played() as player:
        await player.press("right_square_bracket")
        assert "» 17:00:20 data-loader: scaled 1 → 2" in player.line("of 03:19")
        await player.wait(10)
        assert player.second() == 21
        await player.press("left_square_bracket")
        assert "nothing happened before this" in player.text()


async def test_speed() -> None:
    async with played() as player:
        await player.press("greater_than_sign", "greater_than_sign")
        await player.wait(10)
        assert (player.second(), "▶ ×4" in player.text()) == (40, True)
        await player.press(*["less_than_sign"] * 3)
        await player.wait(10)
        assert (player.second(), "▶ ×0.5" in player.text()) == (45, True)


async def bars(at_s: float, seconds: int) -> list[float | None]:
    """Begin at a position, play on second by second, and see what the sparkline of the offered rate has."""
    async with played(at_s=at_s) as player:
        for _ in range(seconds):
            await player.wait(1)
        assert player.second() == at_s + seconds
        return player.replay.history.bars("rate", "offered", 10)


async def test_sparklines_are_those_of_the_two_minutes_before() -> None:
    straight, jumped = await bars(0, 150), await bars(150, 0)
    assert None not in straight
    assert None not in jumped
    # Both hold the same two minutes; where a bar begins depends on where the reading did.
    assert sum(straight) == pytest.approx(sum(jumped), rel=0.01)  # type: ignore[arg-type]


@pytest.mark.parametrize("key", ["plus", "minus", "s", "D", "l", "r", "x", "p"])
async def test_the_past_cannot_be_changed(key: str) -> None:
    async with played() as player:
        await player.press(key)
        assert player.app.screen is player.replay
        assert player.target.done == []
        assert not isinstance(player.app.screen, Scale | Teardown)


async def test_a_state_is_that_of_the_moment() -> None:
    async with played() as player:
        await player.wait(30)
        await player.press("1", "enter")
        await player.until_on(PastState)
        before = player.text()
        await player.press("escape")
        assert player.app.screen is player.replay
        await player.wait(60)
        await player.press("enter")
        await player.until_on(PastState)
        assert player.text() != before


async def test_leaving_leaves_with_0_and_says_what_it_does() -> None:
    async with played(recorded([replace(sample.troubled(), time=timestamp(BEGAN_S))])) as player:
        await player.press("question_mark")
        assert "q leaves the recording" in player.text()
        await player.press("escape", "q")
        assert player.app.return_value == 0
    assert player.target.done == []


async def test_a_recording_that_breaks_off_says_so() -> None:
    async with played(recorded(session(5), ended=False)) as player:
        assert "breaks off at 17:00:04" in player.text()


async def test_tables_are_filtered_sorted_and_enlarged_there_too() -> None:
    async with played(at_s=100.0, size=LARGE) as player:
        await player.press("z", "o", "slash", *"loader", "enter")
        text = player.text()
        assert ("data-loader" in text, "etl-redis  " in text, "of 03:19" in text) == (True, False, True)
        await player.press("escape", "escape")
        assert "lag by state" in player.text()
        await player.press("escape")
        assert player.app.screen is player.replay, "there is no now to go back to"


async def test_a_state_over_the_replay_goes_on_with_it() -> None:
    async with played(at_s=30.0, size=LARGE) as player:
        await player.press("1", "enter")
        await player.until_on(PastState)
        before = player.text()
        await player.wait(60)
        assert player.text() != before


@pytest.mark.parametrize("size", [SMALL, LARGE], ids=["80x24", "120x40"])
async def test_pictures(size: tuple[int, int]) -> None:
    async with played(size=size, at_s=100.0) as player:
        compare_picture(player, f"replay-{size[0]}x{size[1]}")


async def test_a_picture_of_a_moment(tmp_path: Path) -> None:
    path = tmp_path / "tape.kapture"
    path.write_bytes(FILE)
    options = ConsoleOptions(lambda *_: ScriptedTarget(), attach=True, readonly=True)
    svg = await picture(path, -99.0, (120, 40), options, themes.load(themes.DEFAULT))
    assert svg.startswith("<svg")
    assert "17:01:40" in svg.replace("&#160;", " ")


def test_replay_on_a_terminal(tmp_path: Path) -> None:
    path = tmp_path / "tape.kapture"
    path.write_bytes(FILE)
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ |= {"TERM": "xterm-256color", "PYTHONPATH": os.getcwd()}
        os.execv(sys.executable, [sys.executable, "-m", "kapture_tui", "replay", str(path), "--at", "1:40"])
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    seen = b""
    with suppress(OSError):  # that is how a terminal says that nobody is at the other end
        while part := os.read(terminal, 4096):
            if b"of 03:19" in seen + part and b"of 03:19" not in seen:
                os.write(terminal, b"q")
            seen += part
    os.close(terminal)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    first = re.search(rb"(\d\d:\d\d) of 03:19", seen)
    assert first is not None
    assert first[1] >= b"01:40"  # a slow machine draws later, and it plays by the clock


# In a session that runs


async def test_r_goes_back_in_time_and_escape_to_now(tmp_path: Path) -> None:
    path = tmp_path / "tape.kapture"
    path.write_bytes(recorded(session(100), ended=False))
    async with dashboard(sample.snapshot(252), recording=lambda: path) as stage:
        await stage.press("r")
        await stage.until_on(Replay)
        replay = stage.app.screen
        assert isinstance(replay, Replay)
        assert replay.latest.seq == 99
        await stage.press("comma")
        await stage.show(sample.snapshot(253))
        assert replay.latest.seq == 94
        assert "17:01:34" in stage.text()
        assert "◂ PAST, 02:39 ago" in stage.lines()[0], "it is plain that this is not now"
        path.write_bytes(recorded(session(120), ended=False))
        await stage.press("right_curly_bracket")
        assert replay.latest.seq == 119, "what was recorded meanwhile is there as well"
        await stage.press("escape")
        assert isinstance(stage.app.screen, Dashboard)
        assert not isinstance(stage.app.screen, Replay)
        assert stage.app.screen.latest == sample.snapshot(253)
        assert "04:13" in stage.lines()[0]
        assert "PAST" not in stage.text()


async def test_what_happens_stands_on_the_timeline_of_a_run_that_goes_on() -> None:
    async with dashboard(sample.snapshot(400), size=LARGE) as stage:
        track = stage.line(" now")
        assert track.startswith(" 17:00:00 ")
        assert [sign for sign in track if sign in "»~!●"] == ["»", "~", "●"]
        # Of 400 seconds on 105 cells, those at which the sample was scaled and killed.
        assert (track.index("»"), track.index("~")) == (10 + int(182 / 400 * 105), 10 + int(271 / 400 * 105))
        await stage.press("z")
        assert " now" in stage.text()
        await stage.show(sample.starting())
        assert "» " not in stage.text()
    async with dashboard(sample.snapshot(400), size=SMALL) as stage:
        assert " now" not in stage.text(), "panels need the row more"


@pytest.mark.parametrize("content", [None, b"", b"{}\n"])
async def test_without_a_recording_r_says_so(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "tape.kapture"
    path.write_bytes(content or b"")
    async with dashboard(sample.snapshot(1), recording=lambda: None if content is None else path) as stage:
        for key in ("r", "comma", "left_square_bracket"):
            await stage.press(key)
            assert isinstance(stage.app.screen, Dashboard)
        assert ("nothing is recorded" if content is None else "it is no recording") in stage.text()


async def test_a_message_stays_its_time_whatever_was_said_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keybar, "MESSAGE_S", 0.3)
    async with played() as player:
        bar = player.replay.keybar
        assert bar is not None
        bar.say("first")
        await asyncio.sleep(0.2)
        monkeypatch.setattr(keybar, "MESSAGE_S", 60.0)
        bar.say("second")
        await asyncio.sleep(0.3)
        await player.settle()
        assert "second" in player.lines()[-1]
