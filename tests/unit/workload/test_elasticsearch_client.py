"""Requests over real HTTP, to a server that says what the test wants."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from kapture_tui.model.errors import Unreachable, UsageError
from kapture_tui.workload.sinks.elasticsearch_client import HttpClient, Refused


class Says(BaseHTTPRequestHandler):
    """Answers (status, type, body) as its server was told, and keeps what it was asked."""

    def do_POST(self) -> None:
        length = int(self.headers.get("content-length", 0))
        self.server.seen.append((self.path, dict(self.headers), self.rfile.read(length)))  # type: ignore[attr-defined]
        status, kind, body = self.server.answer  # type: ignore[attr-defined]
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Nobody reads it."""


@pytest.fixture
def server() -> Iterator[ThreadingHTTPServer]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Says)
    server.seen = []  # type: ignore[attr-defined]
    server.answer = 200, "application/json", b"{}"  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def client_of(server: ThreadingHTTPServer, auth: str = "") -> HttpClient:
    return HttpClient(f"http://{auth}127.0.0.1:{server.server_port}/below", answer_s=30)


def test_lines_and_objects_go_out_as_what_they_are(server: ThreadingHTTPServer) -> None:
    client = client_of(server, "user:pass%20word@")
    client.ask("POST", "/_bulk", b'{"a":1}\n')
    client.ask("POST", "/x", {"b": [2]})
    client.close()
    (path, headers, lines), (_, other, value) = server.seen  # type: ignore[attr-defined]
    assert (path, lines, headers["content-type"]) == ("/below/_bulk", b'{"a":1}\n', "application/x-ndjson")
    assert (value, other["content-type"]) == (b'{"b":[2]}', "application/json")
    assert headers["authorization"] == "Basic dXNlcjpwYXNzIHdvcmQ="


def test_an_error_has_its_status_kind_and_reason(server: ThreadingHTTPServer) -> None:
    body = (
        b'{"error":{"type":"es_rejected_execution_exception","reason":"full","caused_by":{"reason":"heap"}}}'
    )
    server.answer = 429, "application/json", body  # type: ignore[attr-defined]
    with pytest.raises(Refused, match=r"429 es_rejected_execution_exception: full; heap") as refused:
        client_of(server).ask("POST", "/_bulk", b"{}\n")
    assert (refused.value.status, refused.value.kind) == (429, "es_rejected_execution_exception")
    assert len(server.seen) == 1  # type: ignore[attr-defined]  # it is not for the transport to try again


@pytest.mark.parametrize("kind", ["text/html", "application/json"])
def test_what_is_no_json_is_no_answer(server: ThreadingHTTPServer, kind: str) -> None:
    server.answer = 502, kind, b"<html>bad gateway"  # type: ignore[attr-defined]
    with pytest.raises((Unreachable, Refused)):
        client_of(server).ask("POST", "/x")


def test_a_password_is_in_no_message() -> None:
    with pytest.raises(Unreachable) as gone:
        HttpClient("http://user:secret@127.0.0.1:9").ask("GET", "/")
    assert "secret" not in str(gone.value)
    assert "http://127.0.0.1:9" in str(gone.value)


@pytest.mark.parametrize(
    "url", ["", "localhost:9200", "ftp://user:secret@host:1", "http://[x", "http://:secret@"]
)
def test_a_url_that_is_none_is_refused_with_the_form_it_should_have(url: str) -> None:
    with pytest.raises(UsageError, match="HOST:9200") as refused:
        HttpClient(url)
    assert "secret" not in str(refused.value)
