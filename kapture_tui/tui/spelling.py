"""For terminals whose locale knows ASCII only (LANG=C): every sign the console draws, spelled in as many cells.

Imports no toolkit: the command line spells its lines by it as well.
"""

from __future__ import annotations

import os
import sys
import unicodedata
from collections.abc import Mapping

_SPELLED = (
    ("╭╮╰╯┌┐└┘├┤┬┴┼│", "+++++++++++++|"),
    ("─━═–—", "-==--"),
    ("●○◌◐◑✓✗‖■▶", "*o.()vx|#>"),
    ("▸▾▴◂▪·»…×≥≤", ">v^<#.>~x><"),
    ("▁▂▃▄▅▆▇█", "_.-=+*##"),
    ("░▒▓", ".:%"),
    ("→←↑↓", "><^v"),
    ("’‘“”⟨⟩", "''\"\"<>"),
)
"""Signs, and what each of them becomes."""

_TABLE = {ord(sign): plain for signs, plains in _SPELLED for sign, plain in zip(signs, plains, strict=True)}

_UTF8 = ("utf8", "utf-8")


def spelled(text: str) -> str:
    """Return the text in ASCII, each character in the cells it had: letters without their accents, else a "?" a cell.

    Control sequences are ASCII and stay what they are.
    """
    return text if text.isascii() else "".join(map(_plain, text.translate(_TABLE)))


def _plain(char: str) -> str:
    if char.isascii():
        return char
    base = unicodedata.normalize("NFKD", char)[0]
    wide = unicodedata.east_asian_width(char) in "WF"
    if base.isascii() and not wide:
        return base
    return "??" if wide else "?"


def ascii_wanted(env: Mapping[str, str] = os.environ, coerced: bool | None = None) -> bool:
    """Return whether the locale of an environment is one of ASCII, or of a charset other than UTF-8.

    Args:
        coerced: whether Python itself has set LC_CTYPE, as it does in the locale C; None: as it did in this process.

    An environment that says nothing at all is taken for one of today, as most containers are.
    """
    names = ["LC_ALL", "LC_CTYPE", "LANG"]
    if coerced if coerced is not None else bool(sys.flags.utf8_mode):
        names.remove("LC_CTYPE")
    locale = next((env[name] for name in names if env.get(name)), "")
    return bool(locale) and not locale.partition("@")[0].lower().endswith(_UTF8)
