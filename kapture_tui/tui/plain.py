"""The same screen in ASCII, for terminals that show nothing else: cell by cell, so that all stays in its place."""

from __future__ import annotations

from collections.abc import Mapping

from kapture_tui.tui.text import width

_SIGNS = {
    **dict(zip("│─╭╮╰╯", "|-++++", strict=True)),
    **dict(zip("▁▂▃▄▅▆▇", "_.-=+*#", strict=True)),
    **dict(zip("░▒▓█", ".:%#", strict=True)),
    **dict(zip("▸▾▴◂▪", ">v^<=", strict=True)),
    **dict(zip("●◐◌◑○✓✗‖", "*ooooVx=", strict=True)),
    **dict(zip("→←↑↓»·–…×", "><^v>.-~x", strict=True)),
}
"""What stands for the signs that panels draw with."""

_ONLY_ASCII = ("C", "POSIX")


def wanted(environment: Mapping[str, str]) -> bool:
    """Return whether the locale is the one that has no other characters. One that is not set says nothing."""
    told = environment.get("LC_ALL") or environment.get("LC_CTYPE") or environment.get("LANG") or ""
    return told in _ONLY_ASCII


def in_ascii(text: str) -> str:
    """Return cleaned text in as many cells of ASCII; what has no counterpart is a question mark."""
    if text.isascii():
        return text
    return "".join(char if char.isascii() else _SIGNS.get(char, "?" * width(char)) for char in text)
