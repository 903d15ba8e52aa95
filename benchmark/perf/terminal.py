"""A program on a pseudo-terminal, as over SSH: what it writes, and when. It answers as terminals do."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import sys
import termios
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import psutil

from benchmark.perf.result import CannotRun

ROWS, COLUMNS = 24, 80
END_S = 10.0

READY, IS_READY = b"\x1b[5n", b"\x1b[0n"
"""A program's question whether all has been drawn, and the answer."""


class Terminal:
    """The terminal's side of it.

    Attributes:
        written: bytes the program has written so far.
        tail: the last of them.
    """

    def __init__(self, pid: int, master: int) -> None:
        self._pid = pid
        self._master = master
        self._usage = psutil.Process(pid)
        self.written = 0
        self.tail = b""

    @property
    def cpu_s(self) -> float:
        """User and system time of the program so far, seconds."""
        times = self._usage.cpu_times()
        return times.user + times.system

    @property
    def memory_bytes(self) -> int:
        """Resident memory of the program."""
        return int(self._usage.memory_info().rss)

    def read(self, until: Callable[[], bool], limit_s: float) -> bool:
        """Read what the program writes until something holds (True) or the time is over (False).

        Raises CannotRun when the program ends.
        """
        deadline = time.monotonic() + limit_s
        while not until():
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            if select.select([self._master], [], [], left)[0]:
                self._take()
        return True

    def _take(self) -> None:
        try:
            data = os.read(self._master, 65536)
        except OSError:  # EIO: nobody has the other side open any more
            data = b""
        if not data:
            raise CannotRun(f"the program ended: {self.tail[-300:].decode(errors='replace')}")
        self.written += len(data)
        asked = (self.tail[1 - len(READY) :] + data).count(READY)
        if asked:
            os.write(self._master, IS_READY * asked)
        self.tail = (self.tail + data)[-65536:]

    def press(self, keys: str) -> None:
        """Type."""
        os.write(self._master, keys.encode())

    def close(self) -> None:
        """Hang up, and see that the program goes."""
        os.close(self._master)
        deadline = time.monotonic() + END_S
        while os.waitpid(self._pid, os.WNOHANG)[0] == 0:
            if time.monotonic() > deadline:
                os.kill(self._pid, signal.SIGKILL)
                deadline += END_S
            time.sleep(0.02)


@contextmanager
def program(words: Sequence[str], columns: int = COLUMNS, rows: int = ROWS) -> Iterator[Terminal]:
    """`python WORDS` on a terminal of that size."""
    pid, master = pty.fork()
    if pid == 0:
        os.environ |= {"TERM": "xterm-256color", "COLORTERM": "truecolor"}
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # compiling at every start is nobody's everyday
        os.execv(sys.executable, [sys.executable, *words])
    # As early as can be: a program that asks before gets 0 x 0 and is told of the change by SIGWINCH.
    fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    terminal = Terminal(pid, master)
    try:
        yield terminal
    finally:
        terminal.close()
