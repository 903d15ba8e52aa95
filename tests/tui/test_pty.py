"""On a real pseudo-terminal: bytes and CPU a tick, and what happens when the terminal goes away."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest

from kapture_tui.tui import preferences
from tests.tui.play import DESTROYED, RETURNED, TICK

ROOT = Path(__file__).parents[2]
BYTES_A_TICK = 2_000
"""What an idle console with a running stack may send at 80x24; a tick is a second."""

CPU_A_TICK_S = 0.03
"""3 % of a core."""

HANGUP = 128 + signal.SIGHUP


class Console:
    """A console in another process, on a terminal of ours.

    Attributes:
        seen: all it wrote so far.
        ticks: how many ticks it began.
        destroyed: it tore its stack down.
        returned: it ended by itself, and not where its watchdog found it.
    """

    def __init__(self, pid: int, terminal: int, news: int) -> None:
        self.pid = pid
        self.process = psutil.Process(pid)
        self.seen = b""
        self.ticks = 0
        self.destroyed = self.returned = False
        self.terminal = terminal
        self._news = news

    def read(self) -> None:
        """Wait until it writes, and take what it wrote."""
        ready, _, _ = select.select([self.terminal, self._news], [], [], 60)
        assert ready, f"nothing came for a minute after {self.seen[-200:]!r}"
        if self.terminal in ready:
            try:
                self.seen += os.read(self.terminal, 65536)
            except OSError:  # how Linux says that the other side is closed
                raise AssertionError(f"it ended: {self.seen[-2000:].decode(errors='replace')}") from None
        if self._news in ready:
            told = os.read(self._news, 4096)
            self._take(told)

    def _take(self, told: bytes) -> None:
        self.ticks += told.count(TICK)
        self.destroyed |= DESTROYED in told
        self.returned |= RETURNED in told

    def until(self, text: str) -> None:
        """Wait until it has drawn a text in one piece."""
        while text.encode() not in self.seen:
            self.read()

    def until_tick(self, tick: int) -> None:
        """Wait until a tick begins."""
        while self.ticks < tick:
            self.read()

    def press(self, keys: str) -> None:
        """Type."""
        os.write(self.terminal, keys.encode())

    def resize(self, columns: int, rows: int) -> None:
        """Give the terminal another size."""
        fcntl.ioctl(self.terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def hang_up(self) -> None:
        """Close the terminal."""
        os.close(self.terminal)

    def cpu_s(self) -> float:
        """CPU seconds it has used."""
        times = self.process.cpu_times()
        return times.user + times.system

    def ended(self) -> tuple[int, float]:
        """Wait for its end; return its exit code and the CPU seconds it has used in all."""
        _, status, usage = os.wait4(self.pid, 0)
        while told := os.read(self._news, 4096):
            self._take(told)
        self.pid = 0
        return os.waitstatus_to_exitcode(status), usage.ru_utime + usage.ru_stime


@contextmanager
def console(
    *words: str, columns: int = 80, rows: int = 24, nohup: bool = False, **environment: str
) -> Iterator[Console]:
    """Run `tests.tui.play` on a terminal of that size."""
    news, tell = os.pipe()
    os.set_inheritable(tell, True)
    pid, terminal = pty.fork()
    if pid == 0:
        if nohup:
            signal.signal(signal.SIGHUP, signal.SIG_IGN)
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        os.chdir(ROOT)
        # The environment is given whole: readline, which pytest loads, hides COLUMNS and LINES below Python's.
        plain = {
            name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES", "NO_COLOR")
        }
        chosen = {**plain, "TERM": "xterm-256color", "COLORTERM": "truecolor", **environment}
        os.execve(sys.executable, [sys.executable, "-m", "tests.tui.play", *words, str(tell)], chosen)
    os.close(tell)
    child = Console(pid, terminal, news)
    try:
        yield child
    finally:
        if child.pid:
            os.kill(child.pid, signal.SIGKILL)
            os.waitpid(child.pid, 0)
        os.close(news)


@pytest.mark.parametrize(("columns", "rows"), [(80, 24), (120, 40)])
def test_an_idle_console_sends_few_bytes_and_uses_little_cpu(columns: int, rows: int) -> None:
    first, last = 20, 70
    with console("attach", "0.05", str(last), columns=columns, rows=rows) as child:
        child.until_tick(first)
        sent, used_s = len(child.seen), child.cpu_s()
        child.until_tick(last)
        bytes_a_tick = (len(child.seen) - sent) / (last - first)
        cpu_a_tick_s = (child.cpu_s() - used_s) / (last - first)
    print(f"{columns}x{rows}: {bytes_a_tick:.0f} bytes, {cpu_a_tick_s * 1000:.1f} ms of CPU a tick")
    assert bytes_a_tick < BYTES_A_TICK
    assert cpu_a_tick_s < 2 * CPU_A_TICK_S, "twice the goal, for machines that are busy with something else"


def test_a_display_that_stands_still_sends_nothing() -> None:
    with console("attach", "0.1", "1000") as child:
        child.until_tick(5)
        child.press(" ")
        child.until("display paused")
        sent = len(child.seen)
        child.until_tick(child.ticks + 20)
        assert len(child.seen) - sent < 200


@pytest.mark.parametrize("mode", ["attach", "setup", "start"])
@pytest.mark.parametrize("nohup", [False, True], ids=["SIGHUP", "nohup"])
def test_a_hang_up_ends_it_without_spinning_and_leaves_the_stack(mode: str, nohup: bool) -> None:
    with console(mode, "0.2", "1000", nohup=nohup) as child:
        child.until("new run" if mode == "setup" else "processes")
        child.until_tick(0 if mode == "setup" else 3)
        before_s = child.cpu_s()
        child.hang_up()
        code, used_s = child.ended()
    assert code == HANGUP
    assert child.returned
    assert not child.destroyed
    # Two seconds of spinning would be two seconds of CPU.
    assert used_s - before_s < 1.0


def test_it_draws_again_after_a_suspension() -> None:
    with console("attach", "0.2", "1000") as child:
        child.until("processes")
        child.until_tick(3)
        os.kill(child.pid, signal.SIGTSTP)
        os.waitpid(child.pid, os.WUNTRACED)
        child.seen = b""
        os.kill(child.pid, signal.SIGCONT)
        child.until("\x1b[?1049h")
        child.until("processes")


def test_leaving_gives_the_terminal_back_and_the_exit_code() -> None:
    with console("attach", "0.2", "1000") as child:
        child.until("processes")
        child.press("q")
        child.until("\x1b[?1049l")
        code, _ = child.ended()
        assert code == 0
        assert not child.destroyed


def test_leaving_stops_a_stack_that_was_started_here_and_says_what_is_left() -> None:
    with console("start", "0.2", "1000") as child:
        child.until("processes")
        child.press("q")
        child.until("nothing left in perf-test\r\n")
        code, _ = child.ended()
        assert code == 0
        assert child.destroyed


class Slow:
    """A terminal at the end of a slow line: it takes so many bytes a second, and answers when they have come.

    Attributes:
        drawn: bytes it has taken so far.
    """

    QUESTION, ANSWER = b"\x1b[5n", b"\x1b[0n"

    def __init__(self, child: Console, bytes_per_s: float) -> None:
        self._child = child
        self._pace = bytes_per_s
        self._started_s = time.monotonic()
        self.drawn = b""

    def turn(self) -> None:
        """Let some time pass on the line."""
        due = int((time.monotonic() - self._started_s) * self._pace) - len(self.drawn)
        if due > 0 and select.select([self._child.terminal], [], [], 0)[0]:
            taken = os.read(self._child.terminal, due)
            before = len(self.drawn)
            self.drawn += taken
            asked = self.drawn[max(0, before - len(self.QUESTION) + 1) :].count(self.QUESTION)
            os.write(self._child.terminal, self.ANSWER * asked)
        elif due > 0:
            # What the line could have carried in silence is not saved up.
            self._started_s = time.monotonic() - len(self.drawn) / self._pace
        time.sleep(0.01)

    def until(self, text: bytes, since: int = 0) -> None:
        """Wait until a text has been drawn."""
        while text not in self.drawn[since:]:
            self.turn()


def test_what_is_typed_ahead_of_the_prompt_is_no_command() -> None:
    with console("attach", "0.2", "1000") as child:
        child.until("processes")
        child.press("/q/D-\r")
        child.until("/q/D-")
        child.press("?")
        child.until("goes on running")


@pytest.mark.parametrize("baud", [pytest.param(9_600, marks=pytest.mark.thorough), 57_600])
def test_on_a_slow_line_nothing_queues_up_and_keys_are_answered(baud: int) -> None:
    """9,600 baud are 960 bytes a second; a screen of 80x24 in full takes some of them."""
    with console("attach", "0.1", "100000") as child:
        line = Slow(child, baud / 10)
        line.until(b"processes")
        for key, shown in (("?", b"goes on running"), ("\x1b", b"processes"), ("j", b"logs of")):
            since = len(line.drawn)
            child.press(key)
            line.until(shown, since)
            # What was under way, and the answer itself: no more than two screens.
            assert len(line.drawn) - since < 2 * 9_000
        child.press("q")
        with suppress(OSError):  # how Linux says that the other side is closed
            while True:
                line.turn()
        assert b"\x1b[?1049l" in line.drawn
        code, _ = child.ended()
        assert code == 0


@pytest.mark.parametrize(
    ("answer", "theme"), [("ffff/ffff/ffff", "251;251;248"), ("0000/0000/0000", "17;21;28")]
)
def test_it_is_light_or_dark_as_the_terminal_is(answer: str, theme: str) -> None:
    """The background of kapture-light and kapture-dark in 24 bits."""
    with console("attach", "0.2", "1000") as child:
        while b"\x1b]11;?" not in child.seen:
            child.read()
        child.press(f"\x1b]11;rgb:{answer}\x1b\\")
        child.until(f"48;2;{theme}")
        child.until("processes")
        child.press("q")
        code, _ = child.ended()
    assert code == 0
    assert b"11;rgb" not in child.seen


def test_256_colours_are_all_that_such_a_terminal_is_sent() -> None:
    with console("attach", "0.2", "20", COLORTERM="", TERM="xterm-256color") as child:
        child.until_tick(5)
        child.until("processes")
        assert b"38;5;" in child.seen
        assert b"38;2;" not in child.seen
        assert b"48;2;" not in child.seen


@pytest.mark.parametrize("term", ["linux", "xterm"])
def test_a_terminal_of_sixteen_colours_is_sent_its_own(term: str) -> None:
    with console("attach", "0.2", "20", COLORTERM="", TERM=term) as child:
        child.until_tick(5)
        child.until("processes")
    colors = {code for found in re.findall(rb"\x1b\[([\d;]*)m", child.seen) for code in found.split(b";")}
    assert not colors & {b"38", b"48"}
    assert colors & {b"96", b"97", b"36"}


def test_the_mouse_is_left_to_the_terminal_when_switched_off_and_stays_so() -> None:
    with console("attach", "0.2", "1000", XDG_CONFIG_HOME=os.environ["XDG_CONFIG_HOME"]) as child:
        child.until("processes")
        assert b"\x1b[?1000h" in child.seen
        child.press("m")
        child.until("\x1b[?1000l")
        child.until("mouse off")
    try:
        assert not preferences.load().mouse
        with console("attach", "0.2", "1000", XDG_CONFIG_HOME=os.environ["XDG_CONFIG_HOME"]) as child:
            child.until("processes")
            assert b"\x1b[?1000h" not in child.seen
    finally:
        preferences.default_path().unlink()


def test_a_storm_of_sizes_ends_in_the_last_one() -> None:
    with console("attach", "0.2", "1000") as child:
        child.until("processes")
        for number in range(60):
            child.resize(40 + number * 4, 12 + number)
        child.resize(60, 20)
        child.seen = b""
        child.resize(90, 30)
        child.until("it stays")
        child.press("?")
        child.until("goes on running")


def test_no_color_sends_no_colours() -> None:
    with console("trouble", "0.1", "20", NO_COLOR="1") as child:
        child.until_tick(21)
        codes = {code for found in re.findall(rb"\x1b\[([\d;]*)m", child.seen) for code in found.split(b";")}
    assert codes <= {b"", b"0", b"1", b"2", b"4", b"7", b"39", b"49"}
    assert b"lost 5" in child.seen
