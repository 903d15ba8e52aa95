"""What an API server, or the way to it, can answer instead of what was asked for.

KaptureError
├── ApiError       the server refused: a status of 400 and above
├── NotAllowed
│   └── Forbidden  403 by the rights of the user: the verb and the resource are named
└── Unreachable    no connection, no answer in time, or no Kubernetes behind the address
"""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Any

import orjson

from kapture_tui.model.errors import KaptureError, NotAllowed, Unreachable

MESSAGE_CHARACTERS = 600

# Written by the RBAC authorizer; an admission plugin that refuses names no user.
_DENIED = re.compile(
    r'User "(?P<user>[^"]*)" cannot (?P<verb>\S+) (?:resource|path) "(?P<resource>[^"]*)"'
    r'(?: in API group "(?P<group>[^"]*)")?(?: in the namespace "(?P<namespace>[^"]*)")?'
)
_ADMISSION = re.compile(
    r"is forbidden: (?!User )|because it is being terminated|violates PodSecurity|exceeded quota"
)
_PASSING = (429, 500, 502, 503, 504)
_AGAIN = "try again in a moment"
_VERBS = {
    "GET": "reading",
    "POST": "creating",
    "PUT": "replacing",
    "PATCH": "changing",
    "DELETE": "removing",
    "WATCH": "watching",
}


class ApiError(KaptureError):
    """The API server refused a request.

    Attributes:
        status: of the answer: 404, 409, 422, … 403 only when admission (a quota, Pod Security, a namespace that ends)
            refused it and not the rights of the user, see Forbidden.
        reason: one word for programs ("NotFound", "AlreadyExists", "Conflict", "Expired"); "" if there was none.
        message: what the server said.
        details: of the answer's Status; {} if there were none.
    """

    def __init__(
        self,
        doing: str,
        status: int,
        reason: str = "",
        message: str = "",
        remedy: str = "",
        details: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(doing, f"{status} {reason}".strip() + (f": {message}" if message else ""), remedy)
        self.status = status
        self.reason = reason
        self.message = message
        self.details = details or {}


class Forbidden(NotAllowed):
    """The user's rights do not cover the request.

    Attributes:
        verb, resource, group, namespace: of the missing right, as far as the server named them, else "".
        message: what the server said.
    """

    status = 403
    reason = "Forbidden"

    def __init__(self, doing: str, message: str) -> None:
        found = _DENIED.search(message)
        part = {key: value or "" for key, value in (found.groupdict() if found else {}).items()}
        self.verb, self.resource = part.get("verb", ""), part.get("resource", "")
        self.group, self.namespace = part.get("group", ""), part.get("namespace", "")
        self.message = message
        what = f"{self.verb} {self.resource}" if found else ""
        where = f" in {self.namespace}" if self.namespace else " in the whole cluster" if found else ""
        cause = f"user {part['user']!r} may not {what}{where}" if found else message
        super().__init__(doing, cause, "ask for this right; manifests/rbac has a Role that is enough")


def printable(text: str, limit: int = MESSAGE_CHARACTERS) -> str:
    """Text from outside on one line, without what would act on a terminal, at most `limit` characters long."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def describe(method: str, path: str) -> str:
    """A request in words, for the head of an error: "reading pods/kafka-0/log in pets"."""
    verb = _VERBS.get(method, method)
    parts = path.split("?")[0].strip("/").split("/")
    rest = parts[2:] if parts[0] == "api" else parts[3:]
    if rest[:1] == ["namespaces"] and len(rest) > 2:
        return f"{verb} {'/'.join(rest[2:])} in {rest[1]}"
    return f"{verb} {'/'.join(rest) or path}"


def refusal(doing: str, server: str, status: int, content_type: str, body: bytes) -> KaptureError:
    """The error for an answer of status 400 and above, which is not 401.

    Returns: Forbidden, ApiError, or Unreachable when the answer is no API server's or says that it is not serving.
    """
    answer = _status(body)
    if answer is None:
        if not content_type.startswith("text/html"):
            return _bare_refusal(doing, status, printable(body.decode("utf-8", "replace")))
        return not_kubernetes(server, f"{status} with a page of HTML")
    message = printable(str(answer.get("message") or ""))
    if status == 403 and not _ADMISSION.search(message):
        return Forbidden(doing, message or "403 without a reason")
    details = answer.get("details")
    return ApiError(
        doing,
        status,
        printable(str(answer.get("reason") or ""), 60),
        message,
        _AGAIN if status in _PASSING else "",
        details if isinstance(details, dict) else None,
    )


def not_kubernetes(server: str, cause: str) -> Unreachable:
    """What answers at the server's address is something else."""
    return Unreachable(
        f"talking to {server}",
        f"not a Kubernetes API server: {cause}",
        "check the server's address in the kubeconfig, and the proxy or login page in between",
    )


def _bare_refusal(doing: str, status: int, text: str) -> KaptureError:
    """For an answer without a Status: of a path nobody serves, of a proxied service, of something in between."""
    if status == 403:
        return Forbidden(doing, text or "403 without a reason")
    reason = HTTPStatus(status).phrase.title().replace(" ", "") if status in set(HTTPStatus) else ""
    return ApiError(doing, status, reason, text, _AGAIN if status in _PASSING else "")


def _status(body: bytes) -> dict[str, Any] | None:
    """The Status object in an answer; None if it is something else."""
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    return answer if isinstance(answer, dict) and answer.get("kind") == "Status" else None
