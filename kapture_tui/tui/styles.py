"""From a theme to the styles of the roles that lines are drawn in, and to Textual's own theme."""

from __future__ import annotations

from dataclasses import replace

from rich.style import Style
from textual.theme import BUILTIN_THEMES, Theme

from kapture_tui.tui.themes import REVERSE, Palette

_COLORS = {
    "text": "text",
    "strong": "text",
    "title": "text",
    "dim": "dim",
    "frame": "frame",
    "focus": "accent",
    "accent": "accent",
    "good": "good",
    "warn": "warn",
    "trouble": "trouble",
    "spark": "spark",
}
"""Role to colour of the theme."""

_BOLD = {"strong", "title", "trouble"}
_PLAIN = {
    "dim": Style(dim=True),
    "frame": Style(dim=True),
    "focus": Style(bold=True),
    "accent": Style(bold=True),
}


def role_styles(palette: Palette, monochrome: bool = False) -> dict[str, Style]:
    """Return the style of every role, and with an appended "!" its style when selected; "cursor" is the text cursor.

    Args:
        monochrome: use attributes of the terminal's own colours only (NO_COLOR).
    """
    return _attributes_only() if monochrome else _coloured(palette)


def _coloured(palette: Palette) -> dict[str, Style]:
    colors = {name: _rich(color) for name, color in palette.colors.items()}
    ground, selected = colors["background"], palette.colors["selection"]
    styles = {"cursor": _cursor(palette)}
    for role, color in _COLORS.items():
        bold = role in _BOLD or None
        styles[role] = Style(color=colors[color], bgcolor=ground, bold=bold)
        if selected == REVERSE:
            styles[f"{role}!"] = Style(color=colors[color], bgcolor=ground, bold=bold, reverse=True)
        else:
            styles[f"{role}!"] = Style(color=colors[color], bgcolor=colors["selection"], bold=bold)
    return {**styles, "cursor!": styles["cursor"]}


def _cursor(palette: Palette) -> Style:
    if palette.own:
        return Style(reverse=True)
    return Style(color=palette.colors["background"], bgcolor=palette.colors["accent"])


def _rich(color: str) -> str:
    """A theme's colour by the name it has in Rich."""
    return color.replace("-", "_")


def _attributes_only() -> dict[str, Style]:
    styles = {"cursor": Style(reverse=True), "cursor!": Style(reverse=True, underline=True)}
    for role in _COLORS:
        plain = _PLAIN.get(role, Style(bold=True) if role in _BOLD else Style())
        styles[role], styles[f"{role}!"] = plain, Style(reverse=True)
    return styles


def textual_theme(palette: Palette, monochrome: bool = False) -> Theme:
    """Return the theme for what Textual draws itself: backgrounds and the command palette."""
    if monochrome or palette.own:
        own = BUILTIN_THEMES["ansi-dark" if palette.dark else "ansi-light"]
        return replace(own, name=palette.name)
    colors = palette.colors
    return Theme(
        palette.name,
        primary=colors["accent"],
        secondary=colors["spark"],
        accent=colors["accent"],
        foreground=colors["text"],
        background=colors["background"],
        surface=colors["background"],
        panel=colors["selection"],
        success=colors["good"],
        warning=colors["warn"],
        error=colors["trouble"],
        dark=palette.dark,
    )
