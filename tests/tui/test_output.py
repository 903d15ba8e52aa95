"""What goes to the terminal: fewer bytes, and the same screen."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st
from rich.color import ColorSystem
from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from textual._compositor import ChopsUpdate, LayoutUpdate
from textual.geometry import Region
from textual.strip import Strip

from kapture_tui.tui.output import Glass, Pen, TightUpdate, _cells

STYLES = st.sampled_from(
    [
        Style(color="#d5dae3", bgcolor="#11151c"),
        Style(color="#ff7a7a", bgcolor="#11151c", bold=True),
        Style(color="#8e98a9", bgcolor="#24364d"),
        Style(reverse=True),
        Style(dim=True),
        Style(color="#d5dae3"),
        Style(),
    ]
)
STRIPS = st.lists(
    st.tuples(st.text(st.sampled_from("ab漢▂ "), min_size=1, max_size=5), STYLES), max_size=6
).map(lambda parts: Strip([Segment(text, style) for text, style in parts]))

Cell = tuple[str, frozenset[str], str, str]


class Screen:
    """Just enough of a terminal: moves, colours and attributes, one cell after the other."""

    def __init__(self) -> None:
        self.cells: dict[tuple[int, int], Cell] = {}
        self._at = (0, 0)
        self._attributes: frozenset[str] = frozenset()
        self._colors = {"38": "", "48": ""}

    def feed(self, data: str) -> None:
        for codes, row, column, text in re.findall(r"\x1b\[([\d;]*)m|\x1b\[(\d+);(\d+)H|([^\x1b\n]+)", data):
            if text:
                self._write(text)
            elif row:
                self._at = (int(row) - 1, int(column) - 1)
            else:
                self._style(codes.split(";"))

    def _write(self, text: str) -> None:
        for char in text:
            row, column = self._at
            width = 2 if char == "漢" else 1
            cell = (char, self._attributes, self._colors["38"], self._colors["48"])
            for half in range(width):
                self.cells[row, column + half] = cell
            self._at = (row, column + width)

    def _style(self, codes: list[str]) -> None:
        while codes:
            code = codes.pop(0)
            if code in ("", "0"):
                self._attributes, self._colors = frozenset(), {"38": "", "48": ""}
            elif code in self._colors:
                self._colors = {**self._colors, code: ";".join(codes[:4])}
                del codes[:4]
            else:
                self._attributes |= {code}


@given(st.lists(STRIPS, max_size=6))
def test_a_pen_draws_the_same_in_no_more_bytes_and_leaves_no_colour_behind(strips: list[Strip]) -> None:
    console = Console(color_system="truecolor", force_terminal=True, legacy_windows=False)
    pen = Pen(ColorSystem.TRUECOLOR)
    tight = "".join(pen.write(list(_cells(strip))) for strip in strips) + pen.rest()
    plain = "".join(strip.render(console) for strip in strips)
    one, other = Screen(), Screen()
    one.feed(tight)
    other.feed(plain)
    assert one.cells == other.cells
    assert (one._attributes, one._colors) == (frozenset(), {"38": "", "48": ""})
    assert len(tight) <= len(plain)


CONSOLE = Console(color_system="truecolor", force_terminal=True, legacy_windows=False)


def sent(update: ChopsUpdate | LayoutUpdate, glass: Glass) -> str:
    return TightUpdate(update, glass).render_segments(CONSOLE)


def test_only_the_changed_cells_of_a_row_are_sent() -> None:
    style = Style(color="#d5dae3", bgcolor="#11151c")
    row = Strip([Segment("a figure: 12 and 34", style)])
    update = ChopsUpdate([{0: row}], [(0, 10, 12)], [[len(row.text)]])
    tight = sent(update, Glass())
    assert re.sub(r"\x1b\[[\d;]*m", "", tight) == "\x1b[1;11H12"
    assert len(tight) < len(update.render_segments(CONSOLE))


PAGES = st.lists(STRIPS.map(lambda strip: strip.adjust_cell_length(12)), min_size=3, max_size=3)


@given(st.lists(PAGES, min_size=1, max_size=5))
def test_a_terminal_shows_the_last_page_whatever_it_showed_before(pages: list[list[Strip]]) -> None:
    one, other, glass = Screen(), Screen(), Glass()
    for page in pages:
        update = LayoutUpdate([[strip] for strip in page], Region(0, 0, 12, 3))
        one.feed(sent(update, glass))
        assert sent(update, glass) == ""
        other = Screen()
        other.feed(update.render_segments(CONSOLE))
    assert {at: cell for at, cell in one.cells.items() if at in other.cells} == other.cells


def test_what_the_terminal_shows_is_not_sent_again_until_it_is_forgotten() -> None:
    update = LayoutUpdate([[Strip([Segment("a figure: 12")])]], Region(0, 0, 12, 1))
    other = LayoutUpdate([[Strip([Segment("a figure: 34")])]], Region(0, 0, 12, 1))
    glass = Glass()
    assert sent(update, glass) == "\x1b[1;1Ha figure: 12"
    assert sent(other, glass) == "\x1b[1;11H34"
    glass.forget()
    assert sent(other, glass) == "\x1b[1;1Ha figure: 34"
