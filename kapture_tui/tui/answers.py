"""What a terminal answers to our questions, picked out of what a person types."""

from __future__ import annotations

import re

ASK_BACKGROUND = "\x1b]11;?\x07"
"""Asks for the background colour (OSC 11)."""

ASK_READY = "\x1b[5n"
"""Asks for a sign of life (DSR): it comes when everything written before has been drawn."""

READY = "\x1b[0n"

_ANSWER = re.compile(r"\x1b\]11;[^\x07\x1b]*(?:\x07|\x1b\\)|\x1b\[0n")
_BEGINNING = re.compile(r"\x1b(?:\](?:1(?:1(?:;[^\x07\x1b]{0,64}\x1b?)?)?)?|\[0?)?\Z")
_MIDDLE = 0.5

_COLOR = re.compile(r"rgba?:([0-9a-fA-F]{1,4})/([0-9a-fA-F]{1,4})/([0-9a-fA-F]{1,4})")


class Ear:
    """Parts answers from typing, in whatever pieces both come.

    Attributes:
        awaited: an answer is due: what looks like its beginning is held back until the rest has come.
    """

    def __init__(self) -> None:
        self.awaited = False
        self._held = ""

    def hear(self, data: str) -> tuple[str, list[str]]:
        """Return what was typed, and the answers."""
        data = self._held + data
        answers = _ANSWER.findall(data)
        typed = _ANSWER.sub("", data)
        begun = _BEGINNING.search(typed) if self.awaited else None
        self._held = begun[0] if begun else ""
        return typed[: len(typed) - len(self._held)], answers

    def give_up(self) -> str:
        """Return what was held back: nothing more came, so it was typed."""
        held, self._held = self._held, ""
        return held


def is_light(answer: str) -> bool | None:
    """Return whether a background is a light one, from a terminal's answer or a part of it; None: it does not say."""
    found = _COLOR.search(answer)
    if found is None:
        return None
    red, green, blue = (int(part, 16) / (16.0 ** len(part) - 1) for part in found.groups())
    brightness: float = 0.299 * red + 0.587 * green + 0.114 * blue
    return brightness > _MIDDLE
