"""Holds one child process of a supervisor, so that nothing outlives the supervisor: not even its SIGKILL.

    python -I -S wrapper.py GRACE_S COMMAND [ARGUMENT …]

The supervisor keeps the other end of standard input open. When it closes, for whatever reason, the child's process
group gets SIGTERM and, GRACE_S seconds later, SIGKILL; a line "stop SECONDS" asks for the same with a grace of its own.
Standard output tells the supervisor "pid N" and at last "exit N" (below 0: the signal). The child has neither of them:
its standard input is /dev/null and its output goes to standard error, which is its log file.

Standard library only, and little of it: there is one of these for each child, and they should cost next to nothing.
"""

from __future__ import annotations

import errno
import math
import os
import select
import signal
import sys
import time

CANNOT_EXECUTE = 127


def main(arguments: list[str]) -> int:
    """Run the command; its exit code, or 128 plus the signal that ended it."""
    grace_s, command = float(arguments[0]), arguments[1:]
    wake = _wake_on_signals()
    pid = _start(command)
    _tell(f"pid {pid}")
    code = os.waitstatus_to_exitcode(_watch(pid, wake, grace_s))
    # Whatever the child started and left behind has no owner any more.
    _signal_group(pid, signal.SIGKILL)
    _tell(f"exit {code}")
    return code if code >= 0 else 128 - code


def _wake_on_signals() -> int:
    """A descriptor that becomes readable with each signal; ours end the child, they do not end us."""
    read, write = os.pipe()
    for end in (read, write):
        os.set_blocking(end, False)
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda _number, _frame: None)
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    signal.set_wakeup_fd(write, warn_on_full_buffer=False)
    return read


def _start(command: list[str]) -> int:
    started, starting = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            _become(command)
        finally:
            os._exit(CANNOT_EXECUTE)
    os.close(starting)
    # Closed by the exec: before it, the child has neither its group nor its own answer to signals.
    os.read(started, 1)
    os.close(started)
    return pid


def _become(command: list[str]) -> None:
    os.setsid()
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    for number in (signal.SIGPIPE, signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    try:
        os.execvp(command[0], command)
    except OSError as exc:
        os.write(2, f"cannot run {command[0]}: {exc.strerror}\n".encode(errors="replace"))


def _watch(pid: int, wake: int, grace_s: float) -> int:
    """Wait for the child, ending it when it is time to; its wait status."""
    sources = [0, wake]
    deadline: float | None = None
    while True:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return status
        readable, _, _ = select.select(sources, [], [], _left(deadline))
        stop = wake in readable and _drain(wake)
        if 0 in readable:
            stop, order = True, _read(0)
            if not order:
                sources = [wake]
            elif order.startswith(b"stop "):
                grace_s = float(order.split()[-1])
        if stop:
            if deadline is None:
                _signal_group(pid, signal.SIGTERM)
            deadline = min(deadline or math.inf, time.monotonic() + grace_s)
        if deadline is not None and time.monotonic() >= deadline:
            _signal_group(pid, signal.SIGKILL)
            deadline = time.monotonic() + 1.0


def _left(deadline: float | None) -> float | None:
    return None if deadline is None else max(0.0, deadline - time.monotonic())


def _drain(wake: int) -> bool:
    """Whether one of the signals was one to stop."""
    return any(number != signal.SIGCHLD for number in _read(wake))


def _read(source: int) -> bytes:
    try:
        return os.read(source, 4096)
    except BlockingIOError:
        return b""


def _signal_group(pid: int, number: int) -> None:
    try:
        os.killpg(pid, number)
    except ProcessLookupError:
        pass
    except PermissionError:
        # macOS says so of a group that has only zombies left.
        pass


def _tell(line: str) -> None:
    try:
        os.write(1, line.encode() + b"\n")
    except OSError as exc:
        # The supervisor is gone; the end of standard input says so too.
        if exc.errno != errno.EPIPE:
            raise


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
