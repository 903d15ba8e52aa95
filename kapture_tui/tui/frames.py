"""What is drawn around a panel's rows: a box, or a rule above that saves a row and two columns."""

from __future__ import annotations

import re
from collections.abc import Sequence

from kapture_tui.tui.lines import Line, Span, crop, fit, line_width
from kapture_tui.tui.picture import Picture

BOX_CELLS, RULE_CELLS = 4, 2
"""Cells that a frame and the blank inside it take from a row."""


def box(picture: Picture, body: Sequence[Line], place: Line, cells: int, rows: int, role: str) -> list[Line]:
    """Return a body in a box of that size.

    Args:
        body: lines of `cells` - `BOX_CELLS` cells.
        place: the scroll position; empty when everything is visible.
        role: of the frame.
    """
    side = ("│", role)
    blank = fit((), cells - BOX_CELLS)
    middle = [
        (side, (" ", "text"), *(body[y] if y < len(body) else blank), (" ", "text"), side)
        for y in range(rows - 2)
    ]
    top = _rule(cells, ("╭─", "─╮"), picture.title, picture.extra, role)
    return [top, *middle, _rule(cells, ("╰─", "─╯"), picture.foot, place, role)]


def under_rule(picture: Picture, body: Sequence[Line], place: Line, cells: int, role: str) -> list[Line]:
    """Return a body under a rule. See `box`; the body's lines have `cells` - `RULE_CELLS` cells."""
    return [_headed_rule(picture, place, cells, role), *(((" ", "text"), *row) for row in body)]


def _rule(cells: int, ends: tuple[str, str], left: Line, right: Line, role: str) -> Line:
    start, end = ends
    room = cells - len(start) - len(end)
    if left:
        left = ((" ", role), *crop(left, 0, room - 2), (" ", role))
    if right:
        right = ((" ", role), *_in_whole_words(right, max(0, room - line_width(left) - 3)), (" ", role))
    blank = room - line_width(left) - line_width(right)
    return ((start, role), *left, ("─" * blank, role), *right, (end, role))


def _in_whole_words(spans: Line, cells: int) -> Line:
    """Return a line cut where two blanks part what it says, so that no half of a word or figure is left."""
    if line_width(spans) <= cells:
        return spans
    told = "".join(text for text, _ in crop(spans, 0, cells + 2))
    return crop(spans, 0, told.rfind("  ") if "  " in told else cells)


def _headed_rule(picture: Picture, place: Line, cells: int, role: str) -> Line:
    """Return the rule above a panel without a box; column headings stand in it, to save their row."""
    if not picture.heading:
        return _rule(cells, ("─", "─"), picture.title, _joined(picture.extra, place, role), role)
    used = line_width(picture.title) + 2
    heading = _from_a_word(crop(fit((("─", role), *picture.heading[0]), cells), used - 1, cells))
    drawn = (("─ ", role), *picture.title, *_dashed(heading, role))
    tail = _tail(_joined(picture.extra, place, role), role)
    if any(text.strip("─ ") for text, _ in crop(drawn, cells - line_width(tail), cells)):
        # Column headings are worth more than sums, and less than knowing that there is more to see.
        tail = _tail(place, role)
    return (*crop(drawn, 0, cells - line_width(tail)), *tail)


def _from_a_word(spans: Line) -> Line:
    """Return a line without its first cell, and with what that cuts off a word blanked."""
    text = "".join(part for part, _ in spans)
    cut = max(1, 0 if text[:1] in " ─" else len(text.partition(" ")[0]))
    return ((" " * (cut - 1), "dim"), *crop(spans, cut, line_width(spans)))


def _joined(extra: Line, place: Line, role: str) -> Line:
    return (*extra, ("  ", role), *place) if extra and place else extra or place


def _tail(spans: Line, role: str) -> Line:
    return ((" ", role), *spans, (" ", role), ("─", role)) if spans else ()


def _dashed(spans: Line, role: str) -> Line:
    """Return a line with its wider blanks drawn as a rule, and a blank before whatever it begins with."""
    drawn: list[Span] = []
    for text, own in spans:
        for word in re.split(r"(  +)", text):
            drawn.append((f" {'─' * (len(word) - 2)} ", role) if word.startswith("  ") else (word, own))
    parts = tuple(span for span in drawn if span[0])
    return parts if parts and parts[0][0].startswith(" ") else ((" ", role), *parts)
