"""Requests to a Kubernetes API server: one user on one cluster, JSON in and out, errors in words."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Self

import aiohttp
import orjson
from yarl import URL

from kapture_tui.model.errors import Unreachable
from kapture_tui.targets.base import Connection
from kapture_tui.targets.kubernetes import connection as way
from kapture_tui.targets.kubernetes.credentials import Credentials, Grant, expired
from kapture_tui.targets.kubernetes.errors import ApiError, Forbidden, describe, not_kubernetes, refusal
from kapture_tui.targets.kubernetes.kubeconfig import Access, ContextInfo, contexts, load

__all__ = ["Api", "ApiError", "ContextInfo", "Forbidden", "Response", "contexts"]

LINE_BYTES = 16 * 1024 * 1024
"""Longest line of a stream; an object in a watch has at most about 3 MiB."""
OPEN_S = 15.0
"""How long the server may take to accept a stream."""
OUTAGE_S = 5.0
"""A server that did not answer for so long was away, and not only slow once."""
ERROR_BYTES = 64 * 1024
UNAUTHORIZED = 401
NOT_MODIFIED = 304


@dataclass(frozen=True, slots=True)
class Response:
    """An answer as it came. Names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Api:
    """One user on one cluster. All methods raise KaptureError and nothing else of their own.

    Streams that were open while the server was away end with Unreachable when it is back.

    Attributes:
        context: its name in the kubeconfig.
        server: base address of the API server.
        namespace: the context's; "default" if it names none.
        version: of the server ("v1.34.4"); "" if we may not ask.
        reachable: cleared when the server cannot be reached, set by the next answer, whatever it says.
    """

    def __init__(self, access: Access, credentials: Credentials) -> None:
        self.context = access.context
        self.server = access.server
        self.namespace = access.namespace
        self.version = ""
        self.reachable = asyncio.Event()
        self._access = access
        self._credentials = credentials
        self._proxy = way.proxy(access)
        self._shown: Grant | None = None
        self._sessions: list[aiohttp.ClientSession] = []
        self._streams: set[aiohttp.ClientResponse] = set()
        self._lost_s: float | None = None

    @classmethod
    async def open(cls, connection: Connection) -> Self:
        """Read the kubeconfig, get credentials (which may run a plugin) and ask the server for its version.

        Raises:
            UsageError: no kubeconfig, a broken one, no such context, a plugin that is not installed.
            NotAllowed: the plugin failed or the server does not accept the credentials.
            Unreachable: no API server answers at that address.
        """
        access = load(connection)
        api = cls(access, Credentials(access))
        try:
            await api._look()
        except BaseException:
            await api.close()
            raise
        return api

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Any = None,
        content_type: str = "application/json",
        timeout_s: float = 30.0,
    ) -> Any:
        """Send a request and return the parsed answer, None if it is empty.

        Args:
            body: bytes and str go as they are, anything else as JSON; None: no body.
            timeout_s: for all of it, seconds.

        Raises: Forbidden, ApiError, NotAllowed (credentials), Unreachable.
        """
        response = await self.raw(
            method, path, query=query, body=body, content_type=content_type, timeout_s=timeout_s
        )
        try:
            return orjson.loads(response.body) if response.body.strip() else None
        except ValueError:
            kind = response.headers.get("content-type", "").partition(";")[0] or "something"
            raise not_kubernetes(self.server, f"it sent {kind} instead of JSON") from None

    async def raw(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Any = None,
        content_type: str = "application/json",
        timeout_s: float = 30.0,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        """As `request`, but the answer as it came; status 304 is one, too."""
        limits = aiohttp.ClientTimeout(total=timeout_s, sock_connect=way.CONNECT_S)
        sent = {"Accept": "application/json", **(headers or {})}
        data = body if body is None or isinstance(body, bytes | str) else _json(body)
        if data is not None:
            sent["Content-Type"] = content_type
        async with self._answer(method, path, query, data, sent, limits) as answer:
            with way.explained(self._access, describe(method, path), self._proxy, timeout_s):
                content = await answer.read()
            found = {name.lower(): value for name, value in answer.headers.items()}
            return Response(answer.status, found, content)

    async def lines(
        self, path: str, query: Mapping[str, str] | None = None, idle_s: float | None = None
    ) -> AsyncIterator[bytes]:
        """The lines of an answer that goes on, as they come, without their ends: a watch, or a log that is followed.

        Args:
            idle_s: how long nothing may come, seconds; None: for ever (a dead peer is noticed all the same).

        Raises: as `request`; Unreachable also when the connection breaks or nothing came for `idle_s`.
        """
        async with self.stream(path, query, idle_s) as found:
            async for line in found:
                yield line

    @asynccontextmanager
    async def stream(
        self, path: str, query: Mapping[str, str] | None = None, idle_s: float | None = None
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """As `lines`; inside, the server has accepted the request, though nothing may have come yet."""
        limits = aiohttp.ClientTimeout(total=None, sock_connect=way.CONNECT_S, sock_read=idle_s)
        async with self._answer("GET", path, query, None, {"Accept": "*/*"}, limits) as answer:
            self._streams.add(answer)
            try:
                yield self._split(path, answer.content.iter_any(), idle_s)
            finally:
                self._streams.discard(answer)

    async def _split(
        self, path: str, chunks: AsyncIterator[bytes], idle_s: float | None
    ) -> AsyncIterator[bytes]:
        rest = bytearray()
        while True:
            with way.explained(self._access, describe("GET", path), self._proxy, idle_s):
                chunk = await anext(chunks, b"")
            if not chunk:
                break
            # Only what is new can hold an end: a long line is not searched again with every piece.
            if b"\n" not in chunk:
                rest += chunk
                self._check_length(path, rest)
                continue
            *whole, last = (bytes(rest) + chunk).split(b"\n")
            rest = bytearray(last)
            for line in whole:
                yield line
        if rest:
            yield bytes(rest)

    async def namespaces(self) -> list[str]:
        """The names of all namespaces, sorted. Raises as `request`: few users may list them."""
        answer = await self.request("GET", "/api/v1/namespaces", query={"limit": "1000"})
        return sorted(str(item["metadata"]["name"]) for item in answer["items"] or ())

    async def close(self) -> None:
        """Let all connections go; what is called afterwards opens new ones."""
        sessions, self._sessions, self._shown = self._sessions, [], None
        for session in sessions:
            await session.close()

    async def _look(self) -> None:
        try:
            answer = await self.request("GET", "/version", timeout_s=way.CONNECT_S)
        except Forbidden:
            return
        except ApiError as error:
            if error.status == 404:
                raise not_kubernetes(self.server, "it has no /version") from error
            raise
        if not isinstance(answer, dict) or "gitVersion" not in answer:
            raise not_kubernetes(self.server, "its /version is something else")
        self.version = str(answer["gitVersion"])

    @asynccontextmanager
    async def _answer(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None,
        data: bytes | str | None,
        headers: Mapping[str, str],
        limits: aiohttp.ClientTimeout,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """An answer of a good status; a 401 is answered with new credentials, once."""
        grant = await self._credentials.grant()
        answer = await self._send(grant, method, path, query, data, headers, limits)
        if answer.status == UNAUTHORIZED and self._credentials.renewable:
            answer.close()
            grant = await self._credentials.grant(refused=grant)
            answer = await self._send(grant, method, path, query, data, headers, limits)
        async with answer:
            if answer.status == UNAUTHORIZED:
                raise expired(self._access)
            if answer.status >= 300 and answer.status != NOT_MODIFIED:
                await self._refuse(method, path, answer)
            yield answer

    async def _send(
        self,
        grant: Grant,
        method: str,
        path: str,
        query: Mapping[str, str] | None,
        data: bytes | str | None,
        headers: Mapping[str, str],
        limits: aiohttp.ClientTimeout,
    ) -> aiohttp.ClientResponse:
        session = self._session(grant)
        shown = {**headers, "Authorization": grant.authorization} if grant.authorization else headers
        waited_s = limits.total or OPEN_S
        try:
            with way.explained(self._access, describe(method, path), self._proxy, waited_s):
                # A stream may be silent for long, but the server accepts it at once.
                async with asyncio.timeout(waited_s):
                    answer = await session.request(
                        method,
                        URL(self.server + path, encoded=True),
                        params=query,
                        data=data,
                        headers=shown,
                        timeout=limits,
                        proxy=self._proxy,
                        server_hostname=self._access.cluster.text("tls-server-name") or None,
                        allow_redirects=False,
                    )
        except Unreachable:
            self._lose()
            raise
        self._regain()
        return answer

    def _lose(self) -> None:
        self.reachable.clear()
        if self._lost_s is None:
            self._lost_s = time.monotonic()

    def _regain(self) -> None:
        """The server answers; what was open while it was away may be dead without knowing, and is ended."""
        if self._lost_s is not None and time.monotonic() - self._lost_s >= OUTAGE_S:
            for stream in list(self._streams):
                # Closing would wait for a peer that does not listen any more.
                if stream.connection is not None and stream.connection.transport is not None:
                    stream.connection.transport.abort()
        self._lost_s = None
        self.reachable.set()

    def _session(self, grant: Grant) -> aiohttp.ClientSession:
        """Connections that show the grant's certificate. Earlier ones stay for what still runs over them."""
        shown = self._shown
        if shown is None or (shown.certificate, shown.key) != (grant.certificate, grant.key):
            context = way.tls(self._access, grant)
            self._sessions.append(aiohttp.ClientSession(connector=way.connector(context), trust_env=False))
        self._shown = grant
        return self._sessions[-1]

    async def _refuse(self, method: str, path: str, answer: aiohttp.ClientResponse) -> None:
        if answer.status < 400:
            raise not_kubernetes(self.server, f"it redirects elsewhere ({answer.status})")
        with way.explained(self._access, describe(method, path), self._proxy, None):
            body = await answer.content.read(ERROR_BYTES)
        raise refusal(describe(method, path), self.server, answer.status, answer.content_type, body)

    def _check_length(self, path: str, line: bytearray) -> None:
        if len(line) > LINE_BYTES:
            cause = f"a line of more than {LINE_BYTES >> 20} MiB"
            raise Unreachable(f"{describe('GET', path)} at {self.server}", cause, "ask for less of it")


def _json(body: Any) -> bytes:
    # An apply patch is read as YAML, which unlike JSON wants this one character escaped, too.
    return json.dumps(body).replace("\x7f", "\\u007f").encode("ascii")
