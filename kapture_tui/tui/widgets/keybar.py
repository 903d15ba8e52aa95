"""The last line: which keys do what here, or for a moment what has just been done."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

from textual.events import Click
from textual.timer import Timer

from kapture_tui.tui.commands import Command, shown
from kapture_tui.tui.lines import Line, line, line_width
from kapture_tui.tui.text import clean, clip
from kapture_tui.tui.widgets.canvas import Canvas

MESSAGE_S = 6.0
"""How long a message stays, seconds."""


class KeyBar(Canvas):
    """Shows the commands it is given, the most important ones where not all fit.

    Attributes:
        labels: by command id, what stands instead of the command's own label.
        unsaid: ids of commands that mean nothing at the moment.
    """

    def __init__(
        self, commands: Sequence[Command], keys: Mapping[str, str], refusal: Callable[[str], str]
    ) -> None:
        super().__init__(id="keys")
        self.labels: dict[str, str] = {}
        self.unsaid: Collection[str] = ()
        self._commands = [command for command in commands if command.label]
        self._keys = keys
        self._refusal = refusal
        self._message: Line = ()
        self._spots: list[tuple[int, int, Command]] = []
        self._timer: Timer | None = None
        self._fits: Line = ()
        self._fits_for: tuple[object, ...] = ()

    def say(self, text: str, role: str = "accent") -> None:
        """Show a message instead of the keys, for a moment."""
        self._message = line((f" {clean(text)}", role))
        self.redraw()
        if self._timer is not None:
            self._timer.stop()  # or what was said before would take this away
        self._timer = self.set_timer(MESSAGE_S, self._forget)

    def _forget(self) -> None:
        self._message = ()
        self.redraw()

    def draw(self, cells: int, rows: int) -> Sequence[Line]:
        """Return one line."""
        if self._message:
            return [line((clip(self._message[0][0], cells), self._message[0][1]))]
        # Asked once a second, and nearly always the same: finding what fits takes longer than any panel.
        refused = tuple(bool(self._refusal(command.id)) for command in self._commands)
        state = (cells, tuple(self.labels.items()), tuple(self.unsaid), refused)
        if state != self._fits_for:
            self._fits_for, self._fits = state, self._fitting(cells)
        return [self._fits]

    def _fitting(self, cells: int) -> Line:
        shown_: list[Command] = []
        for command in sorted(self._meant(), key=lambda command: command.footer):
            if self._width([*shown_, command]) <= cells:
                shown_.append(command)
        return self._line([command for command in self._commands if command in shown_])

    def _meant(self) -> list[Command]:
        return [command for command in self._commands if command.id not in self.unsaid]

    def _width(self, commands: Sequence[Command]) -> int:
        return line_width(self._line(commands))

    def _line(self, commands: Sequence[Command]) -> Line:
        spans: Line = ()
        self._spots = []
        labels = [self.labels.get(command.id, command.label) for command in commands]
        for index, command in enumerate(commands):
            start = line_width(spans) + 1
            role = "dim" if self._refusal(command.id) else "accent"
            spans += line((f" {shown(self._keys[command.id].split(',')[0])}", role))
            # Neighbours of one meaning share their label: "+ - loaders".
            if labels[index : index + 2].count(labels[index]) == 1:
                spans += line((f" {labels[index]} ", "dim"))
            self._spots.append((start, line_width(spans), command))
        return spans

    async def on_click(self, event: Click) -> None:
        """Do what was clicked."""
        for start, stop, command in self._spots:
            if start <= event.x < stop:
                await self.screen.run_action(command.address)
