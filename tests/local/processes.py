"""Workload processes one by one, without a supervisor: as pods run them."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from kapture_tui.model.snapshot import ObserverReport
from kapture_tui.model.wire import from_wire
from kapture_tui.workload.settings import Settings

PATIENCE_S = 90.0
"""Only a test that fails waits for so long."""


def until(done: Callable[[], object], what: str) -> None:
    end = time.monotonic() + PATIENCE_S
    while not done():
        assert time.monotonic() < end, f"not within {PATIENCE_S:.0f} s: {what}"
        time.sleep(0.1)


class Process:
    """A process with its output in a file, killed with the test."""

    def __init__(self, end: ExitStack, log: Path, command: Sequence[str], env: Mapping[str, str]) -> None:
        self._log = log
        with log.open("ab") as out:
            self.popen = subprocess.Popen(command, env={**os.environ, **env}, stdout=out, stderr=out)
        end.callback(self._kill)

    def _kill(self) -> None:
        self.popen.kill()
        self.popen.wait()

    def says(self, text: str) -> bool:
        """Whether it has said this."""
        return text in self._log.read_text()

    def stop(self) -> int:
        """Ask it to stop; its exit code."""
        self.popen.send_signal(signal.SIGTERM)
        return self.popen.wait(PATIENCE_S)


class Processes:
    """Starts workload processes with the same settings."""

    def __init__(self, end: ExitStack, folder: Path, settings: Settings) -> None:
        self._end = end
        self._folder = folder
        self.settings = settings

    def start(self, kind: str, module: str = "kapture_tui.workload", **env: str) -> Process:
        """One of a kind, called "loader" and the like."""
        settings = replace(self.settings, name=kind, ready_file=self._folder / f"{kind}.json")
        words = kind.split() if module == "kapture_tui.workload" else []
        command = [sys.executable, "-P", "-m", module, *words]
        return Process(self._end, self._folder / f"{kind}.log", command, settings.to_env() | env)

    def run(self, name: str, command: Sequence[str]) -> Process:
        """Any other program."""
        return Process(self._end, self._folder / f"{name}.log", command, {})

    def ready(self, kind: str) -> dict[str, Any]:
        """What it said once it was ready."""
        path = self._folder / f"{kind}.json"
        until(path.exists, f"{kind} is ready")
        return dict(json.loads(path.read_text()))


class Observed:
    """What the observer serves."""

    def __init__(self, processes: Processes) -> None:
        self._port = processes.ready("observer")["port"]

    def ask(self, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=PATIENCE_S)
        connection.request(method, path, body)
        response = connection.getresponse()
        answer = response.status, response.read()
        connection.close()
        return answer

    def report(self) -> ObserverReport:
        status, body = self.ask("GET", "/report")
        assert status == 200
        return from_wire(ObserverReport, json.loads(body))

    def until(self, wanted: Callable[[ObserverReport], object], what: str) -> ObserverReport:
        """The first report that is as wanted."""
        reports: list[ObserverReport] = []
        until(lambda: reports.append(self.report()) or wanted(reports[-1]), what)
        return reports[-1]


def delivered(report: ObserverReport) -> int:
    """What every group has stored."""
    groups = report.ledger.groups if report.ledger else {}
    return min((row.delivered for row in groups.values()), default=0)
