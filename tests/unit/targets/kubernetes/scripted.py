"""A real HTTP(S) server whose answers a test writes down, and kubeconfigs that lead to it."""

from __future__ import annotations

import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import yaml
from aiohttp import web

from kapture_tui.targets.base import Connection
from kapture_tui.targets.kubernetes.api import Api

VERSION = {"gitVersion": "v1.34.0"}
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Server:
    """Answers with `answer`; as an API server asked for its version while that is None.

    Attributes:
        url: its address on 127.0.0.1.
        requests: all that came: method, path with query.
        headers: of the last request.
    """

    def __init__(self) -> None:
        self.url = ""
        self.requests: list[tuple[str, str]] = []
        self.headers: Mapping[str, str] = {}
        self.answer: Answer | None = None

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.requests.append((request.method, request.path_qs))
        self.headers = request.headers
        if self.answer is None:
            return web.json_response(VERSION)
        return await self.answer(request)


@asynccontextmanager
async def serving(answer: Answer | None = None, tls: ssl.SSLContext | None = None) -> AsyncIterator[Server]:
    server = Server()
    server.answer = answer
    # A client that goes away ends the answer to it, so that watches do not outlive their test.
    handler = web.Server(server.handle, access_log=None, handler_cancellation=True)
    runner = web.ServerRunner(handler, shutdown_timeout=1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
    await site.start()
    port = runner.addresses[0][1]
    server.url = f"{'https' if tls else 'http'}://127.0.0.1:{port}"
    try:
        yield server
    finally:
        await runner.cleanup()


def kubeconfig(
    folder: Path, server: str, user: Mapping[str, Any] | None = None, **cluster: Any
) -> Connection:
    """A kubeconfig with the context "here"."""
    content = {
        "current-context": "here",
        "contexts": [{"name": "here", "context": {"cluster": "c", "user": "u", "namespace": "pets"}}],
        "clusters": [{"name": "c", "cluster": {"server": server, **cluster}}],
        "users": [{"name": "u", "user": dict(user or {})}],
    }
    path = folder / "config"
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    return Connection(str(path))


@asynccontextmanager
async def opened(connection: Connection) -> AsyncIterator[Api]:
    api = await Api.open(connection)
    try:
        yield api
    finally:
        await api.close()


def status(code: int, reason: str, message: str) -> web.Response:
    """The answer of an API server that refuses."""
    body = {"kind": "Status", "status": "Failure", "code": code, "reason": reason, "message": message}
    return web.json_response(body, status=code)


async def send(response: web.StreamResponse, kind: str, item: Mapping[str, Any]) -> None:
    """One line of a watch."""
    await response.write(json.dumps({"type": kind, "object": item}).encode() + b"\n")
