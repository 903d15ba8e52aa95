"""Is the terminal light or dark? Asked before anything is imported, so that the answer is there when it is wanted.

Nobody waits for it: a terminal that does not answer, or not yet, gets the default, and `COLORFGBG` where that is set.
"""

from __future__ import annotations

import os
import select
import sys
import termios
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from kapture_tui.tui.answers import ASK_BACKGROUND, Ear, is_light

_INPUT, _OUTPUT = 0, 1
_LIGHT_FIELDS = ("7", "15")
_MODES = 3
"""Where `tcgetattr` has the local modes."""


class Question:
    """One question to the terminal on standard input and output. Ask, do something else, then `end` it once."""

    def __init__(self) -> None:
        self._before: list[Any] | None = None
        if not (os.isatty(_INPUT) and os.isatty(_OUTPUT)) or os.environ.get("TERM") in (None, "dumb"):
            return
        with suppress(termios.error, OSError):
            before = termios.tcgetattr(_INPUT)
            quiet = termios.tcgetattr(_INPUT)
            # The answer has no line end to wait for, and must not be seen.
            quiet[_MODES] &= ~(termios.ECHO | termios.ICANON)
            termios.tcsetattr(_INPUT, termios.TCSANOW, quiet)
            self._before = before
            os.write(_OUTPUT, ASK_BACKGROUND.encode())

    def end(self) -> tuple[str, bool | None]:
        """Put the terminal back; return what was typed in the meantime, and whether the background is light."""
        if self._before is None:
            return "", said_by(os.environ)
        data = b""
        with suppress(termios.error, OSError):
            while select.select([_INPUT], [], [], 0)[0] and (more := os.read(_INPUT, 4096)):
                data += more
            termios.tcsetattr(_INPUT, termios.TCSANOW, self._before)
        typed, answers = Ear().hear(data.decode(errors="ignore"))
        light = is_light(answers[0]) if answers else None
        return typed, said_by(os.environ) if light is None else light


def said_by(environment: Mapping[str, str]) -> bool | None:
    """Return what COLORFGBG ("15;0": white on black) says; None: nothing."""
    given = environment.get("COLORFGBG", "").rpartition(";")[2]
    return given in _LIGHT_FIELDS if given.isdecimal() else None


def few_colors(environment: Mapping[str, str]) -> bool:
    """Return whether the terminal has its own sixteen colours and no more, as far as it says."""
    kind = environment.get("TERM", "")
    many = (
        "256color" in kind
        or "direct" in kind
        or kind.startswith(("xterm-kitty", "alacritty", "foot", "wezterm"))
    )
    return (
        not many
        and environment.get("COLORTERM", "") not in ("truecolor", "24bit")
        and sys.platform != "win32"
    )
