"""The dashboard of another moment: a recording is played in it, with pause, speed and seeking."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from textual.geometry import Size

from kapture_tui.model.errors import KaptureError
from kapture_tui.model.snapshot import Snapshot
from kapture_tui.model.times import seconds_of
from kapture_tui.telemetry.playback import Playback
from kapture_tui.telemetry.recording import Recording
from kapture_tui.telemetry.timeline import Mark
from kapture_tui.tui.commands import BY_ID, commands_for, holds_in_the_past
from kapture_tui.tui.history import WINDOW, History
from kapture_tui.tui.lines import Line
from kapture_tui.tui.panels import timeline
from kapture_tui.tui.screens.base import Stage, bound
from kapture_tui.tui.screens.dashboard import Dashboard
from kapture_tui.tui.screens.reading import Details
from kapture_tui.tui.screens.state import StateScreen

TICK_S = 0.1
"""How often the playback looks whether the next Snapshot is due; nothing is drawn unless it is."""

STEP_S = 5.0
"""How far one key moves, seconds of the recording."""


class Replay(Dashboard, inherit_bindings=False):
    """A dashboard over a recording instead of a stack. Nothing can be changed from it.

    Args:
        recording: what to play.
        playback: where and how to begin, by the console's clock.
        path: of a recording that may have grown since it was read; None: it has not.

    Attributes:
        timeline: of the recording.
        playback: as it is now.
    """

    PLACES: ClassVar[tuple[str, ...]] = ("dashboard", "table", "replay")
    BINDINGS = bound(filter(holds_in_the_past, commands_for("dashboard", "list", "table", "replay")))
    UNSAID = (
        "select.details",
        "select.describe",
        "view.zoom",
        *(c.id for c in commands_for("dashboard") if not holds_in_the_past(c)),
    )

    def __init__(self, recording: Recording, playback: Playback, path: Path | None = None) -> None:
        super().__init__()
        self._path = path
        self.recording = recording
        self.timeline = recording.timeline()
        self.playback = playback
        self._history = History()
        self._index = -1
        self._shown = Snapshot()
        self._landed: tuple[float, float] | None = None

    @classmethod
    def of_session(cls, path: Path, now_s: float) -> Replay:
        """Return a look back from the end of what has been recorded of a session. Raises UsageError: nothing has."""
        recording = Recording.open(path)
        end = Playback(recording.length_s).sought(recording.length_s, now_s).paused(now_s)
        return cls(recording, end, path)

    @property
    def latest(self) -> Snapshot:
        """The Snapshot of the moment that is shown."""
        return self._shown

    @property
    def history(self) -> History:
        """Of the figures before that moment."""
        return self._history

    def on_mount(self) -> None:
        """Begin to play; Textual calls the dashboard's own handler after this one."""
        self._move()
        self.set_interval(TICK_S, self._play_on)
        if self.recording.remark and self._is_all_there_is():
            self.say(self.recording.remark, "warn")

    def show(self, snapshot: Snapshot) -> None:
        """What happens now is not shown here."""
        self._draw(self._shown)

    def refusal(self, command: str) -> str:
        """Return why a command is off: the past cannot be changed."""
        return "" if holds_in_the_past(BY_ID[command]) else "this is a recording"

    def say_keys(self) -> None:
        """Say of `replay.close` nothing where there is no now to go back to."""
        if self.keybar is not None:
            self.keybar.unsaid = ("replay.close",) if self._is_all_there_is() else ()
            self.keybar.redraw()

    def track_rows(self, size: Size) -> int:
        """Return how many rows the timeline has: with it one finds one's way, on every terminal."""
        return timeline.ROWS

    def track(self, cells: int) -> tuple[Line, ...]:
        """Return the timeline: what happened, and where the replay stands."""
        return timeline.lines(self.timeline, self.playback, self.console.clock(), cells)

    def _draw(self, snapshot: Snapshot) -> None:
        """Say above all how long ago it was, where there is a now to compare it with."""
        now = "" if self._is_all_there_is() else self.console.session.latest.time
        self._header.ago_s = (
            max(0.0, seconds_of(now) - seconds_of(snapshot.time)) if now and snapshot.time else None
        )
        super()._draw(snapshot)

    # Playing

    def _play_on(self) -> None:
        """Show what is due, as fast as the terminal takes it."""
        if self.console.takes_news():
            self._move()

    def _move(self) -> None:
        """Show the Snapshot that is due, if it is another one."""
        wanted = self.recording.index_at(self.playback.position(self.console.clock()))
        if wanted != self._index:
            try:
                self._go(wanted)
            except KaptureError as exc:
                self.playback = self.playback.paused(self.console.clock())
                self.say(str(exc), "trouble")
                return
            if self._arranged is not None:
                self._draw(self._shown)
            if isinstance(self.app.screen, Past):
                self.app.screen.show(self._shown)
        self._track.redraw()

    def _go(self, wanted: int) -> None:
        """Read on, or jump; sparklines want the two minutes before."""
        first = self._index + 1
        if not 0 <= wanted - self._index <= WINDOW:
            self._history, first = History(), max(0, wanted - WINDOW)
        for index in range(first, wanted):
            self._history.feed(self.recording.snapshot(index, states=False))
        self._shown = self.recording.snapshot(wanted)
        self._history.feed(self._shown)
        self._index = wanted

    def _play(self, playback: Playback) -> None:
        self.playback = playback
        self._move()

    def action_pause(self) -> None:
        """Stand still, or go on; at the end begin again."""
        self._play(self.playback.toggled(self.console.clock()))

    def action_seek(self, steps: int) -> None:
        """Go some steps forth, or back."""
        now_s = self.console.clock()
        self._play(self.playback.sought(self.playback.position(now_s) + steps * STEP_S, now_s))

    def action_seek_mark(self, way: int) -> None:
        """Stand still at the next event, or the one before."""
        now_s = self.console.clock()
        here_s = self._here(now_s)
        mark = self.timeline.after(here_s) if way > 0 else self.timeline.before(here_s)
        if mark is None:
            self.say("nothing happens after this" if way > 0 else "nothing happened before this")
            return
        self.stop_at(mark)

    def stop_at(self, mark: Mark) -> None:
        """Stand still at an event, in the first Snapshot that knows of it."""
        now_s = self.console.clock()
        told_s = self.recording.position_of(self.recording.index_from(mark.position_s))
        self._landed = (told_s, mark.position_s)
        self._play(self.playback.sought(told_s, now_s).paused(now_s))

    def _here(self, now_s: float) -> float:
        """Where to look for marks from: after a jump from the mark itself, not from the Snapshot that tells of it."""
        position = self.playback.position(now_s)
        return self._landed[1] if self._landed and self._landed[0] == position else position

    def action_seek_end(self, way: int) -> None:
        """Go to the end, or to the beginning."""
        if way > 0 and self._path is not None:
            self._read_on(self._path)
        self._play(self.playback.sought(self.playback.length_s if way > 0 else 0.0, self.console.clock()))

    def _read_on(self, path: Path) -> None:
        """Read what has been recorded meanwhile."""
        with suppress(KaptureError):  # what has been read stays
            self.recording = Recording.open(path)
            self.timeline = self.recording.timeline()
            self.playback = replace(self.playback, length_s=self.recording.length_s)
            self._index = -1

    def action_speed(self, way: int) -> None:
        """Play faster, or slower."""
        now_s = self.console.clock()
        self._play(self.playback.faster(now_s) if way > 0 else self.playback.slower(now_s))

    def action_close(self) -> None:
        """Put an enlarged panel back and take filter and order off; then go back to now, where there is one."""
        if not self.is_plain():
            self.action_back()
        elif not self._is_all_there_is():
            self.app.pop_screen()

    def _is_all_there_is(self) -> bool:
        """Whether this is no look back from a session that goes on."""
        return self.console.bottom_stage() is self

    def details_of(self, key: str) -> Details:
        """Return the screen of all about something, at this moment."""
        return PastDetails(self, key)

    def state_of(self, code: str) -> StateScreen:
        """Return the screen of a state, at this moment."""
        return PastState(self, code)


class Past(Stage):
    """A screen over a replay: it shows the same moment, whatever happens now."""

    _replay: Replay

    @property
    def latest(self) -> Snapshot:
        """See `Replay`."""
        return self._replay.latest

    @property
    def history(self) -> History:
        """See `Replay`."""
        return self._replay.history

    def show(self, snapshot: Snapshot) -> None:
        """Draw that moment."""
        super().show(self.latest)


class PastDetails(Past, Details):
    """All about what was selected."""

    def __init__(self, replay: Replay, key: str) -> None:
        super().__init__(key)
        self._replay = replay


class PastState(Past, StateScreen):
    """One state."""

    def __init__(self, replay: Replay, code: str) -> None:
        super().__init__(code)
        self._replay = replay
