"""The children's log files: their last lines, following them, and keeping them small."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

MAX_BYTES = 4 * 1024 * 1024
"""A log file that grew beyond this is moved aside; one older piece is kept."""

KEPT_BYTES = 1024 * 1024
"""How much of it is kept as NAME.log.1."""

FOLLOW_S = 0.2
LINE_CHARACTERS = 200


def last_line(path: Path, since: int = 0) -> str:
    """The last line that says something, of what was written from offset `since` on; "" if there is none."""
    for line in reversed(_tail(path, 4096, since)):
        if line.strip():
            return line.strip()[:LINE_CHARACTERS]
    return ""


def last_lines(path: Path, count: int) -> list[str]:
    """The last lines of a log file and its older piece, oldest first."""
    lines = _tail(path, KEPT_BYTES)
    if len(lines) < count:
        lines = _tail(path.with_name(path.name + ".1"), KEPT_BYTES) + lines
    return lines[-count:] if count > 0 else []


def _tail(path: Path, size: int, since: int = 0) -> list[str]:
    try:
        with path.open("rb") as file:
            end = file.seek(0, os.SEEK_END)
            # A file shorter than `since` was cut in between: all of it is newer.
            start = max(0, since if since <= end else 0, end - size)
            file.seek(start)
            data = file.read(size)
    except OSError:
        return []
    lines = data.decode(errors="replace").splitlines()
    cut_inside_line = start > 0 and start != since
    return lines[1:] if cut_inside_line else lines


def rotate(path: Path) -> bool:
    """Cut a log file that has grown too large, keeping the end of it as NAME.log.1; whether it was.

    The file stays the same one, for a process has it open for appending.
    """
    try:
        if path.stat().st_size <= MAX_BYTES:
            return False
        with path.open("r+b") as file:
            file.seek(-KEPT_BYTES, os.SEEK_END)
            path.with_name(path.name + ".1").write_bytes(file.read())
            file.truncate(0)
    except OSError:
        return False
    return True


def log_files(folder: Path, subject: str) -> dict[str, Path]:
    """The log files of a pod, or of all pods of a component: pod name to path."""
    pattern = re.compile(rf"{re.escape(subject)}(-\d+)?")
    return {path.stem: path for path in sorted(folder.glob("*.log")) if pattern.fullmatch(path.stem)}


async def read_logs(files: dict[str, Path], lines: int, follow: bool) -> AsyncIterator[str]:
    """The last lines of these files, oldest first, then with `follow` new ones as they come, until they are removed.

    With several files each line begins with its pod's name.
    """
    width = max(map(len, files), default=0)
    label = {name: f"{name:<{width}} | " if len(files) > 1 else "" for name in files}
    followed = [_Followed(label[name], path) for name, path in files.items()]
    for name, path in files.items():
        for line in last_lines(path, lines):
            yield label[name] + line
    while follow:
        for file in followed:
            for line in file.new_lines():
                yield line
        if not any(file.path.exists() for file in followed):
            return
        await asyncio.sleep(FOLLOW_S)


class _Followed:
    """A file being followed from its present end."""

    def __init__(self, label: str, path: Path) -> None:
        self.label = label
        self.path = path
        self._offset = path.stat().st_size if path.exists() else 0
        self._rest = b""

    def new_lines(self) -> Iterator[str]:
        try:
            with self.path.open("rb") as file:
                if file.seek(0, os.SEEK_END) < self._offset:
                    self._offset = 0
                file.seek(self._offset)
                data = file.read(KEPT_BYTES)
        except OSError:
            return
        self._offset += len(data)
        *whole, self._rest = (self._rest + data).split(b"\n")
        for line in whole:
            yield self.label + line.decode(errors="replace")
