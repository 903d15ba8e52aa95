"""What the console remembers between runs: `console.yaml` in the configuration folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from kapture_tui.tui.datafile import complain, read_entries

AUTO = "auto"
"""Stands for a theme that is light or dark as the terminal is."""

_KEYS = ("theme", "mouse")
_SWITCH = {"on": True, "off": False, "true": True, "false": False}


def default_path() -> Path:
    """Return where the preferences are; the file need not exist."""
    from platformdirs import user_config_path

    return user_config_path("kapture-tui") / "console.yaml"


@dataclass(frozen=True, slots=True)
class Preferences:
    """What was kept.

    Attributes:
        theme: its name; None: none was chosen, so it is light or dark as the terminal is.
        mouse: whether the mouse is ours; otherwise the terminal's own selection works.
    """

    theme: str | None = None
    mouse: bool = True


def load(path: Path | None = None) -> Preferences:
    """Return what was kept. Raises UsageError naming file, line and key."""
    path = path or default_path()
    kept: dict[str, str] = {}
    for entry in read_entries(path) if path.exists() else ():
        if entry.key not in _KEYS or not isinstance(entry.value, str):
            raise complain(path, entry, "unknown", f"known are {', '.join(_KEYS)}")
        if entry.key == "mouse" and entry.value not in _SWITCH:
            raise complain(path, entry, "expected on or off")
        kept[entry.key] = entry.value
    theme = kept.get("theme")
    return Preferences(None if theme == AUTO else theme, _SWITCH[kept.get("mouse", "on")])


def keep(preferences: Preferences, path: Path | None = None) -> None:
    """Remember preferences. Raises OSError when the folder cannot be written."""
    path = path or default_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    mouse = "on" if preferences.mouse else "off"
    text = f"# Written by the console.\ntheme: {preferences.theme or AUTO}\nmouse: {mouse}\n"
    path.write_text(text, encoding="utf-8")
