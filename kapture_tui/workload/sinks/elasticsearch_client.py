"""Requests to Elasticsearch or OpenSearch: JSON over HTTP, by the transport of Elasticsearch's official client.

The client on top of it would check the product and refuse OpenSearch; what is asked here is alike in both.
"""

from __future__ import annotations

import logging
import ssl
from collections.abc import Mapping
from typing import Any, Protocol
from urllib.parse import urlsplit

from elastic_transport import JsonSerializer, Transport, TransportError
from elastic_transport.client_utils import url_to_node_config

from kapture_tui.model.errors import KaptureError, Unreachable, UsageError
from kapture_tui.workload.fastjson import dumps, loads

# It has a line for every request, and one for every node that is away; what matters is raised here.
logging.getLogger("elastic_transport").setLevel(logging.ERROR)

ANSWER_S = 30.0
"""How long a request may take, seconds: a bulk that waits for a shard to come back is no failure yet."""


class Refused(KaptureError):
    """The server answered, with an error.

    Attributes:
        status: the HTTP status.
        kind: the server's name of the error: "index_not_found_exception"; "" if it gave none.
    """

    def __init__(self, doing: str, status: int, kind: str, reason: str) -> None:
        super().__init__(doing, f"{status} {kind}: {reason}" if kind else f"status {status}")
        self.status = status
        self.kind = kind


class Client(Protocol):
    """What sink and observer need of a server."""

    def ask(self, method: str, path: str, body: Mapping[str, Any] | bytes | None = None) -> Any:
        """Send a request; its answer.

        Args: body: an object, or the lines of a bulk request.
        Raises:
            Refused: the answer is an error.
            Unreachable: there was none, or it is no JSON; what was asked for may have been done.
        """
        ...

    def close(self) -> None:
        """Let go of the connections."""
        ...


class HttpClient:
    """See `Client`. Connects when it is first asked. Raises UsageError for a URL that is none."""

    def __init__(self, url: str, answer_s: float = ANSWER_S) -> None:
        self._shown_url = without_password(url)
        try:
            node = url_to_node_config(url, use_default_ports_for_scheme=True)
            if node.scheme not in ("http", "https"):
                raise ValueError(f"{node.scheme}: is not spoken")
        except ValueError:
            raise UsageError(
                f"Elasticsearch at {self._shown_url}",
                "the URL is not valid",
                "write it like http://HOST:9200 or https://USER:PASSWORD@HOST:9200",
            ) from None
        # What the system trusts, which SSL_CERT_FILE extends; the transport would know public authorities only.
        trust = ssl.create_default_context() if node.scheme == "https" else None
        self._transport = Transport(
            [node.replace(request_timeout=answer_s, ssl_context=trust)],
            serializers={"application/json": _Json()},
            max_retries=0,  # the consume loop tries again, and knows when to stop
            meta_header=False,
        )

    def ask(self, method: str, path: str, body: Mapping[str, Any] | bytes | None = None) -> Any:
        """See `Client`."""
        kind = "x-ndjson" if isinstance(body, bytes) else "json"
        headers = {"accept": "application/json", "content-type": f"application/{kind}"}
        doing = f"{method} {path.partition('?')[0]} ({self._shown_url})"
        try:
            meta, answer = self._transport.perform_request(method, path, body=body, headers=headers)
        except TransportError as exc:
            raise Unreachable(doing, f"{type(exc).__name__}: {exc.message}") from None
        if meta.status >= 300:
            raise Refused(doing, meta.status, *error_of(answer))
        return answer

    def close(self) -> None:
        """See `Client`."""
        self._transport.close()


def error_of(answer: Any) -> tuple[str, str]:
    """(kind, reason) from an answer or an item of one; both "" where it says nothing that is known."""
    error = answer.get("error") if isinstance(answer, Mapping) else None
    if not isinstance(error, Mapping):
        return "", ""
    cause = error.get("caused_by")
    why = f"; {cause.get('reason')}" if isinstance(cause, Mapping) else ""
    return str(error.get("type") or ""), f"{error.get('reason')}{why}"


def without_password(url: str) -> str:
    """A URL that may be shown."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "the URL given"
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="").geturl()


class _Json(JsonSerializer):
    """The transport's own reads with the standard library."""

    def json_dumps(self, data: Any) -> bytes:
        return dumps(data)

    def json_loads(self, data: bytes) -> Any:
        return loads(data)
