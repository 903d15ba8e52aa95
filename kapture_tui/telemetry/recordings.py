"""The folder of recordings: what a new one is called, which is the latest, and which go when there are too many."""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from itertools import count
from pathlib import Path

from kapture_tui.model.errors import UsageError

SUFFIX = ".kapture"

FOLDER_BYTES = 256 << 20
"""What all recordings together may take: the oldest ones go when a new one begins."""


def folder() -> Path:
    """Where recordings are kept: KAPTURE_RECORDINGS, or below the user's data."""
    override = os.environ.get("KAPTURE_RECORDINGS")
    if override:
        return Path(override).absolute()
    from platformdirs import user_data_path

    # Where a system keeps data and state in one place, this must not be the name of a stack.
    return user_data_path("kapture-tui", appauthor=False) / "flight_recorder"


def create(where: Path, namespace: str, time: str) -> tuple[Path, int]:
    """Make a new recording, for its owner alone; returns its path and its descriptor, locked while it is written.

    Args:
        time: of its first Snapshot, UTC.

    Raises: OSError.
    """
    where.mkdir(mode=0o700, parents=True, exist_ok=True)
    prune(where, FOLDER_BYTES)
    stem = f"{namespace}-{time[:10].replace('-', '')}-{time[11:19].replace(':', '')}"
    for number in count(1):
        path = where / f"{stem}{'' if number == 1 else f'-{number}'}{SUFFIX}"
        with suppress(FileExistsError):
            return path, claim(path)
    raise AssertionError("unreachable")


def claim(path: Path) -> int:
    """Make a file for its owner alone, and lock it; returns its descriptor. Raises OSError, where there is one too."""
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with suppress(OSError):  # some file systems know no locks: whoever prunes there goes by age alone
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return file


def is_written(path: Path) -> bool:
    """Whether somebody is writing a recording at this moment."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(file)
    return False


def newest_first(where: Path) -> list[Path]:
    """All recordings of a folder."""
    dated = []
    for path in where.glob(f"*{SUFFIX}"):
        with suppress(OSError):
            dated.append((path.stat().st_mtime, path))
    return [path for _, path in sorted(dated, reverse=True)]


def prune(where: Path, limit_bytes: int) -> None:
    """Remove the oldest recordings beyond a size; never one that is being written."""
    left = limit_bytes
    for path in newest_first(where):
        with suppress(OSError):
            left -= path.stat().st_size
            if left < 0 and not is_written(path):
                path.unlink()


def find(word: str, where: Path) -> Path:
    """The recording a person means: a file, or the latest one of a stack of that name.

    Raises: UsageError: there is none.
    """
    path = Path(word).expanduser()
    if path.is_file():
        return path
    of_stack = [path for path in newest_first(where) if _stack(path) == word]
    if of_stack:
        return of_stack[0]
    raise UsageError(
        f"replay {word}", "there is no such file, and no recording of that stack", _remedy(where)
    )


def _stack(path: Path) -> str:
    """pets of pets-20261125-153042.kapture, and of pets-20261125-153042-2.kapture."""
    parts = path.stem.split("-")
    while parts and parts[-1].isdecimal():
        parts.pop()
    return "-".join(parts)


def _remedy(where: Path) -> str:
    known = list(dict.fromkeys(map(_stack, newest_first(where))))
    if not known:
        return f"recordings are kept in {where}; there are none yet"
    return f"there are recordings of {', '.join(known[:5])} in {where}"
