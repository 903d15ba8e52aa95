"""Screens that are read: details, help and logs. Escape goes back."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import ClassVar

from textual.widget import Widget

from kapture_tui.model.errors import KaptureError
from kapture_tui.model.snapshot import Snapshot
from kapture_tui.tui.lines import Line, line
from kapture_tui.tui.panels import details
from kapture_tui.tui.panels import help as help_panel
from kapture_tui.tui.picture import Picture
from kapture_tui.tui.screens.base import Stage, bindings
from kapture_tui.tui.text import clean, wrap
from kapture_tui.tui.widgets.panel import Panel

LOG_LINES = 2000
"""Lines of a log that are kept; older ones go."""

FIRST_S, REDRAW_S = 0.05, 0.5
"""How long new lines may wait to be drawn: the first ones, and later ones."""


class Reading(Stage):
    """One panel over the whole screen."""

    PLACES: ClassVar[tuple[str, ...]] = ("dialog",)
    UNSAID = ("dialog.accept",)
    BINDINGS = bindings("dialog", "list")

    def __init__(self) -> None:
        super().__init__()
        self.main = Panel("main")

    def compose(self) -> Iterable[Widget]:
        """The panel and the keys."""
        yield self.main
        yield self.make_keybar()

    def action_accept(self) -> None:
        """Enter goes back, too."""
        self.action_close()


class Details(Reading):
    """All about what was selected, while it changes."""

    def __init__(self, key: str) -> None:
        super().__init__()
        self._key = key

    def on_mount(self) -> None:
        """Show what is known now."""
        self.show(self.latest)

    def show(self, snapshot: Snapshot) -> None:
        """Draw a new snapshot."""
        history = self.history
        self.main.show(lambda cells, rows: details.picture(snapshot, history, self._key, cells))


class Help(Reading):
    """Every key, and what the signs mean."""

    def on_mount(self) -> None:
        """Show it."""
        app = self.console
        self.main.show(
            lambda cells, rows: help_panel.picture(
                app.keys, app.leaving(), app.options.log_file, cells, app.bottom_stage().refusal
            )
        )


class Logs(Reading):
    """The log of a pod or a component, followed until one looks back; the last `LOG_LINES` lines."""

    PLACES = ("logs", "dialog")
    BINDINGS = bindings("logs", "dialog", "list")

    def __init__(self, subject: str) -> None:
        super().__init__()
        self._subject = subject
        self._lines: deque[str] = deque(maxlen=LOG_LINES)
        self._wrapped: deque[Line] = deque(maxlen=LOG_LINES)
        self._cells = 0
        self._pending = self._drawn = False
        self._following = True
        self._note = "waiting for the first line"

    def on_mount(self) -> None:
        """Begin to follow."""
        self.main.show(self._draw)
        self.console.start(self._follow(), self)

    async def _follow(self) -> None:
        try:
            async for text in self.console.session.target.logs(self._subject, follow=True):
                self._append(text)
            self._note = "the log has ended"
        except KaptureError as exc:
            self._append(str(exc))
        self._redraw_soon()

    def _append(self, text: str) -> None:
        self._lines.append(clean(text.rstrip("\n")))
        self._wrapped.extend(_wrapped(self._lines[-1], self._cells))
        self._redraw_soon()

    def _redraw_soon(self) -> None:
        """Draw the first lines at once and a flood of them twice a second."""
        if not self._pending:
            self._pending = True
            self.set_timer(REDRAW_S if self._drawn else FIRST_S, self._redraw)

    def _redraw(self) -> None:
        self._pending, self._drawn = False, True
        self.main.redraw()
        if self._following:
            self.main.move("last")

    def _draw(self, cells: int, rows: int) -> Picture:
        if cells != self._cells:
            self._cells = cells
            self._wrapped = deque(
                (row for text in self._lines for row in _wrapped(text, cells)), maxlen=LOG_LINES
            )
        following = (
            line(("following", "good"))
            if self._following
            else line(("stands still", "warn"), (", f follows", "dim"))
        )
        empty = (line((self._note, "dim")),)
        return Picture(
            title=line((f"log of {self._subject}", "title")),
            extra=following,
            rows=tuple(self._wrapped) or empty,
        )

    def action_move(self, where: str) -> None:
        """Looking back stops following; going to the end starts it again."""
        self.main.move(where)
        self._following = where == "last" or (self._following and where in ("down", "page_down"))
        self.main.redraw()

    def action_follow(self) -> None:
        """Go to the end and stay there."""
        self.action_move("last")


def _wrapped(text: str, cells: int) -> Iterable[Line]:
    return (((row, "text"),) if row else () for row in wrap(text, cells)) if cells else ()
