"""The line above the keys: where the limit is."""

from __future__ import annotations

from kapture_tui.model.snapshot import Snapshot
from kapture_tui.tui.lines import Line
from kapture_tui.tui.panels import limit
from kapture_tui.tui.widgets.canvas import Canvas


class LimitBar(Canvas):
    """Shows the limit of `snapshot`."""

    def __init__(self) -> None:
        super().__init__(id="limit")
        self.snapshot = Snapshot()

    def draw(self, cells: int, rows: int) -> tuple[Line, ...]:
        """Return the line."""
        return (limit.picture(self.snapshot, cells),)
