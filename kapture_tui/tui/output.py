"""What goes to the terminal for an update: the cells that differ from what it shows, and nothing else.

Textual renders a changed region from the left edge of its widget, a new screen from the first cell to the last and
often twice, and resets the style after each segment: a figure at the right of a panel costs a whole row, each segment
some 40 bytes of colours, and a dialog that closes 30 kB. Over SSH that is most of the traffic.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import repeat

from rich.cells import get_character_cell_size
from rich.color import ColorSystem
from rich.console import Console
from rich.control import Control
from rich.style import Style
from textual._compositor import ChopsUpdate, CompositorUpdate, LayoutUpdate
from textual.strip import Strip

_RESET = "\x1b[0m"

_PLAIN = Style.null()

GAP = 4
"""Cells between two changes that are sent again rather than skipped: moving the cursor costs as much."""

Cell = tuple[str, Style]
"""A character and its style; the second cell of a wide character is the empty string."""

Piece = tuple[int, int, Strip]
"""Row, column, and what is drawn from there on."""


class Glass:
    """What the terminal shows, as far as we have drawn it."""

    def __init__(self) -> None:
        self._rows: dict[int, dict[int, Cell]] = {}

    def forget(self) -> None:
        """The terminal may show anything: it has another size, or somebody else has drawn on it."""
        self._rows.clear()

    def differing(self, pieces: Iterable[Piece]) -> Iterator[tuple[int, int, list[Cell]]]:
        """Draw pieces; return row, column and cells of every run that the terminal does not show yet."""
        for y, x, strip in pieces:
            row = self._rows.setdefault(y, {})
            cells = list(_cells(strip))
            changed = [i for i, cell in enumerate(cells) if row.get(x + i) != cell]
            for start, stop in _runs(changed, cells):
                yield y, x + start, cells[start:stop]
            row.update(zip(range(x, x + len(cells)), cells, strict=False))


class TightUpdate(CompositorUpdate):
    """An update in fewer bytes: only cells that differ, and colours when they change."""

    def __init__(self, update: ChopsUpdate | LayoutUpdate, glass: Glass) -> None:
        self._update = update
        self._glass = glass

    def render_segments(self, console: Console) -> str:
        """Return the bytes for the terminal. Colours are as they were after a reset, before and after."""
        pen = Pen(getattr(console, "_color_system", None) or ColorSystem.TRUECOLOR)
        pieces = (
            _of_chops(self._update) if isinstance(self._update, ChopsUpdate) else _of_layout(self._update)
        )
        return "".join(_drawn(self._glass.differing(pieces), pen)) + pen.rest()


def _drawn(runs: Iterable[tuple[int, int, list[Cell]]], pen: Pen) -> Iterator[str]:
    for y, x, cells in runs:
        yield str(Control.move_to(x, y).segment.text)
        yield pen.write(cells)


def _of_chops(update: ChopsUpdate) -> Iterator[Piece]:
    for y, x1, x2 in update.spans:
        row, ends = update.chops[y], update.chop_ends[y]
        for end, (x, strip) in zip(ends, row.items(), strict=False):
            start, stop = max(x, x1), min(end, x2)
            if strip is not None and start < stop:
                yield y, start, strip.crop(start - x, stop - x)


def _of_layout(update: LayoutUpdate) -> Iterator[Piece]:
    for y, strips in enumerate(update.strips, update.region.y):
        x = update.region.x
        for strip in strips:
            yield y, x, strip
            x += strip.cell_length


def _cells(strip: Strip) -> Iterator[Cell]:
    for text, style, control in strip:
        if control:
            continue
        style = style or _PLAIN
        if text.isascii():
            yield from zip(text, repeat(style))
            continue
        for char in text:
            yield char, style
            yield from repeat(("", style), get_character_cell_size(char) - 1)


def _runs(changed: list[int], cells: list[Cell]) -> list[tuple[int, int]]:
    """Return the ranges in which cells have changed; close ones are one, if what is between has their style."""
    runs: list[tuple[int, int]] = []
    for x in changed:
        # The second half of a wide character cannot be sent alone, nor the first.
        start = x - 1 if cells[x][0] == "" and x else x
        stop = x + 2 if x + 1 < len(cells) and cells[x + 1][0] == "" else x + 1
        if runs and _worth_merging(cells, runs[-1][1], start):
            start = runs.pop()[0]
        runs.append((start, stop))
    return runs


def _worth_merging(cells: list[Cell], stop: int, start: int) -> bool:
    if start <= stop:
        return True
    return start - stop <= GAP and len({style for _, style in cells[stop - 1 : start + 1]}) == 1


class Pen:
    """Knows which style the terminal is writing in, and switches to another in few bytes."""

    def __init__(self, colors: ColorSystem) -> None:
        self._colors = colors
        self._style: Style | None = None
        self._last: Style | None = None

    def write(self, cells: Iterable[Cell]) -> str:
        """Return text and style changes for some cells."""
        parts: list[str] = []
        for char, style in cells:
            if style is not self._last:
                parts.append(self._switch(style))
                self._last = style
            parts.append(char)
        return "".join(parts)

    def rest(self) -> str:
        """Return what puts the terminal back to its own colours."""
        dirty, self._style, self._last = self._style is not None, None, None
        return _RESET if dirty else ""

    def _switch(self, style: Style) -> str:
        before, plain = self._style, not self._whole(style)
        if before == style or (before is None and plain):
            return ""
        self._style = None if plain else style
        if (
            plain
            or before is None
            or _attributes(before) != _attributes(style)
            or _loses_color(before, style)
        ):
            return f"{_RESET if before is not None else ''}{self._whole(style)}"
        codes = [
            *(self._codes(style, True) if style.color != before.color else ()),
            *(self._codes(style, False) if style.bgcolor != before.bgcolor else ()),
        ]
        return f"\x1b[{';'.join(codes)}m" if codes else ""

    def _whole(self, style: Style) -> str:
        codes = Strip.render_ansi(style, self._colors)
        return f"\x1b[{codes}m" if codes else ""

    def _codes(self, style: Style, foreground: bool) -> tuple[str, ...]:
        color = style.color if foreground else style.bgcolor
        return color.downgrade(self._colors).get_ansi_codes(foreground) if color is not None else ()


def _attributes(style: Style) -> int:
    return style._attributes & style._set_attributes


def _loses_color(before: Style, after: Style) -> bool:
    return (before.color is not None and after.color is None) or (
        before.bgcolor is not None and after.bgcolor is None
    )
