"""The timeline below the panels."""

from __future__ import annotations

from collections.abc import Callable

from kapture_tui.tui.lines import Line
from kapture_tui.tui.widgets.canvas import Canvas


class TimelineBar(Canvas):
    """Draws what `drawer` returns for a number of cells."""

    def __init__(self, drawer: Callable[[int], tuple[Line, ...]]) -> None:
        super().__init__(id="timeline")
        self._drawer = drawer

    def draw(self, cells: int, rows: int) -> tuple[Line, ...]:
        """Return the lines."""
        return self._drawer(cells)
