"""A TCP relay in front of a server of this machine, for tests that want something between it and its clients."""

from __future__ import annotations

import select
import socket
import threading
from collections.abc import Sequence
from contextlib import suppress

CHUNK = 8192


class Relay:
    """Passes on what connections carry, each in a thread of its own.

    Attributes:
        port: on 127.0.0.1.
    """

    def __init__(self, to_port: int) -> None:
        self._to = to_port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def opened(self, accepted: socket.socket) -> socket.socket:
        """The client's side, as it is to be read and written."""
        return accepted

    def readable(self, near: socket.socket, far: socket.socket) -> Sequence[socket.socket]:
        """Wait for something to read; the sides that have it."""
        return select.select([near, far], [], [])[0]

    def sent(self, count: int) -> None:
        """Told before so many bytes of a client's go on to the server."""

    def close(self) -> None:
        """Take no more connections."""
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                threading.Thread(target=self._carry, args=(near,), daemon=True).start()

    def _carry(self, accepted: socket.socket) -> None:
        with (
            suppress(OSError),
            self.opened(accepted) as near,
            socket.create_connection(("127.0.0.1", self._to)) as far,
        ):
            while True:
                for source in self.readable(near, far):
                    data = source.recv(CHUNK)
                    if not data:
                        return
                    if source is near:
                        self.sent(len(data))
                    (far if source is near else near).sendall(data)
