"""The limit line: where the limit is now, or how much room is left."""

from __future__ import annotations

from collections.abc import Iterator

from kapture_tui.model.snapshot import Limit, Snapshot
from kapture_tui.tui.figures import DASH
from kapture_tui.tui.lines import Line, line
from kapture_tui.tui.text import clean, clip, width

ROWS = 1

_HEAD = " limit: "


def picture(snapshot: Snapshot, cells: int) -> Line:
    """Return the line for `cells` cells, without the evidence there is no room for; if nothing is known, why."""
    found, room = snapshot.limit, cells - len(_HEAD)
    if found is None:
        return line((_HEAD + clip(clean(snapshot.unavailable.get("limit", DASH)), room), "dim"))
    text = next((text for text in _shorter(found) if width(text) <= room), clip(_said(found), room))
    head, colon, evidence = text.partition(":")
    return line((_HEAD, "dim"), (head, "warn" if found.subject else "text"), (colon + evidence, "text"))


def _said(limit: Limit) -> str:
    """Return the sentence alone."""
    return clean(limit.text).partition(":")[0]


def _shorter(limit: Limit) -> Iterator[str]:
    """Yield the text, and then with one piece of evidence less each time."""
    yield clean(limit.text)
    texts = [clean(evidence.text) for evidence in limit.evidence]
    for number in range(len(texts) - 1, 0, -1):
        yield f"{_said(limit)}: {', '.join(texts[:number])}"
    yield _said(limit)
