"""A database's server on this machine: what every one of them has to tell, and which there are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from kapture_tui.model.errors import UsageError
from kapture_tui.model.spec import Component
from kapture_tui.targets.local.ready import Ready

START_S = 60.0


@dataclass(frozen=True, slots=True)
class Launch:
    """How a server is started.

    Attributes:
        command: of the server, which stays in the foreground.
        ready: when it takes its first command.
        before: run to its end before the server starts, as to make an empty database; empty: nothing to do.
        env: what it needs in its environment beyond what every child has.
        start_s: how long it may take to be ready, seconds.
        grace_s: how long it may take to stop, seconds.
    """

    command: tuple[str, ...]
    ready: Ready
    before: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    start_s: float = START_S
    grace_s: float = 5.0


class Server(Protocol):
    """A kind of database as one machine can have it. All calls may block, for seconds at most."""

    def describe(self) -> str:
        """What would be started: name, version and origin. Raises UsageError with the remedy where there is nothing."""
        ...

    def check(self, url: str) -> str:
        """What answers at a URL. Raises UsageError: nothing, another thing, or it holds somebody else's data."""
        ...

    def launch(self, port: int, folder: Path) -> Launch:
        """How to start it on a port of 127.0.0.1, with its data in an empty folder. Raises UsageError as `describe`."""
        ...

    def url(self, port: int, folder: Path) -> str:
        """Where a server that was started so is reached."""
        ...

    def clear(self, url: str) -> None:
        """Remove what a stack wrote to a server that is not ours. Raises anything: the client's errors."""
        ...


class Elsewhere:
    """A database that this machine does not start: it has to be there already.

    Args:
        name: of the database.
        option: what names its URL on the command line.
    """

    def __init__(self, name: str, option: str) -> None:
        self._name = name
        self._remedy = f"give {option}"

    def describe(self) -> str:
        """See `Server`."""
        raise UsageError(self._name, "this machine has no server that could be started", self._remedy)

    def check(self, url: str) -> str:
        """See `Server`: what it is shows when its sink uses it."""
        return "by URL"

    def launch(self, port: int, folder: Path) -> Launch:
        """See `Server`."""
        raise UsageError(f"starting {self._name}", "there is no server on this machine", self._remedy)

    def url(self, port: int, folder: Path) -> str:
        """See `Server`."""
        raise UsageError(f"starting {self._name}", "there is no server on this machine", self._remedy)

    def clear(self, url: str) -> None:
        """See `Server`: what a sink from outside wrote, nobody here knows."""


def server_of(database: Component) -> Server:
    """The kind of server a database has here."""
    from kapture_tui.targets.local import elasticsearch, mongo, postgres, redis

    own: Mapping[Component, Server] = {
        Component.ELASTICSEARCH: elasticsearch.ElasticsearchServer(),
        Component.MONGO: mongo.MongoServer(),
        Component.POSTGRES: postgres.PostgresServer(),
        Component.REDIS: redis.RedisServer(),
    }
    name = database.value
    return own.get(database) or Elsewhere(name, f"--sink {name}=URL")
