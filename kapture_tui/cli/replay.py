"""`replay`: a recorded session in the console, or as JSON, CSV or a picture."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

from kapture_tui.cli import plain, running
from kapture_tui.cli.output import note
from kapture_tui.cli.settings import Replay
from kapture_tui.model.errors import UsageError

if TYPE_CHECKING:
    from kapture_tui.model.snapshot import Snapshot
    from kapture_tui.telemetry.recording import Recording
    from kapture_tui.tui import ConsoleOptions

END_S = float("inf")
"""A position behind every recording's end."""


def run(command: Replay) -> int:
    """Do it; see `settings.Replay`. Raises: UsageError: the recording cannot be read."""
    from kapture_tui.telemetry import recordings

    path = recordings.find(command.recording, recordings.folder())
    if command.export:
        return _export(command, path)
    return _play(command, path)


def _options(command: Replay) -> ConsoleOptions:
    from kapture_tui.targets import open_target
    from kapture_tui.tui import ConsoleOptions

    return ConsoleOptions(open_target, attach=True, readonly=True, theme=command.theme)


def _play(command: Replay, path: Path) -> int:
    if command.plain or plain.wanted():
        from kapture_tui.telemetry.recording import Recording

        return running.run(_told(command, Recording.open(path)))
    from kapture_tui.tui import run_replay

    return run_replay(path, command.at_s or 0.0, command.speed, _options(command))


async def _told(command: Replay, recording: Recording) -> int:
    """Play it in lines of plain text."""
    if recording.remark:
        note(recording.remark)
    at_s = command.at_s or 0.0
    await plain.tell(_paced(recording, at_s if at_s >= 0 else recording.length_s + at_s, command.speed))
    return 0


async def _paced(recording: Recording, position_s: float, speed: float) -> AsyncIterator[Snapshot]:
    for index in range(recording.index_at(position_s), len(recording)):
        due_s = recording.position_of(index)
        await asyncio.sleep(max(0.0, due_s - position_s) / speed)
        position_s = due_s
        yield recording.snapshot(index)


def _export(command: Replay, path: Path) -> int:
    texts = _picture(command, path) if command.export == "svg" else _lines(command, path)
    with _opened(command.output) as out:
        for text in texts:
            out.write(text)
    return 0


def _picture(command: Replay, path: Path) -> Iterator[str]:
    from kapture_tui.tui import picture_of

    at_s = END_S if command.at_s is None else command.at_s
    yield picture_of(path, at_s, command.size, _options(command))


def _lines(command: Replay, path: Path) -> Iterator[str]:
    from kapture_tui.telemetry.export import csv_lines, json_lines
    from kapture_tui.telemetry.recording import Recording

    recording = Recording.open(path)
    if recording.remark:
        note(f"{path.name}: {recording.remark}")
    return json_lines(recording) if command.export == "json" else csv_lines(recording)


@contextmanager
def _opened(output: Path | None) -> Iterator[IO[str]]:
    if output is None:
        yield sys.stdout
        return
    try:
        with output.open("w", encoding="utf-8", newline="") as file:
            yield file
    except OSError as exc:
        raise UsageError(f"-o {output}", exc.strerror or str(exc), "name a file that can be written") from exc
