"""Themes are data: one YAML file each, checked when read. Shipped ones in themes/, the user's own beside the keymap."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from kapture_tui.model.errors import UsageError
from kapture_tui.resources import themes_dir
from kapture_tui.tui.datafile import Entry, complain, read_entries

DEFAULT, DEFAULT_LIGHT = "kapture-dark", "kapture-light"
"""Without a choice, by what the terminal's background is."""

OWN, OWN_LIGHT = "ansi-dark", "ansi-light"
"""The same for terminals that have sixteen colours and no more."""

AUTO = "auto"
"""What a person says who wants that choice made for them."""

COLORS = ("background", "text", "dim", "frame", "accent", "good", "warn", "trouble", "spark", "selection")
"""The colours a theme has to give; docs/themes.md says what each is for."""

TERMINAL_COLORS = (
    *(name for name in ("black", "red", "green", "yellow", "blue", "magenta", "cyan", "white")),
    *(f"bright-{name}" for name in ("black", "red", "green", "yellow", "blue", "magenta", "cyan", "white")),
)
"""The sixteen colours that a terminal has of its own; a theme may name them instead of giving its own."""

TERMINAL_DEFAULT, REVERSE = "default", "reverse"
"""The terminal's own text or background colour; and for what is selected, the two exchanged."""

_HEX = re.compile(r"#[0-9a-fA-F]{6}")
_KEYS = ("description", "dark", "colors")


@dataclass(frozen=True, slots=True)
class Palette:
    """A theme as its file gives it.

    Attributes:
        name: of the file, without ".yaml".
        description: one line for the picker.
        dark: whether the background is dark.
        colors: for each of `COLORS` "#rrggbb", one of `TERMINAL_COLORS` or "default"; "reverse" for the selection.
        path: of the file.
    """

    name: str
    description: str
    dark: bool
    colors: Mapping[str, str]
    path: Path | None = None

    @property
    def own(self) -> bool:
        """Whether it draws in the terminal's own colours."""
        return self.colors["background"] == TERMINAL_DEFAULT


def chosen(name: str | None) -> str | None:
    """Return the theme that was asked for; None: whichever fits."""
    return None if name == AUTO else name


def fitting(light: bool | None, few: bool) -> str:
    """Return the theme for a terminal.

    Args:
        light: its background is; None: it does not say.
        few: it has sixteen colours and no more.
    """
    if few:
        return OWN_LIGHT if light else OWN
    return DEFAULT_LIGHT if light else DEFAULT


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
        path,
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
        if not isinstance(color.value, str) or not _is_color(color.key, color.value):
            raise complain(
                path,
                color,
                f"{color.value!r} is no colour",
                'write it as "#rrggbb", with the quotes, or name one of the terminal\'s own: '
                f"{TERMINAL_DEFAULT}, {', '.join(TERMINAL_COLORS)}",
            )
    given = {color.key: str(color.value).lower() for color in entry.value}
    if missing := [name for name in COLORS if name not in given]:
        raise complain(path, entry, f"{missing[0]!r} is missing")
    return given


def _is_color(key: str, value: str) -> bool:
    own = value in TERMINAL_COLORS or value == TERMINAL_DEFAULT
    return bool(own or _HEX.fullmatch(value)) or (key == "selection" and value == REVERSE)


class Watched:
    """A theme's file while somebody may be writing it."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._seen = self._stamp()

    def changed(self) -> Palette | None:
        """Return the theme as it is now if its file has changed since the last look. Raises UsageError."""
        stamp = self._stamp()
        if self._path is None or stamp in (None, self._seen):
            return None
        self._seen = stamp
        return read(self._path)

    def _stamp(self) -> tuple[int, int] | None:
        try:
            found = self._path.stat() if self._path else None
        except OSError:  # editors write a new file and rename it
            return None
        return (found.st_mtime_ns, found.st_size) if found else None
