"""What a supervisor is asked and how it answers: one JSON line a request, JSON lines back, the last one done or error.

A connection carries one request. Replies are objects with one key: "event", "observation", "error", or "done" with what
is left, in words.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from kapture_tui.model import errors
from kapture_tui.model.errors import KaptureError, UsageError
from kapture_tui.model.spec import Component, StackSpec
from kapture_tui.model.wire import WireError, from_wire, to_wire

MAX_LINE_BYTES = 16 * 1024 * 1024
"""A reply is a hundred kilobytes at most; a peer that sends more without a line end is none of ours."""


@dataclass(frozen=True, slots=True)
class Deploy:
    """Start the stack, or add to the running one the components it lacks. Answers with events.

    Attributes:
        brokers: how many there are, if they are elsewhere.
    """

    spec: StackSpec
    brokers: int = 1


@dataclass(frozen=True, slots=True)
class Observe:
    """Answers with an observation a second until the connection closes. Counts as somebody who is there."""


@dataclass(frozen=True, slots=True)
class Scale:
    """Set a component's number of replicas."""

    component: Component
    replicas: int


@dataclass(frozen=True, slots=True)
class Restart:
    """Stop each pod of a component in order and start it anew."""

    component: Component


@dataclass(frozen=True, slots=True)
class Kill:
    """SIGKILL one pod."""

    pod: str


@dataclass(frozen=True, slots=True)
class Control:
    """The loaders' rate (None: unbounded) and whether they pause."""

    rate: float | None
    paused: bool


@dataclass(frozen=True, slots=True)
class Destroy:
    """Remove everything, the supervisor included. Answers with events."""


Request = Deploy | Observe | Scale | Restart | Kill | Control | Destroy

_KINDS: dict[str, type[Any]] = {
    kind.__name__.lower(): kind for kind in (Deploy, Observe, Scale, Restart, Kill, Control, Destroy)
}
_ERRORS: dict[str, type[KaptureError]] = {
    kind.__name__: kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, KaptureError)
}


def encode(request: Request) -> bytes:
    """The request as one line."""
    return line({"ask": type(request).__name__.lower(), **to_wire(request)})


def decode(text: bytes) -> Request:
    """The request of a line. Raises UsageError if it is none."""
    try:
        value = json.loads(text)
        kind = _KINDS[value["ask"]]
        request: Request = from_wire(kind, value)
    except (ValueError, KeyError, TypeError, WireError) as exc:
        cause = f"{type(exc).__name__}: {exc}"
        raise UsageError("reading a request", cause, "use the same release on both sides") from exc
    return request


def line(value: Any) -> bytes:
    """A JSON value as one line."""
    return json.dumps(value, separators=(",", ":")).encode() + b"\n"


def error_to_wire(error: KaptureError) -> dict[str, str]:
    """An error as a JSON value; one of a class that is not in the tree becomes its nearest ancestor that is."""
    kind = next(kind for kind in type(error).__mro__ if _ERRORS.get(kind.__name__) is kind)
    return {"kind": kind.__name__, "doing": error.doing, "cause": error.cause, "remedy": error.remedy}


def error_from_wire(value: dict[str, str]) -> KaptureError:
    """The error that a JSON value stands for."""
    kind = _ERRORS.get(value.get("kind", ""), KaptureError)
    return kind(value.get("doing", "asking the supervisor"), value.get("cause", ""), value.get("remedy", ""))
