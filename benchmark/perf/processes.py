"""Processes that are measured: started with a log file, watched by psutil, ended whatever happens."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from benchmark.perf.result import CannotRun

END_S = 60.0


class Child:
    """A process of ours and the CPU time it uses."""

    def __init__(self, command: Sequence[str], env: Mapping[str, str], log: Path) -> None:
        self.log = log
        with log.open("wb") as out:
            self._process = subprocess.Popen(
                command,
                env={**os.environ, **env},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # a Ctrl-C is for us; we end them in order
            )
        self._usage = psutil.Process(self._process.pid)

    @property
    def pid(self) -> int:
        """Its number."""
        return self._process.pid

    @property
    def cpu_s(self) -> float:
        """User and system time of all its threads so far, seconds."""
        times = self._usage.cpu_times()
        return times.user + times.system

    def wait_for(self, what: str, ready: Callable[[], Any], limit_s: float) -> Any:
        """Call `ready` until it returns something true, and return that. Raises CannotRun."""
        deadline = time.monotonic() + limit_s
        while not (found := ready()):
            if self._process.poll() is not None:
                raise CannotRun(f"{what}: the process ended with {self._process.returncode}: {self._said()}")
            if time.monotonic() > deadline:
                raise CannotRun(f"{what}: not within {limit_s:.0f} s: {self._said()}")
            time.sleep(0.05)
        return found

    def finish(self, limit_s: float) -> float:
        """Wait until it ends by itself; its CPU time in all, seconds. Raises CannotRun."""
        deadline = time.monotonic() + limit_s
        while True:
            pid, status, usage = os.wait4(self._process.pid, os.WNOHANG)
            if pid:
                break
            if time.monotonic() > deadline:
                raise CannotRun(f"{self.log.stem} did not end within {limit_s:.0f} s: {self._said()}")
            time.sleep(0.05)
        self._process.returncode = os.waitstatus_to_exitcode(status)
        if self._process.returncode:
            raise CannotRun(f"{self.log.stem} ended with {self._process.returncode}: {self._said()}")
        return usage.ru_utime + usage.ru_stime

    def stop(self) -> None:
        """Ask it to end, and see that it does."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(END_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def _said(self) -> str:
        lines = self.log.read_text(errors="replace").splitlines()
        return lines[-1] if lines else "it said nothing"


@contextmanager
def running(command: Sequence[str], env: Mapping[str, str], log: Path) -> Iterator[Child]:
    """A child for as long as the block runs."""
    child = Child(command, env, log)
    try:
        yield child
    finally:
        child.stop()


def module(*words: str) -> tuple[str, ...]:
    """The command that runs a Python module."""
    return (sys.executable, "-m", *words)


def facts(path: Path) -> dict[str, Any] | None:
    """What a ready file says; None while it is not there."""
    return json.loads(path.read_text()) if path.exists() else None
