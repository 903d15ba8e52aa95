"""Bulk requests: many documents at once, and what became of each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from kapture_tui.workload.sinks.elasticsearch_client import Client, error_of

BODY_BYTES = 1 << 20
"""Where a request ends. A larger one would hardly be faster, and on a slow line it could not be sent in time."""

# An alias that is missing must not be made up by the server, as an index with a mapping it guessed. The answer is cut
# down to what is looked at: the whole of it would be as long as half the documents.
_PATH = (
    "/_bulk?require_alias=true&filter_path="
    "errors,items.*.status,items.*.error.type,items.*.error.reason,items.*.error.caused_by.reason"
)
_NUMBERS = ",items.*._seq_no,items.*._primary_term"


@dataclass(frozen=True, slots=True)
class Item:
    """What became of one action.

    Attributes:
        status: like an HTTP status: 201 stored, 409 there already (or by somebody else), 429 too busy.
        error: in words; "" without one.
        seq_no, primary_term: of what was stored, if they were asked for.
    """

    status: int
    error: str = ""
    seq_no: int = 0
    primary_term: int = 0

    @property
    def stored(self) -> bool:
        """Whether it was done."""
        return self.status < 300

    @property
    def exists(self) -> bool:
        """Whether there is such a document already, or not the version that was to be replaced."""
        return self.status == 409

    @property
    def malformed(self) -> bool:
        """Whether the document itself is what the server does not take. Everything else may be over later."""
        return self.status == 400


def send(client: Client, actions: Sequence[bytes], numbers: bool = False) -> Iterator[tuple[int, Item]]:
    """Send actions, in as many requests as it takes.

    Args:
        actions: each with its document, every line with its end.
        numbers: ask for the numbers by which a document's next version can be made conditional.

    Returns: (place of the action, what became of it), of those that need a look: all with `numbers`, else those
        that were not stored.
    Raises: Refused, Unreachable: as `Client.ask`; some of them may have been done.
    """
    path = _PATH + _NUMBERS if numbers else _PATH
    for start, body in _bodies(actions):
        answer = client.ask("POST", path, body)
        if numbers or answer["errors"]:
            for place, item in enumerate(map(_item, answer["items"]), start):
                if numbers or not item.stored:
                    yield place, item


def _bodies(actions: Sequence[bytes]) -> Iterator[tuple[int, bytes]]:
    """(place of the first action, the lines of a request)."""
    start = size = 0
    for place, action in enumerate(actions):
        if size and size + len(action) > BODY_BYTES:
            yield start, b"".join(actions[start:place])
            start, size = place, 0
        size += len(action)
    if size:
        yield start, b"".join(actions[start:])


def _item(wire: dict[str, dict[str, Any]]) -> Item:
    (told,) = wire.values()
    if "error" not in told:
        return Item(told["status"], "", told.get("_seq_no", 0), told.get("_primary_term", 0))
    return Item(told["status"], ": ".join(error_of(told)))


def first_error(items: Iterable[Item]) -> str:
    """The error of the first of these in words, and how many there are."""
    found = list(items)
    more = f", and {len(found) - 1} more like it" if len(found) > 1 else ""
    return f"{found[0].status} {found[0].error}{more}"
