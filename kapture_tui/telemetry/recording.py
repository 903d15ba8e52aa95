"""A recording, read: which Snapshot was when."""

from __future__ import annotations

import json
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from itertools import accumulate
from pathlib import Path

from kapture_tui.model.errors import UsageError
from kapture_tui.model.event import Event
from kapture_tui.model.snapshot import Snapshot
from kapture_tui.model.times import timestamp
from kapture_tui.model.wire import WireError, from_wire
from kapture_tui.telemetry.delta import Json
from kapture_tui.telemetry.frames import BadFrame, Decoder, Frame, blocks, read_first_line, scan
from kapture_tui.telemetry.pack import unpacked
from kapture_tui.telemetry.timeline import Timeline


class Recording:
    """What a file holds, as it was when it was opened.

    Positions are seconds from its first Snapshot on. To read onwards costs a frame each; to jump, a block at most.

    Attributes:
        name: of the file.
        header: its first line.
        times_s: of its Snapshots, seconds since the epoch, none before the one ahead of it.
        remark: what is wrong with the file, for people; "" if it was ended in order.
    """

    def __init__(self, data: bytes, name: str) -> None:
        """Raises UsageError: it is no recording, a newer one, or nothing can be read of it."""
        self.name = name
        self._data = data
        self.header, start = read_first_line(data, name)
        found = scan(data, start)
        if not found.frames:
            raise UsageError(f"reading {name}", "it holds no Snapshot", "it was ended before the first one")
        self._frames = found.frames
        # A clock that was set back must not make time run backwards.
        self.times_s = tuple(accumulate((frame.time_s for frame in found.frames), max))
        self.remark = "" if found.ended else self._unfinished(found.damaged, found.stop)
        self._starts = [first for first, _ in blocks(found.frames)]
        self._decoder = Decoder()
        self._at = -1
        self._kept: Json = None

    @classmethod
    def open(cls, path: Path) -> Recording:
        """Read a file. Raises UsageError: it cannot be read, or see above."""
        try:
            return cls(path.read_bytes(), str(path))
        except OSError as exc:
            raise UsageError(f"reading {path}", exc.strerror or str(exc), "name a recording") from exc

    def _unfinished(self, damaged: bool, stop: int) -> str:
        last = timestamp(self.times_s[-1])[11:19]
        if damaged:
            return f"damaged after {last}, byte {stop}: what comes before it is shown"
        return f"breaks off at {last}: it is still being written, or its writer was killed"

    def __len__(self) -> int:
        return len(self._frames)

    @property
    def length_s(self) -> float:
        """From the first Snapshot to the last one, seconds."""
        return self.times_s[-1] - self.times_s[0]

    def index_at(self, position_s: float) -> int:
        """The Snapshot that was the latest one at a position."""
        return max(0, bisect_right(self.times_s, self.times_s[0] + position_s) - 1)

    def index_from(self, position_s: float) -> int:
        """The first Snapshot that was taken at a position or after it, or else the last one."""
        return min(len(self) - 1, bisect_left(self.times_s, self.times_s[0] + position_s))

    def position_of(self, index: int) -> float:
        """When a Snapshot was taken, seconds from the first one on."""
        return self.times_s[index] - self.times_s[0]

    def kept(self, index: int) -> Json:
        """What the file keeps of a Snapshot. Raises UsageError: it is broken there."""
        if index != self._at:
            start = self._starts[bisect_right(self._starts, index) - 1]
            if start <= self._at < index:
                start = self._at + 1
            for frame in self._frames[start : index + 1]:
                self._read(frame)
            self._at = index
        return self._kept

    def _read(self, frame: Frame) -> None:
        self._at = -1
        try:
            self._kept = self._decoder.read(self._data, frame)
        except BadFrame as exc:
            raise self._broken(str(exc)) from exc

    def snapshot(self, index: int, states: bool = True) -> Snapshot:
        """A Snapshot, without its `states` in a quarter of the time. Raises UsageError: the file is broken there."""
        kept = self.kept(index)
        try:
            if not states and kept.get("kafka"):
                kept = {**kept, "kafka": {**kept["kafka"], "states": {}}}
            return unpacked(kept, self._frames[index].time_s)
        except (WireError, AttributeError, TypeError) as exc:
            raise self._broken(str(exc)) from exc

    def snapshots(self) -> Iterator[Snapshot]:
        """All of them. Raises UsageError: the file is broken."""
        return (self.snapshot(index) for index in range(len(self)))

    def timeline(self) -> Timeline:
        """What happened in it. Raises UsageError: the file is broken.

        Snapshots carry the latest events, so that one in a block, which is read at once, tells of all before it.
        """
        told = {json.dumps(event): event for index in self._overview() for event in self._events(index)}
        try:
            events = [from_wire(Event, event) for event in told.values()]
        except WireError as exc:
            raise self._broken(str(exc)) from exc
        return Timeline.of(events, self.times_s[0], self.times_s[-1])

    def _overview(self) -> Iterator[int]:
        yield from self._starts
        if self._starts[-1] != len(self) - 1:
            yield len(self) - 1

    def _events(self, index: int) -> list[Json]:
        kept = self.kept(index)
        return list(kept.get("events", ())) if isinstance(kept, dict) else []

    def _broken(self, cause: str) -> UsageError:
        return UsageError(f"reading {self.name}", f"it is broken: {cause}", "it cannot be replayed further")
