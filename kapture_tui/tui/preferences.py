"""What the console remembers between runs: `console.yaml` in the configuration folder."""

from __future__ import annotations

from pathlib import Path

from kapture_tui.tui.datafile import complain, read_entries

_KEYS = ("theme",)


def default_path() -> Path:
    """Return where the preferences are; the file need not exist."""
    from platformdirs import user_config_path

    return user_config_path("kapture-tui") / "console.yaml"


def theme(path: Path | None = None) -> str | None:
    """Return the theme that was kept; None if none was. Raises UsageError naming file, line and key."""
    path = path or default_path()
    kept = None
    for entry in read_entries(path) if path.exists() else ():
        if entry.key not in _KEYS or not isinstance(entry.value, str):
            raise complain(path, entry, "unknown", f"known are {', '.join(_KEYS)}")
        kept = entry.value
    return kept


def keep_theme(name: str, path: Path | None = None) -> None:
    """Remember a theme. Raises OSError when the folder cannot be written."""
    path = path or default_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"# Written by the console when a theme is chosen.\ntheme: {name}\n", encoding="utf-8")
