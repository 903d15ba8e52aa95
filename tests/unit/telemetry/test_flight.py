"""Sessions on their way to whoever shows them: all of them pass, and all are in the file."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path
from typing import cast

import pytest

from kapture_tui.targets.base import Observation, Target
from kapture_tui.telemetry.flight import FlightRecorder
from kapture_tui.telemetry.recording import Recording
from tests.unit.cli.scripted import seen


def files(folder: Path) -> int:
    """How many files are in a folder."""
    return len(list(folder.iterdir()))


class Passing:
    """A target that is there for three observations."""

    name = "local"

    def __init__(self) -> None:
        self.left = False

    async def observe(self) -> AsyncIterator[Observation]:
        try:
            for delivered in (1, 2, 3):
                yield seen(delivered=delivered)
        finally:
            self.left = True


@pytest.mark.parametrize("looks", [1, 3])
async def test_whoever_leaves_ends_the_recording(tmp_path: Path, looks: int) -> None:
    flight, target = FlightRecorder(tmp_path), Passing()
    last = None
    async with aclosing(flight(cast(Target, target))) as snapshots:
        async for snapshot in snapshots:
            last = snapshot
            looks -= 1
            if not looks:
                break
    assert target.left
    assert flight.path is not None
    assert flight.trouble == ""
    recording = Recording.open(flight.path)
    assert recording.remark == ""
    assert last is not None
    assert recording.snapshot(len(recording) - 1).ledger == last.ledger


async def test_without_a_folder_nothing_is_recorded(tmp_path: Path) -> None:
    flight = FlightRecorder(None)
    async with aclosing(flight(cast(Target, Passing()))) as snapshots:
        assert [snapshot.seq async for snapshot in snapshots][-1] == 3
    assert (flight.path, flight.trouble, files(tmp_path)) == (None, "", 0)


async def test_each_session_has_a_file_of_its_own(tmp_path: Path) -> None:
    flight = FlightRecorder(tmp_path)
    for _ in range(2):
        async with aclosing(flight(cast(Target, Passing()))) as snapshots:
            async for _ in snapshots:
                pass
    assert files(tmp_path) == 2
