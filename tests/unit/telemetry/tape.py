"""Recordings for tests, made by arithmetic."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from kapture_tui.model.snapshot import Snapshot
from kapture_tui.model.times import seconds_of, timestamp
from kapture_tui.telemetry.frames import Encoder, Header, end_frame, first_line
from kapture_tui.telemetry.pack import packed
from tests.tui import sample

BEGAN_S = seconds_of("2026-01-02T17:00:00.000Z")
HEADER = Header("perf-test", "local", "r1", "2026-01-02T17:00:00.000Z", "0.1")


def snapshots(number: int) -> list[Snapshot]:
    """A session of so many seconds."""
    return [replace(sample.snapshot(tick), time=timestamp(BEGAN_S + tick)) for tick in range(number)]


def recorded(shown: Iterable[Snapshot], ended: bool = True) -> bytes:
    """The file of a session."""
    encoder, parts, time_s = Encoder(), [first_line(HEADER)], BEGAN_S
    for snapshot in shown:
        time_s = seconds_of(snapshot.time)
        parts.append(encoder.frame(packed(snapshot, time_s), time_s))
    return b"".join([*parts, *([end_frame(time_s)] if ended else [])])
