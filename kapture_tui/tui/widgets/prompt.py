"""A line at the bottom in which a person types; it stands where the keys are for as long as it is open."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from textual.events import Key, Paste

from kapture_tui.tui.form import Field
from kapture_tui.tui.lines import Line, line, line_width
from kapture_tui.tui.text import clean
from kapture_tui.tui.widgets.canvas import Canvas


class Prompt(Canvas, can_focus=True):
    """Tells of every change at once; `enter` keeps what was typed, `escape` takes it back.

    Attributes:
        hints: the first that fits stands on the right.
    """

    def __init__(self, changed: Callable[[str], None], closed: Callable[[bool], None]) -> None:
        super().__init__(id="prompt")
        self.hints: Sequence[str] = ()
        self._field = Field("", "")
        self._on_change, self._on_close = changed, closed

    def open(self, text: str) -> None:
        """Begin with a text."""
        self._field = Field(text, "", len(text), fresh=False)
        self.display = True
        # Not `focus`, which comes later than the next key may.
        self.screen.set_focus(self)
        self.redraw()

    def draw(self, cells: int, rows: int) -> Sequence[Line]:
        """Return one line: what was typed, with the cursor, and the hint."""
        field = self._field
        before, after = clean(field.text[: field.cursor]), clean(field.text[field.cursor :])
        typed = line((" /", "accent"), before, (after[:1] or " ", "cursor"), after[1:])
        room = cells - line_width(typed) - 3
        hint = next((hint for hint in self.hints if len(hint) <= room), "")
        return [(*typed, *line((hint.rjust(room + 2), "dim")))]

    def on_key(self, event: Key) -> None:
        """Edit; nothing that is typed here is a command."""
        if event.key in ("enter", "escape"):
            self._on_close(event.key == "enter")
        else:
            typed = event.character if event.is_printable and event.character else ""
            after = self._field.typed(typed) if typed else self._field.edited(event.key)
            if after is None:
                return
            self._take(after)
        event.stop()
        event.prevent_default()

    def on_paste(self, event: Paste) -> None:
        """Take a pasted text."""
        self._take(self._field.typed(event.text))

    def _take(self, field: Field) -> None:
        self._field = field
        self.redraw()
        self._on_change(field.text)
