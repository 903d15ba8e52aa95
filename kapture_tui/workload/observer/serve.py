"""The observer's little HTTP server. Serves what was published last, whatever hangs.

`GET /report`, `/metrics`, `/healthz`; `POST /control` takes an order to the loaders.
"""

from __future__ import annotations

import gzip
import json
import logging
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BufferedIOBase
from typing import Any

from prometheus_client.exposition import choose_encoder

from kapture_tui.model.errors import Unreachable, UsageError
from kapture_tui.model.wire import to_wire
from kapture_tui.workload.control import Order, parse
from kapture_tui.workload.fastjson import loads
from kapture_tui.workload.observer.metrics import registry
from kapture_tui.workload.observer.report import Published

log = logging.getLogger(__name__)

IDLE_S = 30.0
"""A connection that asks nothing for so long is closed, seconds."""

ORDER_BYTES = 16 * 1024
"""No order is longer."""

HEALTHY_S = 10.0
"""Without a tick for so long, /healthz says so, seconds."""


class ReportServer:
    """Serves the newest report. Threads of its own; `publish` may be called from any.

    Args:
        host, port: where to listen; port 0: any that is free.
        first: what to serve until the first tick is over.
        give: passes an order on to the loaders; may block, raises Unreachable when Kafka does not take it. None: this
            observer takes no orders.

    Raises:
        Unreachable: the address cannot be listened on.
    """

    def __init__(
        self,
        host: str,
        port: int,
        first: Published,
        clock: Callable[[], float] = time.monotonic,
        give: Callable[[Order], None] | None = None,
    ) -> None:
        self.give = give
        self._clock = clock
        self._start = secrets.token_hex(4)  # an ETag of an earlier observer must not match
        self._body: _Body
        self.publish(first)
        self._metrics = registry(lambda: self._body.published)
        try:
            self._server = _Server((host, port), partial(_Handler, self))
        except (OSError, OverflowError) as exc:
            raise Unreachable(f"listening on {host}:{port}", str(exc), "choose another port") from exc
        threading.Thread(target=self._server.serve_forever, args=(0.1,), name="http", daemon=True).start()

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self._server.server_address[1])

    def publish(self, published: Published) -> None:
        """From now on serve this one."""
        self._body = _Body(published, f'"{self._start}-{published.report.seq}"', self._clock())

    def close(self) -> None:
        """Listen no more. Requests being answered are not waited for."""
        self._server.shutdown()
        self._server.server_close()

    # --- what the handler asks for ---------------------------------------------------------------------------------

    def report(self) -> _Body:
        """The newest report."""
        return self._body

    def metrics(self, accept: str) -> tuple[bytes, str]:
        """(the metrics, their content type), in the format a scraper asks for."""
        encode, content_type = choose_encoder(accept)
        return encode(self._metrics), content_type

    def trouble(self) -> str:
        """What is wrong with the observer itself; "" if nothing is."""
        silent_s = self._clock() - self._body.at_s
        return f"no tick for {silent_s:.0f} s" if silent_s > HEALTHY_S else ""


class _Body:
    """A report as it goes out; packed when it is first asked for, as often nobody does."""

    def __init__(self, published: Published, etag: str, at_s: float) -> None:
        self.published = published
        self.etag = etag
        self.at_s = at_s
        self._lock = threading.Lock()
        self._plain: bytes | None = None
        self._packed: bytes | None = None

    def plain(self) -> bytes:
        """JSON."""
        with self._lock:
            return self._make()

    def packed(self) -> bytes:
        """JSON, gzip'd."""
        with self._lock:
            if self._packed is None:
                self._packed = gzip.compress(self._make(), compresslevel=5, mtime=0)
            return self._packed

    def _make(self) -> bytes:
        if self._plain is None:
            self._plain = json.dumps(to_wire(self.published.report), separators=(",", ":")).encode()
        return self._plain


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        # A client that goes away while it is answered is no news; anything else belongs in the log, not on stderr.
        log.debug("answering %s", client_address, exc_info=True)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "kapture-observer"
    sys_version = ""
    timeout = IDLE_S

    def __init__(self, source: ReportServer, *args: Any) -> None:
        self._source = source
        super().__init__(*args)

    def do_GET(self) -> None:
        """Answer one request."""
        routes = {"/report": self._report, "/metrics": self._metrics, "/healthz": self._healthz}
        route = routes.get(self.path.partition("?")[0])
        if route is None:
            self._answer(HTTPStatus.NOT_FOUND, b"try /report, /metrics or /healthz\n")
        else:
            route()

    do_HEAD = do_GET

    def do_POST(self) -> None:
        """Take an order."""
        if self.path.partition("?")[0] != "/control" or self._source.give is None:
            self._refuse(HTTPStatus.NOT_FOUND, "try /control")
        else:
            try:
                body = self._body()
            except ValueError as exc:
                self._refuse(HTTPStatus.BAD_REQUEST, str(exc))
            else:
                self._control(body, self._source.give)

    def _body(self) -> bytes:
        """What was sent with the request; in chunks if it came through an API server. Raises ValueError."""
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            return b"".join(_chunks(self.rfile))
        return self.rfile.read(_length(self.headers.get("Content-Length", ""), 10))

    def _control(self, body: bytes, give: Callable[[Order], None]) -> None:
        try:
            give(_order(body))
        except (ValueError, UsageError) as exc:
            self._answer(HTTPStatus.BAD_REQUEST, f"{exc}\n".encode())
        except Unreachable as exc:
            self._answer(HTTPStatus.SERVICE_UNAVAILABLE, f"{exc}\n".encode())
        else:
            self._answer(HTTPStatus.NO_CONTENT, b"")

    def _refuse(self, status: HTTPStatus, why: str) -> None:
        # What was not read of the request would be taken for the next one.
        self.close_connection = True
        self._answer(status, f"{why}\n".encode(), headers={"Connection": "close"})

    def _report(self) -> None:
        body = self._source.report()
        headers = {"ETag": body.etag, "Cache-Control": "no-cache", "Vary": "Accept-Encoding"}
        if _matches(self.headers.get("If-None-Match", ""), body.etag):
            self._answer(HTTPStatus.NOT_MODIFIED, b"", "", headers)
        elif _accepts_gzip(self.headers.get("Accept-Encoding", "")):
            headers["Content-Encoding"] = "gzip"
            self._answer(HTTPStatus.OK, body.packed(), "application/json", headers)
        else:
            self._answer(HTTPStatus.OK, body.plain(), "application/json", headers)

    def _metrics(self) -> None:
        text, content_type = self._source.metrics(self.headers.get("Accept", ""))
        self._answer(HTTPStatus.OK, text, content_type)

    def _healthz(self) -> None:
        trouble = self._source.trouble()
        status = HTTPStatus.SERVICE_UNAVAILABLE if trouble else HTTPStatus.OK
        self._answer(status, f"{trouble or 'ok'}\n".encode())

    def _answer(
        self,
        status: HTTPStatus,
        body: bytes,
        content_type: str = "text/plain; charset=utf-8",
        headers: dict[str, str] | None = None,
    ) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        if status not in (HTTPStatus.NOT_MODIFIED, HTTPStatus.NO_CONTENT):
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Requests come once a second: not worth a line each."""


def _order(body: bytes) -> Order:
    """Raises ValueError, UsageError. A rate left out would mean as fast as possible, so nothing may be."""
    order = parse(body)
    if missing := {"rate", "paused"} - loads(body).keys():
        raise ValueError(f"{' and '.join(sorted(missing))} missing in the order")
    return order


def _length(text: str, base: int) -> int:
    length = int(text, base)  # raises ValueError
    if not 0 <= length <= ORDER_BYTES:
        raise ValueError(f"an order has {ORDER_BYTES} bytes at most")
    return length


def _chunks(stream: BufferedIOBase) -> Iterator[bytes]:
    """The chunks of a body (RFC 9112, 7.1), its trailer read too. Raises ValueError."""
    left = ORDER_BYTES
    while size := _length(stream.readline(100).partition(b";")[0].decode("ascii").strip(), 16):
        left -= size
        if left < 0:
            raise ValueError(f"an order has {ORDER_BYTES} bytes at most")
        yield stream.read(size)
        stream.readline(3)
    while stream.readline(1000).strip():
        pass


def _matches(if_none_match: str, etag: str) -> bool:
    """RFC 9110, 13.1.2: weak comparison with any of a list, or "*"."""
    tags = [tag.strip().removeprefix("W/") for tag in if_none_match.split(",")]
    return etag in tags or tags == ["*"]


def _accepts_gzip(accept_encoding: str) -> bool:
    """RFC 9110, 12.5.3, as far as it concerns gzip."""
    for part in accept_encoding.split(","):
        coding, _, weight = part.replace(" ", "").partition(";")
        if coding.lower() in ("gzip", "*"):
            return not weight.startswith("q=0") or weight.rstrip("0").rstrip(".") != "q="
    return False
