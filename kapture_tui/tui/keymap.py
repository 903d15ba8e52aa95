"""The user's keys: `keymap.yaml` in the configuration folder, one `command.id: keys` a line."""

from __future__ import annotations

import string
from collections.abc import Mapping
from pathlib import Path

from kapture_tui.tui.commands import BY_ID, TABLE, Command, holds_in_the_past, shown
from kapture_tui.tui.datafile import Entry, complain, read_entries

_MODIFIERS = {"ctrl", "shift", "alt"}
_NAMED = {
    *("enter", "space", "tab", "escape", "backspace", "delete", "insert"),
    *("up", "down", "left", "right", "home", "end", "pageup", "pagedown"),
    "comma",  # commas part keys
    *(f"f{number}" for number in range(1, 25)),
}
_PUNCTUATION = {
    "+": "plus",
    "-": "minus",
    "=": "equals_sign",
    "?": "question_mark",
    "/": "slash",
    ".": "full_stop",
    ":": "colon",
    ";": "semicolon",
    "!": "exclamation_mark",
    "#": "number_sign",
    "*": "asterisk",
    "<": "less_than_sign",
    ">": "greater_than_sign",
    "[": "left_square_bracket",
    "]": "right_square_bracket",
    "_": "underscore",
    "{": "left_curly_bracket",
    "}": "right_curly_bracket",
}


def default_path() -> Path:
    """Return where the user's keymap is; it need not exist."""
    from platformdirs import user_config_path

    return user_config_path("kapture-tui") / "keymap.yaml"


def defaults() -> dict[str, str]:
    """Return the keys of every command as the table has them."""
    return {command.id: command.keys for command in TABLE}


def load(path: Path | None = None) -> dict[str, str]:
    """Return the keys of every command, by its id: the defaults, changed by the user's file where there is one.

    Raises: UsageError: an unknown command, an unknown key, or a key that two commands of one screen would share; it
        names file, line and key.
    """
    path = path or default_path()
    keys = defaults()
    entries = read_entries(path) if path.exists() else ()
    for entry in entries:
        if entry.key not in BY_ID:
            raise complain(path, entry, "unknown command", f"known are {', '.join(BY_ID)}")
        keys[entry.key] = _keys(path, entry)
    for entry in entries:
        _check_free(path, entry, keys)
    return keys


def _keys(path: Path, entry: Entry) -> str:
    if not isinstance(entry.value, str) or not entry.value.strip():
        raise complain(path, entry, "expected one or more keys, separated by commas")
    return ",".join(_key(path, entry, text.strip()) for text in entry.value.split(","))


def _key(path: Path, entry: Entry, text: str) -> str:
    *modifiers, last = text.split("+") if text != "+" else ["+"]
    if not set(modifiers) <= _MODIFIERS or not (
        last in _NAMED or last in _PUNCTUATION or last in _PUNCTUATION.values() or _is_alphanumeric(last)
    ):
        raise complain(
            path, entry, f"unknown key {text!r}", "write keys like x, X, ?, f5, ctrl+x, enter, pagedown"
        )
    return "+".join([*modifiers, _PUNCTUATION.get(last, last)])


def _is_alphanumeric(text: str) -> bool:
    return len(text) == 1 and text in string.ascii_letters + string.digits


def _check_free(path: Path, entry: Entry, keys: Mapping[str, str]) -> None:
    mine = BY_ID[entry.key]
    for key in keys[entry.key].split(","):
        for other in TABLE:
            if other is not mine and _meet(mine, other) and key in keys[other.id].split(","):
                raise complain(
                    path,
                    entry,
                    f"{shown(key)} already means {other.id!r}",
                    f"give {other.id!r} another key too",
                )


def _meet(one: Command, other: Command) -> bool:
    """Whether two commands can be wanted on the same screen."""
    places = {one.where, other.where}
    if places == {"dashboard", "replay"}:
        return all(holds_in_the_past(command) for command in (one, other) if command.where == "dashboard")
    return one.where == other.where or bool(places & {"everywhere", "list", "table"})
