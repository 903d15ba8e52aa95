"""What goes to the terminal for a partial update: the changed cells and nothing else.

Textual renders a changed region from the left edge of its widget and resets the style after each segment: a figure at
the right of a panel costs a whole row, and each segment some 40 bytes of colours. Over SSH that is most of the traffic.
"""

from __future__ import annotations

from rich.color import ColorSystem
from rich.console import Console
from rich.control import Control
from rich.style import Style
from textual._compositor import ChopsUpdate, CompositorUpdate
from textual.strip import Strip

_RESET = "\x1b[0m"


class TightUpdate(CompositorUpdate):
    """A `ChopsUpdate` in fewer bytes: spans are cut on both sides, and colours are sent when they change."""

    def __init__(self, update: ChopsUpdate) -> None:
        self._update = update

    def render_segments(self, console: Console) -> str:
        """Return the bytes for the terminal. Colours are as they were after a reset, before and after."""
        pen = Pen(getattr(console, "_color_system", None) or ColorSystem.TRUECOLOR)
        return "".join(self._sequences(pen)) + pen.rest()

    def _sequences(self, pen: Pen) -> list[str]:
        sequences: list[str] = []
        for y, x1, x2 in self._update.spans:
            row, ends = self._update.chops[y], self._update.chop_ends[y]
            for end, (x, strip) in zip(ends, row.items(), strict=False):
                start, stop = max(x, x1), min(end, x2)
                if strip is not None and start < stop:
                    sequences.append(str(Control.move_to(start, y).segment.text))
                    sequences.append(pen.write(strip.crop(start - x, stop - x)))
        return sequences


class Pen:
    """Knows which style the terminal is writing in, and switches to another in few bytes."""

    def __init__(self, colors: ColorSystem) -> None:
        self._colors = colors
        self._style: Style | None = None

    def write(self, strip: Strip) -> str:
        """Return text and style changes for a strip."""
        parts: list[str] = []
        for text, style, control in strip:
            if not control:
                parts.append(self._switch(style or Style.null()))
            parts.append(text)
        return "".join(parts)

    def rest(self) -> str:
        """Return what puts the terminal back to its own colours."""
        dirty, self._style = self._style is not None, None
        return _RESET if dirty else ""

    def _switch(self, style: Style) -> str:
        before, plain = self._style, not self._whole(style)
        if before == style or (before is None and plain):
            return ""
        self._style = None if plain else style
        if (
            plain
            or before is None
            or _attributes(before) != _attributes(style)
            or _loses_color(before, style)
        ):
            return f"{_RESET if before is not None else ''}{self._whole(style)}"
        codes = [
            *(self._codes(style, True) if style.color != before.color else ()),
            *(self._codes(style, False) if style.bgcolor != before.bgcolor else ()),
        ]
        return f"\x1b[{';'.join(codes)}m" if codes else ""

    def _whole(self, style: Style) -> str:
        codes = Strip.render_ansi(style, self._colors)
        return f"\x1b[{codes}m" if codes else ""

    def _codes(self, style: Style, foreground: bool) -> tuple[str, ...]:
        color = style.color if foreground else style.bgcolor
        return color.downgrade(self._colors).get_ansi_codes(foreground) if color is not None else ()


def _attributes(style: Style) -> int:
    return style._attributes & style._set_attributes


def _loses_color(before: Style, after: Style) -> bool:
    return (before.color is not None and after.color is None) or (
        before.bgcolor is not None and after.bgcolor is None
    )
