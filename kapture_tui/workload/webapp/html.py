"""HTML out of elements: whatever is not an element itself is text, and text is always escaped."""

from __future__ import annotations

from html import escape

_VOID = frozenset({"input", "link", "meta"})
"""Elements without content (HTML Living Standard, 13.1.2)."""


class Html(str):
    """Text that is HTML already. Made by `element` and by nothing that was read from somewhere."""

    __slots__ = ()


Content = Html | str | int | None
"""What may stand inside of an element; None: nothing."""


def element(name: str, /, *content: Content, **attributes: str | int | None) -> Html:
    """An element: `element("a", "All states", href="/")`.

    Args: attributes: a trailing "_" of the name falls away ("for_", "class_"); one that is None is left out.
    """
    pairs = ((key.rstrip("_"), value) for key, value in attributes.items() if value is not None)
    start = "".join(f' {key}="{escape(str(value))}"' for key, value in pairs)
    if name in _VOID:
        return Html(f"<{name}{start}>")
    return Html(f"<{name}{start}>{together(*content)}</{name}>")


def together(*content: Content) -> Html:
    """Several pieces one after the other."""
    return Html("".join(_one(piece) for piece in content))


def _one(piece: Content) -> str:
    if piece is None:
        return ""
    return piece if isinstance(piece, Html) else escape(str(piece))
