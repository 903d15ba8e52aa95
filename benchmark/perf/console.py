"""The console on a real pseudo-terminal: first paint, bytes a second and CPU, with a stack that runs."""

from __future__ import annotations

import asyncio
import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import suppress
from statistics import median

import psutil

from benchmark.perf.processes import module
from benchmark.perf.result import CannotRun, Effort, Result
from kapture_tui.model.spec import Component, LoadSpec, StackSpec
from kapture_tui.targets import open_target

NAMESPACE = "perf-console"
ROWS, COLUMNS = 24, 80
BYTES_PER_S = 2000.0
CPU_SHARE = 0.03
PAINT_GOAL = 0.3
"""The console may take so much longer than the bare import of Textual that this is what is left of the ratio."""

SETTLE_S = 8.0


def measure(effort: Effort) -> Iterator[Result]:
    """See `Result`: start, bytes and CPU."""
    yield _first_paint(effort)
    asyncio.run(_deploy())
    try:
        bytes_per_s, share = _idle(max(15.0, effort.window_s))
    finally:
        asyncio.run(_destroy())
    rate = f"{ROWS}x{COLUMNS}, a stack at 200/s"
    yield Result("console bytes", bytes_per_s, "bytes / s", BYTES_PER_S, BYTES_PER_S / bytes_per_s, 1.0, rate)
    yield Result("console CPU", share, "cores", CPU_SHARE, CPU_SHARE / share, 1.0, rate)


def _first_paint(effort: Effort) -> Result:
    pairs = [(_import_s(), _paint_s()) for _ in range(effort.pairs)]
    value = median(paint for _, paint in pairs)
    ratio = median(imported / paint for imported, paint in pairs)
    baseline = median(imported for imported, _ in pairs)
    note = "against importing Textual alone; aim 0.5 s on a quiet machine"
    return Result("first paint", value, "s", baseline, ratio, PAINT_GOAL, note)


def _import_s() -> float:
    start = time.monotonic()
    subprocess.run([sys.executable, "-c", "import textual.app, textual.screen"], check=True)
    return time.monotonic() - start


def _paint_s() -> float:
    start = time.monotonic()
    with _Terminal() as terminal:
        terminal.read_until(b"new run", 30.0)
        return time.monotonic() - start


def _idle(window_s: float) -> tuple[float, float]:
    """(bytes a second, cores) of a console that watches a stack."""
    with _Terminal("attach", NAMESPACE) as terminal:
        terminal.read_until(b"flowing", 30.0)
        terminal.read_for(SETTLE_S)
        cpu_s = terminal.cpu_s()
        count = terminal.read_for(window_s)
        return max(count, 1) / window_s, max(terminal.cpu_s() - cpu_s, 1e-3) / window_s


async def _deploy() -> None:
    spec = StackSpec(
        NAMESPACE, 1, frozenset({Component.REDIS}), LoadSpec(rate=200.0, customers=500), keep=True
    )
    async for _ in open_target("local", NAMESPACE).deploy(spec):
        pass


async def _destroy() -> None:
    async for _ in open_target("local", NAMESPACE).destroy():
        pass


class _Terminal:
    """A console on a pseudo-terminal of its own."""

    def __init__(self, *words: str) -> None:
        self._words = words

    def __enter__(self) -> _Terminal:
        self._pid, self._screen = pty.fork()
        if self._pid == 0:
            os.environ.update(TERM="xterm-256color", COLORTERM="truecolor", LANG="C.UTF-8")
            os.execv(sys.executable, module("kapture_tui", *self._words))
        fcntl.ioctl(self._screen, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(ProcessLookupError):
            os.kill(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)
        os.close(self._screen)

    def cpu_s(self) -> float:
        """CPU time so far, seconds."""
        times = psutil.Process(self._pid).cpu_times()
        return times.user + times.system

    def read_until(self, text: bytes, limit_s: float) -> None:
        """Read until something was written. Raises CannotRun."""
        seen, deadline = b"", time.monotonic() + limit_s
        while text not in seen:
            if time.monotonic() > deadline:
                raise CannotRun(f"the console did not write {text.decode()!r} within {limit_s:.0f} s")
            seen += self._read(0.5)

    def read_for(self, seconds: float) -> int:
        """Read for some time; the number of bytes."""
        count, end = 0, time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            count += len(self._read(left))
        return count

    def _read(self, limit_s: float) -> bytes:
        readable, _, _ = select.select([self._screen], [], [], limit_s)
        try:
            return os.read(self._screen, 65536) if readable else b""
        except OSError as exc:
            raise CannotRun("the console ended") from exc
