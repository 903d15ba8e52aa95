"""Lines of cells: what panels draw, independent of any toolkit, and which cells differ between two of them."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby, repeat

from rich.cells import get_character_cell_size

from kapture_tui.tui.text import clean, width

Span = tuple[str, str]
"""Text and its role: a name in the theme ("text", "dim", "trouble", …); an appended "!" means selected."""

Line = tuple[Span, ...]

MERGE_GAP = 6
"""Unchanged cells between two changes that are sent again rather than skipped: moving the cursor costs as much."""


def line(*parts: str | Span) -> Line:
    """Return a line of spans; a bare string has the role "text"; text from outside is made harmless here."""
    spans = ((part, "text") if isinstance(part, str) else part for part in parts)
    return tuple((clean(text), role) for text, role in spans if text)


def line_width(spans: Line) -> int:
    """Return the cells a line takes."""
    return sum(width(text) for text, _ in spans)


def fit(spans: Line, cells: int, role: str = "text") -> Line:
    """Return the line in exactly `cells` cells: cut, or filled with blanks of a role."""
    missing = cells - line_width(spans)
    if missing == 0:
        return spans
    if missing > 0:
        return (*spans, (" " * missing, role))
    return crop(spans, 0, cells)


def crop(spans: Line, start: int, stop: int) -> Line:
    """Return the cells from `start` up to `stop`; half a wide character becomes a blank."""
    return _spans(_cells(spans)[start:stop])


def select(spans: Line, start: int, cells: int) -> Line:
    """Return the line with `cells` cells from `start` on marked as selected."""
    chosen = range(start, start + cells)
    return _spans(
        [
            (char, f"{role.rstrip('!')}!" if x in chosen else role)
            for x, (char, role) in enumerate(_cells(spans))
        ]
    )


def quiet(spans: Line) -> Line:
    """Return the line without its colours; what is selected stays so."""
    return tuple((text, "dim!" if role.endswith("!") else "dim") for text, role in spans)


def changes(old: Line, new: Line) -> list[tuple[int, int]]:
    """Return the cell ranges `(start, stop)` in which two lines of equal width differ.

    Ranges that are close are merged, unless there is another role between them: a change of colour costs 20 bytes.
    """
    if old == new:
        return []
    before, after = _cells(old), _cells(new)
    ranges: list[tuple[int, int]] = []
    for x in (x for x, pair in enumerate(zip(before, after, strict=True)) if pair[0] != pair[1]):
        # The second half of a wide character cannot be sent alone.
        start, stop = (x - 1 if after[x][0] == "" else x), x + 1
        if ranges and _worth_merging(after, ranges[-1][1], start):
            start = ranges.pop()[0]
        ranges.append((start, stop))
    return ranges


def _worth_merging(cells: list[Span], stop: int, start: int) -> bool:
    roles = {role for _, role in cells[max(0, stop - 1) : start + 1]}
    return start <= stop or (start - stop <= MERGE_GAP and len(roles) == 1)


def _cells(spans: Line) -> list[Span]:
    """Return one entry a cell; the second cell of a wide character is the empty string."""
    cells: list[Span] = []
    for text, role in spans:
        if width(text) == len(text):
            cells.extend(zip(text, repeat(role)))
            continue
        for char in text:
            cells.append((char, role))
            cells.extend([("", role)] * (get_character_cell_size(char) - 1))
    return cells


def _spans(cells: Iterable[Span]) -> Line:
    cells = list(cells)
    for x, (char, role) in enumerate(cells):
        whole = x + 1 < len(cells) and cells[x + 1][0] == ""
        halved = get_character_cell_size(char) == 2 and not whole if char else x == 0
        if halved:
            cells[x] = (" ", role)
    return tuple(
        ("".join(char for char, _ in run), role) for role, run in groupby(cells, key=lambda cell: cell[1])
    )
