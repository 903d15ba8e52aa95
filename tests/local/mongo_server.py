"""A Mongo of the tests' own, MongoDB or FerretDB, which they may kill and start again."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest
from pymongo import MongoClient
from pymongo.errors import PyMongoError

from kapture_tui.targets.local.ports import free_ports

PROGRAM = shutil.which("mongod") or shutil.which("ferretdb")
"""FerretDB under mongod's options: --dbpath, --port and --bind_ip are enough here."""

needs_mongo = pytest.mark.skipif(PROGRAM is None, reason="neither mongod nor ferretdb is on the PATH")

PATIENCE_S = 60.0
"""Only a test that fails waits for so long, seconds."""


class MongoServer:
    """A server with its data in a folder."""

    def __init__(self, folder: Path) -> None:
        (self.port,) = free_ports(1)
        self._folder = folder
        (folder / "db").mkdir()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"mongodb://127.0.0.1:{self.port}/pets"

    @property
    def pid(self) -> int:
        assert self._process
        return self._process.pid

    @property
    def client(self) -> MongoClient[dict[str, object]]:
        """A client of the test's own."""
        return MongoClient(self.url)

    def start(self) -> None:
        """Start it, and wait until it answers."""
        assert PROGRAM
        place = ("--dbpath", str(self._folder / "db"), "--port", str(self.port), "--bind_ip", "127.0.0.1")
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen([PROGRAM, *place], stdout=log, stderr=log)
        end = time.monotonic() + PATIENCE_S
        with MongoClient(self.url, serverSelectionTimeoutMS=200) as client:
            while True:
                try:
                    client.admin.command("ping")
                    return
                except PyMongoError:
                    assert time.monotonic() < end, (self._folder / "log").read_text()

    def kill(self) -> None:
        """SIGKILL."""
        if self._process:
            self._process.kill()
            self._process.wait()

    def hang(self) -> None:
        """Answer nothing until `go_on`."""
        os.kill(self.pid, signal.SIGSTOP)

    def go_on(self) -> None:
        """Answer again."""
        os.kill(self.pid, signal.SIGCONT)
