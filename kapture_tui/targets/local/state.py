"""The state directory of a stack on this machine: who owns it, what lies where, and how it goes away.

ROOT/NAMESPACE/         mode 0700
    lock                held by the supervisor while it lives (flock), so a dead one is told from a live one
    run.json            run id, process id and socket of the supervisor
    socket              mode 0600, unless its path would be too long
    logs/  ready/  data/  kafka/
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import shutil
import stat
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from platformdirs import user_state_path

from kapture_tui.model.errors import UsageError
from kapture_tui.model.spec import NAMESPACE

SOCKET_PATH_BYTES = 100
"""Linux takes 107 bytes, macOS 103."""

ELSEWHERE = "elsewhere"
"""A link of this name in a database's folder leads to where its data lies instead."""

_OWN = {"lock", "run.json", "run.json.part", "socket", "logs", "ready", "data", "kafka"}


class Owner(Enum):
    """Who has a state directory."""

    NOBODY = "nobody"
    """There is none."""
    LIVE = "live"
    """A supervisor that runs."""
    DEAD = "dead"
    """A supervisor that went without cleaning up: killed, or the machine went down."""
    FOREIGN = "foreign"
    """It is no state directory, or somebody else's."""


@dataclass(frozen=True, slots=True)
class RunFile:
    """What run.json says.

    Attributes:
        pid: of the supervisor.
        started: UTC, ISO 8601.
        socket: where the supervisor listens.
    """

    run_id: str
    pid: int
    started: str
    socket: str


def root() -> Path:
    """The directory of all state directories: KAPTURE_STATE_DIR, or the user's."""
    override = os.environ.get("KAPTURE_STATE_DIR")
    return Path(override).absolute() if override else user_state_path("kapture-tui", appauthor=False)


@dataclass(frozen=True, slots=True)
class StateDirectory:
    """The state directory at `path`, whether or not it exists."""

    path: Path

    @classmethod
    def of(cls, namespace: str) -> StateDirectory:
        """The state directory of a namespace."""
        return cls(root() / namespace)

    @property
    def namespace(self) -> str:
        """The stack's name."""
        return self.path.name

    @property
    def logs(self) -> Path:
        """The folder of the children's log files, NAME.log and the older NAME.log.1."""
        return self.path / "logs"

    @property
    def ready(self) -> Path:
        """The folder of the children's ready files."""
        return self.path / "ready"

    @property
    def data(self) -> Path:
        """The folder of the databases, a folder each."""
        return self.path / "data"

    def owner(self) -> Owner:
        """Who has it at this moment."""
        try:
            found = self.path.lstat()
        except FileNotFoundError:
            return Owner.NOBODY
        except OSError:
            return Owner.FOREIGN
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
            return Owner.FOREIGN
        names = {entry.name for entry in self.path.iterdir()}
        if not names:
            return Owner.NOBODY
        if "lock" not in names:
            return Owner.DEAD if names <= _OWN else Owner.FOREIGN
        lock = _try_lock(self.path / "lock")
        if lock is None:
            return Owner.LIVE
        os.close(lock)
        return Owner.DEAD

    def run(self) -> RunFile | None:
        """What run.json says; None if there is none that can be read."""
        with suppress(OSError, ValueError, TypeError):
            return RunFile(**json.loads((self.path / "run.json").read_text()))
        return None

    def claim(self) -> int:
        """Make the directory and lock it; returns the lock's descriptor, to be kept open.

        Raises: UsageError: somebody has it, or it cannot be made; one line says why.
        """
        self.refuse_unless_free()
        try:
            self.path.parent.mkdir(parents=True, mode=0o700, exist_ok=True)
            self.path.mkdir(mode=0o700, exist_ok=True)
            lock = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as exc:
            raise _cannot_write(self.path, exc) from exc
        try:
            self._settle(lock)
        except BaseException:
            os.close(lock)
            raise
        return lock

    def _settle(self, lock: int) -> None:
        deadline = time.monotonic() + 1.0
        # Whoever asks for the owner holds the lock for an instant.
        while not _lock(lock):
            if time.monotonic() > deadline:
                raise self._occupied()
            time.sleep(0.01)
        if os.fstat(lock).st_nlink == 0:  # its last owner removed it between our opening and our locking it
            raise self._occupied()
        try:
            for folder in (self.logs, self.ready):
                folder.mkdir(mode=0o700, exist_ok=True)
        except OSError as exc:
            self.remove()
            raise _cannot_write(self.path, exc) from exc

    def refuse_unless_free(self) -> None:
        """Raises UsageError, in one line, when the directory is in use or was left behind."""
        if not NAMESPACE.fullmatch(self.namespace):
            raise UsageError(f"namespace {self.namespace!r}", "not a DNS label")
        owner = self.owner()
        if owner is Owner.LIVE:
            raise self._occupied()
        if owner is Owner.DEAD:
            run = self.run()
            when = f" started {run.started}" if run else ""
            raise UsageError(
                f"state directory {self.path}",
                f"left behind by a run{when} whose supervisor died; its logs are still there",
                f"kapture-tui down {self.namespace} removes it",
            )
        if owner is Owner.FOREIGN:
            raise UsageError(
                f"state directory {self.path}",
                "exists and is no state directory of yours",
                "move it away, or set KAPTURE_STATE_DIR",
            )

    def _occupied(self) -> UsageError:
        run = self.run()
        who = f" (supervisor {run.pid}, since {run.started})" if run else ""
        return UsageError(
            f"state directory {self.path}",
            f"a stack called {self.namespace} is running{who}",
            f"kapture-tui attach {self.namespace}, or choose another name",
        )

    def write_run(self, run: RunFile) -> None:
        """Write run.json, all of it or nothing."""
        part = self.path / "run.json.part"
        try:
            part.write_text(json.dumps({name: getattr(run, name) for name in RunFile.__slots__}))
            os.replace(part, self.path / "run.json")
        except OSError as exc:
            raise _cannot_write(self.path, exc) from exc

    def socket_path(self) -> Path:
        """Where a supervisor of this directory listens: in it, or where the path is short enough."""
        path = self.path / "socket"
        if len(os.fsencode(path)) <= SOCKET_PATH_BYTES:
            return path
        base = os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir()
        short = hashlib.sha256(os.fsencode(self.path)).hexdigest()[:12]
        folder = Path(base) / f"kapture-{os.getuid()}-{short}"
        if len(os.fsencode(folder / "s")) > SOCKET_PATH_BYTES:
            folder = Path("/tmp") / folder.name
        return folder / "s"

    def remove(self) -> None:
        """Remove the directory, a socket elsewhere, and the root if nothing else is in it. Nothing left is no error."""
        run = self.run()
        socket = Path(run.socket) if run else self.socket_path()
        if socket.parent != self.path and socket.parent.name.startswith("kapture-"):
            shutil.rmtree(socket.parent, ignore_errors=True)
        for link in self.data.glob(f"*/{ELSEWHERE}"):
            if link.is_symlink() and link.readlink().name.startswith("kapture-"):
                shutil.rmtree(link.readlink(), ignore_errors=True)
        # The lock goes last: until then everybody sees whose the rest is.
        for entry in list(self.path.iterdir()) if self.path.is_dir() else ():
            if entry.name == "lock":
                continue
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry, ignore_errors=True)
            else:
                entry.unlink(missing_ok=True)
        (self.path / "lock").unlink(missing_ok=True)
        for folder in (self.path, self.path.parent):
            with suppress(OSError):
                folder.rmdir()


def prepare_socket_folder(socket: Path, state: StateDirectory) -> None:
    """Make the folder of a socket that does not lie in the state directory.

    Raises: UsageError: somebody else has put something in its place.
    """
    if socket.parent == state.path:
        return
    with suppress(FileExistsError):
        socket.parent.mkdir(parents=True, mode=0o700)
    found = socket.parent.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        remedy = "set KAPTURE_STATE_DIR to a short path"
        raise UsageError(f"socket folder {socket.parent}", "is not yours alone", remedy)


def _try_lock(path: Path) -> int | None:
    """A descriptor holding the lock; None when another process has it."""
    lock = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    if _lock(lock):
        return lock
    os.close(lock)
    return None


def _lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _cannot_write(path: Path, exc: OSError) -> UsageError:
    if exc.errno in (errno.ENOSPC, errno.EDQUOT):
        return UsageError(
            f"state directory {path}", "the disk is full", "free some space, or set KAPTURE_STATE_DIR"
        )
    return UsageError(
        f"state directory {path}",
        exc.strerror or str(exc),
        "set KAPTURE_STATE_DIR to a place you can write to",
    )


def check_space(path: Path, needed_bytes: int) -> None:
    """Raises UsageError when the disk that holds (or would hold) `path` has less room than that."""
    place = next(folder for folder in (path, *path.parents) if folder.exists())
    free = shutil.disk_usage(place).free
    if free < needed_bytes:
        raise UsageError(
            f"state directory {path}",
            f"the disk is full: {free // 2**20:,} MiB free, {needed_bytes // 2**20:,} MiB needed",
            "free some space, or set KAPTURE_STATE_DIR",
        )


def namespaces() -> list[str]:
    """The names of the stacks that run on this machine, sorted."""
    try:
        folders = [folder for folder in root().iterdir() if NAMESPACE.fullmatch(folder.name)]
    except OSError:
        return []
    return sorted(folder.name for folder in folders if StateDirectory(folder).owner() is Owner.LIVE)
