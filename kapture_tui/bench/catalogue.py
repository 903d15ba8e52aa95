"""Where results are: the catalogue that ships with the program, and the folder that new ones go to."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from kapture_tui import resources
from kapture_tui.bench.result import Asked, Result, Status
from kapture_tui.bench.store import files, read
from kapture_tui.model.errors import KaptureError, UsageError

_UNFINISHED = (Status.RUNNING, Status.INTERRUPTED)


@dataclass(frozen=True, slots=True)
class Entry:
    """A result file. `result` is None for one that cannot be read, and `problem` says why."""

    path: Path
    result: Result | None
    problem: str = ""


def own_folder() -> Path:
    """Where new results go without --results: benchmark/results of a checkout, else the user's data directory."""
    shipped = resources.results_dir()
    if "_data" not in shipped.parts and os.access(shipped, os.W_OK):
        return shipped
    import platformdirs

    return Path(platformdirs.user_data_dir("kapture-tui")) / "results"


def folders(chosen: Path | None) -> tuple[Path, ...]:
    """Where to look for results: the chosen folder, or our own; and the shipped catalogue."""
    return tuple(dict.fromkeys((chosen or own_folder(), resources.results_dir())))


def entries(places: Sequence[Path]) -> Iterator[Entry]:
    """Every result there is, folder by folder, by name."""
    for place in places:
        for path in files(place):
            try:
                yield Entry(path, read(path))
            except KaptureError as exc:
                yield Entry(path, None, str(exc))


def find(name: str, places: Sequence[Path]) -> Result:
    """The result of that id, a file, or the only one whose id begins or ends so. Raises UsageError, KaptureError."""
    if Path(name).is_file():
        return read(Path(name))
    paths = [path for place in places for path in files(place)]
    exact = [path for path in paths if path.stem == name]
    close = [path for path in paths if path.stem.startswith(name) or path.stem.endswith(name)]
    found = exact or close
    if len(found) == 1:
        return read(found[0])
    if not found:
        raise UsageError(f"result {name!r}", "there is none", "kapture-tui results list shows all")
    raise UsageError(f"result {name!r}", f"means {', '.join(path.stem for path in found)}", "say which")


def unfinished(asked: Asked, folder: Path) -> Result:
    """The latest run of this kind that did not come to its end. Raises UsageError if there is none."""
    runs = [entry.result for entry in entries((folder,)) if entry.result is not None]
    same = [run for run in runs if run.status in _UNFINISHED and run.asked == asked]
    if not same:
        raise UsageError(
            "--resume", f"no unfinished run like this one in {folder}", "leave it out to begin a new one"
        )
    return max(same, key=lambda run: run.started)
