"""Text from outside, made harmless: names, logs, events and products may hold anything.

Everything a terminal could take for an order, or that would change the direction or the width of what follows, becomes
a visible character of known width. Markup is no question here: the console draws cells and never parses markup.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache

from rich.cells import cell_len, get_character_cell_size

UNKNOWN = "\N{REPLACEMENT CHARACTER}"
ELLIPSIS = "…"


@lru_cache(maxsize=4096)
def clean(text: str) -> str:
    """Return `text` as printable characters of width 1 or 2, on one line.

    Control characters become their pictures (ESC is ␛), a tab a space, bidirectional controls their code point in
    angle brackets; what has no width of its own (combining marks that NFC cannot compose, joiners) goes.
    Printable ASCII stays as it is, and so does the result of an earlier `clean`.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(_visible(char) for char in unicodedata.normalize("NFC", text))


def _visible(char: str) -> str:
    code = ord(char)
    if char == "\t":
        return " "
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "␡"
    category = unicodedata.category(char)
    if category in ("Mn", "Me") or char in "\u200b\u200c\u200d\u2060\ufeff":
        return ""
    if category == "Cf":
        return f"⟨{code:04X}⟩"
    if category == "Zs":
        return " "
    return char if char.isprintable() and get_character_cell_size(char) > 0 else UNKNOWN


def width(text: str) -> int:
    """Return the number of terminal cells that cleaned text takes."""
    return len(text) if text.isascii() else cell_len(text)


def clip(text: str, cells: int) -> str:
    """Return cleaned text cut to at most `cells` cells; what was cut is marked with an ellipsis."""
    if width(text) <= cells:
        return text
    return _head(text, cells - 1) + ELLIPSIS if cells > 0 else ""


def left(text: str, cells: int) -> str:
    """Return cleaned text in exactly `cells` cells, aligned to the left."""
    text = clip(text, cells)
    return text + " " * (cells - width(text))


def right(text: str, cells: int) -> str:
    """Return cleaned text in exactly `cells` cells, aligned to the right."""
    text = clip(text, cells)
    return " " * (cells - width(text)) + text


def wrap(text: str, cells: int) -> list[str]:
    """Return cleaned text as lines of at most `cells` cells, broken at spaces where possible; never an empty list."""
    lines: list[str] = []
    line = ""
    for word in text.split(" "):
        while width(word) > cells > 0:
            head = _head(word, cells) or word[0]
            lines.extend([line] if line else [])
            line, word = "", word[len(head) :]
            lines.append(head)
        joined = f"{line} {word}" if line else word
        if width(joined) > cells:
            lines.append(line)
            joined = word
        line = joined
    return [*lines, line] if line or not lines else lines


def _head(text: str, cells: int) -> str:
    """Return the longest beginning of `text` that fits."""
    used = 0
    for index, char in enumerate(text):
        used += get_character_cell_size(char)
        if used > cells:
            return text[:index]
    return text
