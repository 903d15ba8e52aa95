"""Themes are data: one YAML file each, checked when read. Shipped ones in themes/, the user's own beside the keymap."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from kapture_tui.model.errors import UsageError
from kapture_tui.resources import themes_dir
from kapture_tui.tui.datafile import Entry, complain, read_entries

DEFAULT = "kapture-dark"

COLORS = ("background", "text", "dim", "frame", "accent", "good", "warn", "trouble", "spark", "selection")
"""The colours a theme has to give; docs/themes.md says what each is for."""

_HEX = re.compile(r"#[0-9a-fA-F]{6}")
_KEYS = ("description", "dark", "colors")


@dataclass(frozen=True, slots=True)
class Palette:
    """A theme as its file gives it.

    Attributes:
        name: of the file, without ".yaml".
        description: one line for the picker.
        dark: whether the background is dark.
        colors: for each of `COLORS` "#rrggbb".
    """

    name: str
    description: str
    dark: bool
    colors: Mapping[str, str]


def user_dir() -> Path:
    """Return the folder of the user's own themes; it need not exist."""
    from platformdirs import user_config_path

    return user_config_path("kapture-tui") / "themes"


def files() -> dict[str, Path]:
    """Return the file of every theme there is, by name; the user's hide shipped ones of the same name."""
    found = {path.stem: path for folder in (themes_dir(), user_dir()) for path in folder.glob("*.yaml")}
    return dict(sorted(found.items()))


def names() -> list[str]:
    """Return the names of all themes."""
    return list(files())


def load(name: str) -> Palette:
    """Return a theme.

    Raises: UsageError: there is none of that name, or its file is not valid; it names file, line and key.
    """
    known = files()
    if name not in known:
        raise UsageError(f"theme {name!r}", "unknown", f"choose from {', '.join(known)}")
    return read(known[name])


def read(path: Path) -> Palette:
    """Return the theme of a file. Raises UsageError naming file, line and key."""
    entries = read_entries(path)
    found = {entry.key: entry for entry in entries}
    for entry in entries:
        if entry.key not in _KEYS:
            raise complain(path, entry, "unknown", f"known are {', '.join(_KEYS)}")
    if missing := [key for key in _KEYS if key not in found]:
        raise UsageError(f"{path}, key {missing[0]!r}", "missing")
    return Palette(
        path.stem,
        _text(path, found["description"]),
        _flag(path, found["dark"]),
        _colors(path, found["colors"]),
    )


def _text(path: Path, entry: Entry) -> str:
    if not isinstance(entry.value, str):
        raise complain(path, entry, "expected one line of text")
    return entry.value


def _flag(path: Path, entry: Entry) -> bool:
    if entry.value not in ("true", "false"):
        raise complain(path, entry, "expected true or false")
    return entry.value == "true"


def _colors(path: Path, entry: Entry) -> dict[str, str]:
    if isinstance(entry.value, str):
        raise complain(path, entry, "expected one line a colour")
    for color in entry.value:
        if color.key not in COLORS:
            raise complain(path, color, "unknown", f"known are {', '.join(COLORS)}")
        if not isinstance(color.value, str) or not _HEX.fullmatch(color.value):
            raise complain(
                path, color, f"{color.value!r} is no colour", 'write it as "#rrggbb", with the quotes'
            )
    given = {color.key: str(color.value).lower() for color in entry.value}
    if missing := [name for name in COLORS if name not in given]:
        raise complain(path, entry, f"{missing[0]!r} is missing")
    return given
