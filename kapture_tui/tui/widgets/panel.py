"""A framed canvas with rows that scroll and places that can be selected."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import replace

from textual.events import Click, MouseScrollDown, MouseScrollUp

from kapture_tui.tui.frames import BOX_CELLS, RULE_CELLS, box, under_rule
from kapture_tui.tui.lines import Line, crop, fit, line, select
from kapture_tui.tui.picture import Picture, Spot
from kapture_tui.tui.table import PLAIN, View
from kapture_tui.tui.widgets.canvas import Canvas

Drawer = Callable[[int, int], Picture]
"""From the cells and rows inside a frame to the picture."""

_NOTHING = Picture(title=())

_FEW = 256
"""So many spots are looked through; more are searched by their rows."""


class Panel(Canvas, can_focus=True):
    """Shows a picture. The selection is anchored by key: it stays on the same thing wherever that is drawn.

    Attributes:
        boxed: a frame all around; otherwise only a rule above, which saves a row and two columns.
        selected: key of the selected spot; None when the picture has none.
        view: which rows a person wants to see, and in which order; the drawer heeds it.
        columns: what the rows can be sorted by.
        shortcut: the key that leads here; "" for none.
    """

    def __init__(self, id: str, drawer: Drawer = lambda cells, rows: _NOTHING, boxed: bool = True) -> None:
        super().__init__(id=id)
        self.boxed = boxed
        self.selected: str | None = None
        self.view = PLAIN
        self.columns: Sequence[str] = ()
        self.shortcut = ""
        self._drawer = drawer
        self._picture = _NOTHING
        self._top = 0
        self._last_row = 0

    def show(self, drawer: Drawer) -> None:
        """Draw something else from now on."""
        self._drawer = drawer
        self.redraw()

    def set_boxed(self, boxed: bool) -> None:
        """Change the kind of frame."""
        if boxed != self.boxed:
            self.boxed = boxed
            self.redraw()

    def move(self, where: str) -> bool:
        """Move the selection, or scroll what has none; return whether there was anything to move to.

        Args:
            where: up, down, left, right, page_up, page_down, first, last, next or previous.
        """
        if not self._picture.spots:
            return self._scroll(where)
        spot = _target(self._picture.spots, self._current(), where, self._page())
        if spot is None:
            return False
        self.select(spot.key)
        return True

    def select(self, key: str) -> None:
        """Select a key and bring it into view."""
        self.selected = key
        self._reveal()
        self.redraw()

    def scroll_rows(self, rows: int) -> None:
        """Scroll without moving the selection."""
        self._top = max(0, min(self._top + rows, len(self._picture.rows) - self._page()))
        self.redraw()

    def draw(self, cells: int, rows: int) -> Sequence[Line]:
        """Return frame and contents."""
        inner = cells - (BOX_CELLS if self.boxed else RULE_CELLS)
        if inner < 4 or rows < 2:
            return ()
        self._picture = self._titled(self._drawer(inner, self._inside(rows)))
        self._settle()
        role = "focus" if self.has_focus else "frame"
        body = self._body(inner, rows)
        if self.boxed:
            return box(self._picture, body, self._place(), cells, rows, role)
        return under_rule(self._picture, body, self._place(), cells, role)

    def see(self, view: View) -> None:
        """Show other rows, or the same in another order."""
        self.view = view
        self._top = 0
        self.redraw()
        self._reveal()

    @property
    def picture(self) -> Picture:
        """What is shown now."""
        return self._picture

    @property
    def selected_text(self) -> str:
        """The text of what is selected; "" when nothing is."""
        spot = self._current()
        if spot is None:
            return ""
        rows = self._picture.rows[spot.row : spot.row + spot.height]
        cut = (crop(row, spot.x, spot.x + spot.width) for row in rows)
        return "\n".join("".join(text for text, _ in row).rstrip() for row in cut)

    def _titled(self, picture: Picture) -> Picture:
        """Add the key that leads here, and what the rows are filtered and sorted by."""
        before = line((f"{self.shortcut} ", "dim")) if self.shortcut else ()
        seen = line((f" /{self.view.filter.text}", "accent")) if self.view.filter else ()
        if self.view.order:
            seen += line((f" {'▾' if self.view.down else '▴'}{self.view.order}", "accent"))
        return replace(picture, title=(*before, *picture.title, *seen)) if before or seen else picture

    def _inside(self, rows: int) -> int:
        return rows - (2 if self.boxed else 1)

    def _page(self) -> int:
        """Rows that are visible at once, the heading aside."""
        taken = len(self._picture.heading) if self.boxed else bool(self._picture.foot)
        return max(1, self._inside(self.size.height) - taken)

    def _settle(self) -> None:
        """Keep selection and scroll position valid for the picture at hand."""
        spots = self._picture.spots
        current = self._current()
        if spots and current is None:
            current = min(_around(spots, self._last_row), key=lambda spot: abs(spot.row - self._last_row))
            self.selected = current.key
        if current is not None and current.row != self._last_row and self.has_focus:
            # It was drawn elsewhere this time: follow it, if that is where somebody looks.
            self._reveal()
        self._top = max(0, min(self._top, len(self._picture.rows) - self._page()))

    def _current(self) -> Spot | None:
        if self.selected is None:
            return None
        if self._picture.find is not None:
            return self._picture.find(self.selected)
        return next((spot for spot in self._picture.spots if spot.key == self.selected), None)

    def _reveal(self) -> None:
        if (spot := self._current()) is not None:
            self._last_row = spot.row
            self._top = max(min(self._top, spot.row), spot.row + spot.height - self._page())

    def _scroll(self, where: str) -> bool:
        steps = {
            "up": -1,
            "down": 1,
            "page_up": -self._page(),
            "page_down": self._page(),
            "first": -(10**9),
            "last": 10**9,
        }
        before = self._top
        self.scroll_rows(steps.get(where, 0))
        return self._top != before

    def _body(self, inner: int, rows: int) -> list[Line]:
        picture, page = self._picture, self._page()
        shown = [fit(row, inner) for row in picture.rows[self._top : self._top + page]]
        spot = self._current()
        if self.has_focus and spot is not None:
            for y in range(spot.row - self._top, spot.row - self._top + spot.height):
                if 0 <= y < len(shown):
                    shown[y] = select(shown[y], spot.x, min(spot.width, inner - spot.x))
        if self.boxed:
            return [*(fit(row, inner) for row in picture.heading), *shown]
        blank = rows - 2 - len(shown) if picture.foot else 0
        return [*shown, *[()] * blank, *([picture.foot] if picture.foot else [])]

    def _place(self) -> Line:
        hidden = len(self._picture.rows) - self._page()
        if hidden <= 0:
            return ()
        arrows = ("▴" if self._top else " ") + ("▾" if self._top < hidden else " ")
        return line(
            (f"{self._top + 1}–{self._top + self._page()} of {len(self._picture.rows)} {arrows}", "dim")
        )

    def watch_has_focus(self, _: bool) -> None:
        """Show the selection, or hide it."""
        self.redraw()

    def on_mouse_scroll_up(self, event: MouseScrollUp) -> None:
        """Scroll three rows."""
        event.stop()
        self.scroll_rows(-3)

    def on_mouse_scroll_down(self, event: MouseScrollDown) -> None:
        """Scroll three rows."""
        event.stop()
        self.scroll_rows(3)

    def on_click(self, event: Click) -> None:
        """Select what was clicked."""
        if (spot := self.spot_at(event.x, event.y)) is not None:
            self.select(spot.key)

    def spot_at(self, x: int, y: int) -> Spot | None:
        """Return the spot at a cell of this widget."""
        above = 1 + (len(self._picture.heading) if self.boxed else 0)
        row, column = y - above + self._top, x - (BOX_CELLS if self.boxed else RULE_CELLS) // 2
        hits = (
            s
            for s in _around(self._picture.spots, row)
            if s.row <= row < s.row + s.height and s.x <= column < s.x + s.width
        )
        return next(hits, None) if y >= above else None


def _around(spots: Sequence[Spot], row: int) -> Sequence[Spot]:
    """Return the spots near a row: all of a few, some of many, which have one a row."""
    if len(spots) <= _FEW:
        return spots
    at = bisect_left(spots, row, key=lambda spot: spot.row)
    return spots[max(0, at - _FEW // 2) : at + _FEW // 2]


def _target(spots: Sequence[Spot], current: Spot | None, where: str, page: int) -> Spot | None:
    """Return the spot a movement leads to; None when there is none in that direction."""
    if current is None or where in ("first", "last"):
        return spots[-1] if where == "last" else spots[0]
    if where in ("next", "previous"):
        index = spots.index(current)
        return spots[(index + (1 if where == "next" else -1)) % len(spots)]
    if where in ("left", "right"):
        return _sideways(_around(spots, current.row), current, 1 if where == "right" else -1)
    wanted = current.row + {"up": -1, "down": 1, "page_up": -page, "page_down": page}[where]
    wanted = max(spots[0].row, min(wanted, spots[-1].row))
    ahead = (lambda s: s.row < current.row) if where in ("up", "page_up") else (lambda s: s.row > current.row)
    # A cell is about twice as high as it is wide.
    return min(
        filter(ahead, _around(spots, wanted)),
        key=lambda s: 2 * abs(s.row - wanted) + abs(s.x - current.x),
        default=None,
    )


def _sideways(spots: Sequence[Spot], current: Spot, direction: int) -> Spot | None:
    level = [s for s in spots if s.row == current.row and (s.x - current.x) * direction > 0]
    return min(level, key=lambda s: abs(s.x - current.x), default=None)
