"""Screens that are read: details, help and logs. Escape goes back."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar

from textual.geometry import Size
from textual.widget import Widget

from kapture_tui.model.errors import KaptureError
from kapture_tui.model.snapshot import Snapshot
from kapture_tui.tui.arrange import Place
from kapture_tui.tui.lines import Line, line
from kapture_tui.tui.panels import details
from kapture_tui.tui.panels import help as help_panel
from kapture_tui.tui.picture import Picture
from kapture_tui.tui.screens.base import Stage, bindings
from kapture_tui.tui.screens.tables import TableStage
from kapture_tui.tui.table import Filter
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


class Logs(TableStage):
    """The log of a pod, or of all pods of a component, followed until one looks back; the last `LOG_LINES` lines."""

    PLACES = ("logs", "table", "dialog")
    UNSAID = ("dialog.accept", "table.sort", "table.turn")
    BINDINGS = bindings("logs", "table", "dialog", "list")

    def __init__(self, subject: str) -> None:
        super().__init__()
        self.main = Panel("main")
        self._subject = subject
        self._lines: deque[str] = deque(maxlen=LOG_LINES)
        self._wrapped: deque[Line] = deque(maxlen=LOG_LINES)
        self._wrapped_for: tuple[int, Filter] = (0, Filter())
        self._pending = self._drawn = False
        self._following = True
        self._note = "waiting for the first line"

    def compose(self) -> Iterable[Widget]:
        """The log and the keys."""
        yield self.main
        yield self.make_keybar()
        yield self.prompt

    def rectangles(self, size: Size) -> Mapping[str, Place]:
        """Return where they go."""
        return {"main": Place(0, 0, size.width, size.height - 1), **self.keys_line(size)}

    def table(self) -> Panel:
        """Return the log."""
        return self.main

    def texts(self, panel: Panel) -> Sequence[str]:
        """Return the columns that words of a filter can name."""
        return ("pod",)

    def on_mount(self) -> None:
        """Begin to follow."""
        self.main.show(self._draw)
        self.console.start(self._follow(), self)

    async def _follow(self) -> None:
        try:
            async for text in self.console.session.logs(self._subject):
                self._append(text)
            self._note = "the log has ended"
        except KaptureError as exc:
            self._append(str(exc))
        self._redraw_soon()

    def _append(self, text: str) -> None:
        text = clean(text.rstrip("\n"))
        self._lines.append(text)
        cells, wanted = self._wrapped_for
        if wanted.holds(_texts(text)):
            self._wrapped.extend(_wrapped(text, cells))
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

    def view_changed(self) -> None:
        """Go to the end of what passes the filter."""
        self.action_move("last")

    def _draw(self, cells: int, rows: int) -> Picture:
        wanted = self.main.view.filter
        if (cells, wanted) != self._wrapped_for:
            self._wrapped_for = cells, wanted
            seen = (text for text in self._lines if wanted.holds(_texts(text)))
            self._wrapped = deque((row for text in seen for row in _wrapped(text, cells)), maxlen=LOG_LINES)
        following = (
            line(("following", "good"))
            if self._following
            else line(("stands still", "warn"), (f", {self.console.key('logs.follow')} follows", "dim"))
        )
        note = "no line has these words" if self._lines else self._note
        return Picture(
            title=line((f"log of {self._subject}", "title")),
            extra=following,
            rows=tuple(self._wrapped) or (line((note, "dim")),),
        )

    def action_move(self, where: str) -> None:
        """Looking back stops following; going to the end starts it again."""
        self.main.move(where)
        self._following = where == "last" or (self._following and where in ("down", "page_down"))
        self.main.redraw()

    def action_follow(self) -> None:
        """Go to the end and stay there."""
        self.action_move("last")

    def action_accept(self) -> None:
        """Enter goes back, too."""
        self.action_close()


def _texts(text: str) -> Mapping[str, str]:
    """A line by its columns; several pods' lines begin with the name of theirs."""
    pod, bar, _ = text.partition(" | ")
    return {"pod": pod if bar else "", "line": text}


def _wrapped(text: str, cells: int) -> Iterable[Line]:
    return (((row, "text"),) if row else () for row in wrap(text, cells)) if cells else ()
