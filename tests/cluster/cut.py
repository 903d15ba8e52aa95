"""A TCP proxy in front of a server, to take the server away and give it back."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import threading
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, Literal, TypeVar

Way = Literal["refuse", "hang", "reset"]
T = TypeVar("T")


class CutProxy:
    """Forwards to one server, in a thread of its own: also while a test blocks its loop, or waits for a process.

    Attributes:
        port: on 127.0.0.1; the same for ever.
        kubeconfig: leads to the cluster through this proxy; set by the fixture.
    """

    def __init__(self, host: str, port: int) -> None:
        self.kubeconfig = Path()
        self._to = (host, port)
        self._way: Way | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self.port = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._do(self._listen())

    def wait_unused(self) -> None:
        """Return when nothing is forwarded any more. Raises TimeoutError after ten seconds."""
        self._do(self._unused())

    def cut(self, way: Way = "refuse") -> None:
        """Take the server away.

        refuse: connections end, new ones are refused. reset: both are reset. hang: what is open stays open and carries
        nothing any more, not even after `mend`; new ones are accepted and hear nothing, as behind a dead gateway.
        """
        self._do(self._cut(way))

    def mend(self) -> None:
        """Give it back, for new connections."""
        self._do(self._mend())

    def close(self) -> None:
        """End everything."""
        self._do(self._cut("refuse"))
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _do(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, reuse_address=True)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _cut(self, way: Way) -> None:
        self._way = way
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if way != "hang":
            for writer in self._writers:
                _drop(writer, reset=way == "reset")
            self._writers.clear()
        if way == "refuse" and self._server:
            self._server.close()
            self._server = None

    async def _mend(self) -> None:
        self._way = None
        if self._server is None:
            await self._listen()

    async def _unused(self) -> None:
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        if self._way == "reset":
            _drop(writer, reset=True)
        if self._way is not None:
            return
        with contextlib.suppress(OSError):
            there, onward = await asyncio.open_connection(*self._to)
            self._writers.add(onward)
            self._pump(reader, onward)
            self._pump(there, writer)

    def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(_copy(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while piece := await reader.read(65536):
            writer.write(piece)
            await writer.drain()
        writer.close()


def _drop(writer: asyncio.StreamWriter, *, reset: bool) -> None:
    connection = writer.get_extra_info("socket")
    if reset and connection is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
