"""`bench` as a process of its own on a real stack, on a bad day: stopped, blinded, robbed of a loader, interrupted."""

from __future__ import annotations

import asyncio
import fcntl
import os
import pty
import select
import signal
import struct
import sys
import termios
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import pytest

from kapture_tui.bench.judge import Outcome
from kapture_tui.bench.result import Result, Status
from kapture_tui.bench.store import files, read
from kapture_tui.model.errors import UsageError
from kapture_tui.targets.local.target import LocalTarget

NAME = "bench-bad-days"
LINE = ["bench", NAME, "1", "-r", "--target", "local", "--stores", "40", "--customers", "300"]
LINE += ["--budget", "25", "--repeats", "3", "--p99", "10"]
"""A generous objective: that a crowded machine is slow is not what is looked at here."""

PAUSE_S = 9.0


class Bench:
    """The process, and the lines it tells on standard error."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.told: list[str] = []

    async def line(self, *words: str) -> str:
        """Wait for a line with all these words."""
        assert self.process.stderr is not None
        while True:
            text = (await self.process.stderr.readline()).decode()
            assert text, f"it has ended: {self.told[-20:]}"
            self.told.append(text)
            if all(word in text for word in words):
                return text

    async def interrupted(self) -> int:
        """Press Ctrl-C and wait until it has cleaned up."""
        self.process.send_signal(signal.SIGINT)
        await self.process.communicate()
        return self.process.returncode or 0


async def started(folder: Path, *more: str) -> Bench:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "kapture_tui",
        *LINE,
        "--results",
        str(folder),
        *more,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        # A group of its own: a group in which somebody is stopped is hung up when its last parent goes.
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    return Bench(process)


def kept(folder: Path) -> Result:
    (path,) = files(folder)
    return read(path)


def trials(folder: Path) -> int:
    """How many have been kept."""
    return sum(len(one.tried) for path in files(folder) for one in read(path).deployments)


async def stopped(bench: Bench) -> None:
    """What a person does who presses Ctrl-Z and thinks better of it."""
    os.kill(bench.process.pid, signal.SIGSTOP)
    await asyncio.sleep(PAUSE_S)
    os.kill(bench.process.pid, signal.SIGCONT)


async def blinded(_: Bench) -> None:
    await LocalTarget(NAME).kill("observer")


async def robbed(_: Bench) -> None:
    await LocalTarget(NAME).kill("data-loader-0")


@pytest.mark.thorough
@pytest.mark.timeout(900)
async def test_bad_days_make_trials_invalid_with_the_reason_and_the_run_can_be_gone_on_with(
    tmp_path: Path,
) -> None:
    bench = await started(tmp_path)
    days: list[tuple[Callable[[Bench], Awaitable[None]], str]] = [
        (stopped, "nobody looked"),
        (blinded, "observer"),
        (robbed, "data-loader-0"),
    ]
    try:
        for happens, _ in days:
            await bench.line("held")
            await asyncio.sleep(6)  # the next trial is being measured
            await happens(bench)
            await bench.line("invalid")
        assert await bench.interrupted() == 128 + signal.SIGINT
        first = kept(tmp_path)
        assert first.status is Status.INTERRUPTED
        invalid = [one for one in first.deployments[0].tried if one.judgement.outcome is Outcome.INVALID]
        for (_, why), one in zip(days, invalid, strict=True):
            assert why in "; ".join(one.judgement.reasons), one.judgement
        assert any(one.held for one in first.deployments[0].tried)
        assert not LocalTarget(NAME).state.path.exists(), "something is left"
        bench = await started(tmp_path, "--resume")
        await bench.line("held")
        assert await bench.interrupted() == 128 + signal.SIGINT
        again = kept(tmp_path)
        assert again.deployments[0] == first.deployments[0], "what was kept is kept"
        assert [one.status for one in again.deployments] == [Status.INTERRUPTED] * 2
    finally:
        with suppress(ProcessLookupError):
            bench.process.kill()
        await bench.process.wait()
        await cleared()


async def cleared() -> None:
    """Remove what a test that failed has left."""
    with suppress(UsageError):
        async for _event in LocalTarget(NAME).destroy():
            pass


class Terminal:
    """A terminal that answers when it is asked whether it has drawn, and remembers what it was sent."""

    def __init__(self, master: int) -> None:
        self._master = master
        self.seen = b""

    def until_drawn(self, text: str) -> None:
        """Wait until a text has been drawn in one piece: what has stood there before is not drawn again."""
        start = len(self.seen)
        self.until(lambda: text.encode() in self.seen[start:])

    def until(self, condition: Callable[[], bool]) -> None:
        """Wait until something holds, while the terminal draws."""
        while not condition():
            ready, _, _ = select.select([self._master], [], [], 120)
            assert ready, f"nothing came for two minutes after {self.seen[-500:]!r}"
            new = os.read(self._master, 65536)
            self.seen += new
            os.write(self._master, b"\x1b[0n" * new.count(b"\x1b[5n"))

    def press(self, keys: str) -> None:
        os.write(self._master, keys.encode())


def on_a_terminal(folder: Path) -> tuple[int, Terminal]:
    """The same in a terminal of ours: its process and the terminal."""
    pid, master = pty.fork()
    if pid == 0:
        os.environ["TERM"] = "xterm-256color"
        os.execv(sys.executable, [sys.executable, "-m", "kapture_tui", *LINE, "--results", str(folder)])
    fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    return pid, Terminal(master)


@pytest.mark.thorough
@pytest.mark.timeout(600)
async def test_on_a_terminal_it_is_seen_and_stopping_it_asks_and_leaves_nothing(tmp_path: Path) -> None:
    pid, terminal = on_a_terminal(tmp_path)
    try:
        await asyncio.to_thread(terminal.until, lambda: trials(tmp_path) >= 1)
        terminal.press("q")
        await asyncio.to_thread(terminal.until_drawn, "stop measuring?")
        terminal.press("\r")  # No is in focus
        await asyncio.to_thread(terminal.until, lambda: trials(tmp_path) >= 2)
        terminal.press("q")
        await asyncio.to_thread(terminal.until_drawn, "stop measuring?")
        terminal.press("\x1b[C\r")
        await asyncio.to_thread(terminal.until_drawn, "to go on: kapture-tui bench")
        _, status = await asyncio.to_thread(os.waitpid, pid, 0)
        assert os.waitstatus_to_exitcode(status) == 130
        found = kept(tmp_path)
        assert found.status is Status.INTERRUPTED
        assert len(found.deployments[0].tried) >= 2
        assert not LocalTarget(NAME).state.path.exists(), "something is left"
    finally:
        with suppress(ProcessLookupError, ChildProcessError):
            os.kill(pid, signal.SIGKILL)
            await asyncio.to_thread(os.waitpid, pid, 0)
        await cleared()
