"""A widget that is given lines and refreshes only the cells that differ from those it shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol, cast

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from kapture_tui.tui.lines import Line, changes, fit, quiet


class Styled(Protocol):
    """What a canvas needs of its app: the style of each role."""

    role_styles: Mapping[str, Style]


class Canvas(Widget):
    """Draws lines. Subclasses say which in `draw`; call `redraw` when the answer may have changed.

    Attributes:
        grey: what is drawn is old: all of it is quiet.
    """

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self.grey = False
        self._shown: list[Line] = []

    def draw(self, cells: int, rows: int) -> Sequence[Line]:
        """Return what to show in a space of that size; missing rows stay blank."""
        raise NotImplementedError

    def redraw(self) -> None:
        """Draw again, and have the terminal told about the cells that changed."""
        cells, rows = self.size
        if not cells or not rows:
            return
        before = self._shown
        drawn = list(self.draw(cells, rows))[:rows]
        if self.grey:
            drawn = [quiet(row) for row in drawn]
        self._shown = [fit(drawn[y] if y < len(drawn) else (), cells) for y in range(rows)]
        if len(before) != rows or _width(before) != cells:
            self.refresh()
            return
        regions = [
            Region(start, y, stop - start, 1)
            for y in range(rows)
            for start, stop in changes(before[y], self._shown[y])
        ]
        if regions:
            self.refresh(*regions)

    def restyle(self) -> None:
        """Show the same in the styles of another theme."""
        self.refresh()

    def on_resize(self) -> None:
        """Draw for the new size."""
        self._shown = []
        self.redraw()

    def render_line(self, y: int) -> Strip:
        """Return one line for Textual's compositor."""
        if y >= len(self._shown):
            return Strip.blank(self.size.width, self._styles_of_roles()["text"])
        styles = self._styles_of_roles()
        return Strip([Segment(text, styles[role]) for text, role in self._shown[y]], self.size.width)

    def _styles_of_roles(self) -> Mapping[str, Style]:
        return cast(Styled, self.app).role_styles


def _width(lines: Sequence[Line]) -> int:
    from kapture_tui.tui.lines import line_width

    return line_width(lines[0]) if lines else -1
