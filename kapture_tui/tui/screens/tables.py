"""Screens with tables: what the panel in focus shows can be filtered and sorted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from textual.geometry import Size

from kapture_tui.tui.arrange import Place
from kapture_tui.tui.screens.base import Stage
from kapture_tui.tui.table import Filter
from kapture_tui.tui.widgets.panel import Panel
from kapture_tui.tui.widgets.prompt import Prompt


class TableStage(Stage):
    """A full screen whose panels heed their `view`."""

    def __init__(self) -> None:
        super().__init__()
        self.prompt = Prompt(self._typed, self._close_prompt)
        self.prompt.display = False
        self._filtered: tuple[Panel, Filter] | None = None

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """In the prompt, the key that opens it is a character like any other."""
        return not (action == "filter" and self.prompt.display)

    def keys_line(self, size: Size) -> Mapping[str, Place]:
        """Return where keys and prompt stand: both on the last line."""
        last = Place(0, size.height - 1, size.width, 1)
        return {"keys": last, "prompt": last}

    def table(self) -> Panel | None:
        """Return the panel that would be filtered."""
        return self.panel()

    def texts(self, panel: Panel) -> Sequence[str]:
        """Return the columns that words of a filter can name."""
        return ()

    def action_filter(self) -> None:
        """Open the prompt for the panel in focus."""
        panel = self.table()
        if panel is None or self.keybar is None:
            return
        self._filtered = panel, panel.view.filter
        named = " ".join(f"{column}:" for column in self.texts(panel))
        self.prompt.hints = (f"word  !not  {named}  enter keeps, esc undoes", "!not  enter keeps, esc undoes")
        self.keybar.display = False
        self.prompt.open(panel.view.filter.text)

    def _typed(self, text: str) -> None:
        if self._filtered is not None:
            panel, _ = self._filtered
            panel.see(replace(panel.view, filter=Filter.parse(text)))
            self.view_changed()

    def _close_prompt(self, keep: bool) -> None:
        if self._filtered is None or self.keybar is None:
            return
        panel, before = self._filtered
        self._filtered = None
        self.prompt.display = False
        self.keybar.display = True
        if not keep:
            panel.see(replace(panel.view, filter=before))
        self.set_focus(panel)
        self.view_changed()

    def action_sort(self) -> None:
        """Sort the panel in focus by its next column."""
        panel = self.table()
        if panel is None or not panel.columns:
            self.say("nothing here can be sorted", "warn")
        else:
            self.sort_by(panel.view.by_next(panel.columns).order)

    def sort_by(self, column: str) -> None:
        """Sort the panel in focus by a column; "" leaves the rows as they come."""
        panel = self.table()
        if panel is not None:
            panel.see(panel.view.by(column))
            self.view_changed()
            self.say(f"sorted by {column}" if column else "in the order they come")

    def action_turn(self) -> None:
        """Sort it the other way round."""
        panel = self.table()
        if panel is None or not panel.view.order:
            self.say("nothing is sorted yet", "warn")
            return
        panel.see(panel.view.turned())
        self.view_changed()

    def view_changed(self) -> None:
        """Take note that a panel shows other rows."""
