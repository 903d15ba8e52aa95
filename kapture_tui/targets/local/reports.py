"""Fetches the observer's report over loopback HTTP."""

from __future__ import annotations

import asyncio
import gzip
import json
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

ANSWER_S = 2.0


@dataclass(frozen=True, slots=True)
class Report:
    """A report as the observer sent it: a JSON value for `ObserverReport`, and when it came (monotonic clock)."""

    value: dict[str, Any]
    etag: str
    at_s: float


class ReportReader:
    """Keeps the newest report.

    Attributes:
        newest: None before the first one.
        problem: why the last try brought nothing; "" if it did.
    """

    def __init__(self) -> None:
        self.newest: Report | None = None
        self.problem = "the observer has not started yet"

    async def poll(self, port: int) -> None:
        """Ask the observer on that port of 127.0.0.1. Never raises: `problem` says what went wrong."""
        try:
            async with asyncio.timeout(ANSWER_S):
                status, headers, body = await _get(port, self.newest.etag if self.newest else "")
            self._take(status, headers, body)
        except TimeoutError:
            self.problem = f"the observer did not answer in {ANSWER_S:.0f} s"
        except (OSError, EOFError, ValueError) as exc:
            self.problem = f"the observer does not answer: {exc}"

    def _take(self, status: int, headers: dict[str, str], body: bytes) -> None:
        if status == 200:
            if headers.get("content-encoding") == "gzip":
                body = gzip.decompress(body)
            self.newest = Report(json.loads(body), headers.get("etag", ""), time.monotonic())
        elif status != 304:
            self.problem = f"the observer answered with HTTP {status}"
            return
        self.problem = ""


async def _get(port: int, etag: str) -> tuple[int, dict[str, str], bytes]:
    """Status, headers (names in lower case) and body of GET /report."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        lines = [
            "GET /report HTTP/1.1",
            f"Host: 127.0.0.1:{port}",
            "Accept-Encoding: gzip",
            "Connection: close",
        ]
        if etag:
            lines.append(f"If-None-Match: {etag}")
        writer.write("\r\n".join([*lines, "", ""]).encode())
        head, _, body = (await reader.read(-1)).partition(b"\r\n\r\n")
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
    first, *rest = head.decode("latin-1").split("\r\n")
    parts = first.split()
    if len(parts) < 2 or not parts[1].isdigit():
        raise ValueError(f"not HTTP: {first[:60]!r}")
    headers = {
        name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in rest)
    }
    return int(parts[1]), headers, body
