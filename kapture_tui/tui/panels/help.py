"""The help: every key from the command table, and what the signs mean."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from kapture_tui.tui.commands import PLACES, commands_for, shown
from kapture_tui.tui.lines import Line, fit, line
from kapture_tui.tui.picture import Picture
from kapture_tui.tui.text import clean, left, wrap

_SIGNS = (
    ("░ ▒ ▓ █", "a consumer group is more than 3 s, 15 s, 1 min, 5 min behind"),
    ("–", "not known; the foot of the panel says why"),
    ("▁▂▃▄▅▆▇", "the last two minutes, the newest on the right"),
    ("lost", "acknowledged by Kafka, and can no longer be delivered"),
    ("duplicated", "written twice: the same message at a second offset"),
    ("redelivered", "read twice: the same offset again; no fault"),
    ("recovered", "delivered although never acknowledged"),
    ("unexpected", "delivered although never sent"),
)


def picture(
    keys: Mapping[str, str], leaving: str, log_file: Path | None, cells: int, refusal: Callable[[str], str]
) -> Picture:
    """Return the help.

    Args:
        keys: by command id, the keymap in force.
        leaving: what quitting does now, a sentence.
        refusal: why a command is off, by its id; "" if it is not.
    """
    rows: list[Line] = _wrapped(leaving, cells, "accent")
    if log_file is not None:
        rows += _wrapped(f"the log goes to {log_file}", cells, "dim")
    for place, title in PLACES.items():
        rows += [(), line((title, "title"))]
        for command in commands_for(place):
            names = "  ".join(shown(key) for key in keys[command.id].split(","))
            why = refusal(command.id)
            role = "dim" if why else "accent"
            does = (left(command.help, 40), "dim" if why else "text")
            rows.append(line((left(f"  {names}", 20), role), does, (command.id, "dim")))
            if why:
                rows.append(line((f"{'':20}{clean(why)}", "warn")))
    rows += [(), line(("Signs", "title"))]
    rows += [line((left(f"  {sign}", 20), "strong"), meaning) for sign, meaning in _SIGNS]
    return Picture(line(("help", "title")), rows=tuple(fit(row, cells) for row in rows))


def _wrapped(text: str, cells: int, role: str) -> list[Line]:
    return [line((row, role)) for row in wrap(text, cells)]
