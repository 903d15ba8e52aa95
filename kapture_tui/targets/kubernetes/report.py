"""The observer's report, read through the API server's service proxy: a bastion needs nothing but the API."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable

from kapture_tui.model.errors import KaptureError, Unreachable
from kapture_tui.model.snapshot import ObserverReport
from kapture_tui.model.wire import WireError, from_wire
from kapture_tui.targets.kubernetes.api import Api, ApiError, Forbidden

EVERY_S = 1.0
AT_FIRST_S = 0.25
"""How often to read until every group has delivered something: whoever starts a stack waits for just that."""

TIMEOUT_S = 5.0
NOT_READY = "the observer is not ready"


def proxy_path(namespace: str, path: str) -> str:
    """The path of something the observer serves."""
    return f"/api/v1/namespaces/{namespace}/services/observer:8080/proxy/{path}"


class ReportWatch:
    """Reads the report once a second.

    Attributes:
        latest: the newest one; None before the first.
        problem: why there is no newer one; "" if it is fresh.
        heard_at_s: when the API server last answered at all, on `clock`.
        read_at_s: when `latest` was read, on `clock`.
    """

    def __init__(self, api: Api, namespace: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._api = api
        self._path = proxy_path(namespace, "report")
        self._clock = clock
        self._etag = ""
        self.latest: ObserverReport | None = None
        self.problem = "not asked yet"
        self.heard_at_s = clock()
        self.read_at_s = clock()

    @property
    def starting(self) -> bool:
        """Whether the first transactions are still on their way, as far as is known."""
        if self.latest is None:
            return self.problem == NOT_READY
        ledger = self.latest.ledger
        groups = ledger.groups.values() if ledger else ()
        return not groups or any(group.delivered == 0 for group in groups)

    @property
    def every_s(self) -> float:
        """The pause between two readings, seconds."""
        return AT_FIRST_S if self.starting else EVERY_S

    async def run(self) -> None:
        """Read for ever."""
        while True:
            began_s = self._clock()
            try:
                await self._read()
                self.problem, self.read_at_s = "", self._clock()
            except (ValueError, WireError) as exc:
                self.problem = f"the observer's report is not readable: {exc}"
            except KaptureError as exc:
                self.problem = _why(exc)
                if isinstance(exc, Unreachable):
                    await self._pause(began_s)
                    continue
            self.heard_at_s = self._clock()
            await self._pause(began_s)

    async def _read(self) -> None:
        headers = {"Accept-Encoding": "gzip"} | ({"If-None-Match": self._etag} if self._etag else {})
        answer = await self._api.raw("GET", self._path, headers=headers, timeout_s=TIMEOUT_S)
        if answer.status != 304:
            self.latest = from_wire(ObserverReport, json.loads(answer.body))
            self._etag = answer.headers.get("etag", "")

    async def _pause(self, began_s: float) -> None:
        await asyncio.sleep(max(0.1, self.every_s - (self._clock() - began_s)))


def _why(exc: KaptureError) -> str:
    if isinstance(exc, Forbidden):
        return str(exc)
    if isinstance(exc, ApiError) and exc.status == 404:
        return "there is no observer"
    if isinstance(exc, ApiError) and exc.status in (502, 503, 504):
        return NOT_READY
    return str(exc)
