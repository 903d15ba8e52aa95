"""Whom one can race against: earlier runs of `bench`, and recorded sessions."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from kapture_tui.bench import ghost
from kapture_tui.bench.catalogue import Entry, entries, folders
from kapture_tui.bench.result import Result
from kapture_tui.bench.store import read
from kapture_tui.telemetry import recordings
from kapture_tui.telemetry.recording import Recording
from kapture_tui.tui.figures import percent, plural, size, whole
from kapture_tui.tui.rival import Rival

NOBODY = "nobody"
"""What is chosen to race no more."""

_RECORDINGS = 20
"""So many of the latest recordings are offered."""


def offers(folder: Path | None, recorded: Path) -> dict[Path, tuple[str, str]]:
    """Every run there is to race against: its file to its name and what is known of it, the latest first.

    Args:
        folder: of results; None: the usual ones.
        recorded: folder of recordings.
    """
    results = sorted(entries(folders(folder)), key=_began, reverse=True)
    return dict(_results(results)) | dict(_recordings(recorded))


def _began(entry: Entry) -> str:
    return entry.result.started if entry.result is not None else ""


def _results(found: list[Entry]) -> Iterator[tuple[Path, tuple[str, str]]]:
    for entry in found:
        if entry.result is not None and any(one.tried for one in entry.result.deployments):
            yield entry.path, (entry.result.id, _told(entry.result))


def _told(result: Result) -> str:
    rated = result.score
    if rated is None:
        return f"{result.status.value}, no score"
    sure = f" ± {percent(rated.half_width)}" if rated.half_width is not None else ""
    return f"{whole(round(rated.v))}/s{sure}, {plural(rated.repeats, 'deployment')}"


def _recordings(folder: Path) -> Iterator[tuple[Path, tuple[str, str]]]:
    for path in recordings.newest_first(folder)[:_RECORDINGS]:
        yield path, (path.stem, f"recorded session, {size(path.stat().st_size)}")


def rival(path: Path) -> Rival:
    """The run of a file, with its figures. Raises KaptureError: it cannot be read, or has none."""
    if path.suffix == recordings.SUFFIX:
        return Rival(path.stem, None, ghost.of_recording(Recording.open(path), path.stem))
    result = read(path)
    return Rival(result.id, result, ghost.of_result(result))
