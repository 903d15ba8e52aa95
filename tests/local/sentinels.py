"""Redis servers with Sentinels of the tests' own: a primary, replicas, and a fail-over when the primary is killed."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import redis

from kapture_tui.targets.local.ports import free_ports
from kapture_tui.targets.local.redis import find_server

PASSWORD = "correct-horse"
NAME = "kapture"
SERVERS = 3
DOWN_MS = 1000

PATIENCE_S = 90.0
"""Only a test that fails waits for so long, seconds."""


class Sentinels:
    """Three servers, each with a Sentinel beside it; all want the password."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        ports = free_ports(2 * SERVERS)
        self.servers = ports[:SERVERS]
        self._sentinels = ports[SERVERS:]
        self._running: dict[int, subprocess.Popen[bytes]] = {}

    @property
    def url(self) -> str:
        hosts = ",".join(f"127.0.0.1:{port}" for port in self._sentinels)
        return f"redis+sentinel://:{PASSWORD}@{hosts}/{NAME}"

    def start(self) -> None:
        """Start all; the first server is the primary."""
        for port in self.servers:
            self.start_server(
                port, "" if port == self.servers[0] else f"replicaof 127.0.0.1 {self.servers[0]}\n"
            )
        self.until(
            lambda: self.server(self.servers[0]).info("replication")["connected_slaves"] == 2, "replicas"
        )
        for port in self._sentinels:
            self._start(
                port,
                f"requirepass {PASSWORD}\n"
                f"sentinel sentinel-pass {PASSWORD}\n"
                f"sentinel monitor {NAME} 127.0.0.1 {self.servers[0]} 2\n"
                f"sentinel auth-pass {NAME} {PASSWORD}\n"
                f"sentinel down-after-milliseconds {NAME} {DOWN_MS}\n"
                f"sentinel failover-timeout {NAME} 5000\n",
                "--sentinel",
            )
        for port in self._sentinels:
            self.until(lambda port=port: self._knows(port), f"Sentinel {port} knows the others")

    def start_server(self, port: int, more: str = "") -> None:
        """Start one server, anew or with what it had."""
        self._start(
            port,
            f"requirepass {PASSWORD}\nmasterauth {PASSWORD}\nappendonly yes\nrepl-diskless-sync-delay 0\n{more}",
        )

    def _start(self, port: int, lines: str, *words: str) -> None:
        found = find_server()
        assert found is not None
        folder = self._folder / str(port)
        folder.mkdir(exist_ok=True)
        file = folder / "server.conf"
        file.write_text(f"port {port}\nbind 127.0.0.1\ndir {folder}\n{lines}")
        with (folder / "log").open("ab") as log:
            self._running[port] = subprocess.Popen([found.path, str(file), *words], stdout=log, stderr=log)
        self.until(lambda: self.server(port).ping(), f"{port} answers")

    def _knows(self, port: int) -> bool:
        state = self.server(port).sentinel_master(NAME)
        return bool(state["num-other-sentinels"] == SERVERS - 1 and state["num-slaves"] == SERVERS - 1)

    def server(self, port: int) -> redis.Redis:
        """A client of the test's own."""
        return redis.Redis(port=port, password=PASSWORD, decode_responses=True)

    def primary(self) -> int:
        """The port of the primary, as most Sentinels say."""
        said = self.said()
        return max(said, key=said.count)

    def said(self) -> list[int]:
        """The port of the primary, as each of the Sentinels says that answers."""
        said = []
        for port in self._sentinels:
            with contextlib.suppress(redis.ConnectionError):
                said.append(int(self.server(port).sentinel_get_master_addr_by_name(NAME)[1]))
        return said

    def cut_replication(self) -> None:
        """From now on the replicas learn of no writes."""
        for port in self.servers[1:]:
            self.server(port).config_set("masterauth", "wrong")
        self.server(self.servers[0]).client_kill_filter(_type="replica")

    def mend_replication(self) -> None:
        """Let the replicas reach a primary again."""
        for port in self.servers[1:]:
            self.server(port).config_set("masterauth", PASSWORD)

    def kill(self, port: int) -> None:
        """SIGKILL a server."""
        self._running[port].kill()
        self._running.pop(port).wait()

    @contextlib.contextmanager
    def standing_still(self, port: int) -> Iterator[None]:
        """A server without any CPU for as long as the block runs."""
        self._running[port].send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._running[port].send_signal(signal.SIGCONT)

    def fail_over(self) -> int:
        """Kill the primary; the new one, once the others follow it."""
        old = self.primary()
        self.kill(old)
        self.until(lambda: self.primary() != old, "a fail-over")
        new = self.primary()
        self.until(lambda: self.server(new).info("replication")["role"] == "master", "the new primary")
        return new

    def until(self, done: Callable[[], object], what: str) -> None:
        """Wait for something."""
        end = time.monotonic() + PATIENCE_S
        while True:
            with contextlib.suppress(redis.ConnectionError):
                if done():
                    return
            assert time.monotonic() < end, f"not within {PATIENCE_S:.0f} s: {what}"
            time.sleep(0.05)

    def close(self) -> None:
        """End all."""
        for process in self._running.values():
            process.kill()
        for process in self._running.values():
            process.wait()
