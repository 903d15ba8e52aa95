"""Every key of the command table is pressed here, and does what its line of help says."""

from __future__ import annotations

import pytest

from kapture_tui.tui.commands import BY_ID, PLACES, TABLE
from tests.tui.keys import app, dashboard, measuring, replay, setup, tables

DRIVES = setup.DRIVES | dashboard.DRIVES | measuring.DRIVES | tables.DRIVES | replay.DRIVES | app.DRIVES


@pytest.mark.parametrize(
    ("command", "key"), [(command.id, key) for command in TABLE for key in command.keys.split(",")]
)
async def test_key(command: str, key: str) -> None:
    assert command in DRIVES, f"no test presses {key} for {command}"
    await DRIVES[command](key)


def test_every_command_has_an_id_a_key_and_a_line_of_help() -> None:
    for command in TABLE:
        area, dot, name = command.id.partition(".")
        assert area, command
        assert dot, command
        assert name, command
        assert command.keys, command.id
        assert 1 < len(command.help) <= 40, command.id
        assert command.where in PLACES, command.id
    assert not set(DRIVES) - set(BY_ID)


TAKEN = {
    "ctrl+b": "tmux",
    "ctrl+a": "screen",
    "ctrl+z": "the shell",
    "ctrl+s": "flow control",
    "ctrl+w": "a browser closes its tab",
    "ctrl+t": "a browser opens one",
    "ctrl+n": "a browser opens a window",
    "f5": "a browser loads anew",
    "f11": "a browser fills the screen",
    "f12": "a browser opens its tools",
    "ctrl+q": "Firefox leaves",
    "ctrl+p": "a browser prints",
    "f1": "a terminal's help",
}


@pytest.mark.parametrize("command", TABLE, ids=lambda command: command.id)
def test_every_command_has_a_key_that_nobody_takes_away(command: object) -> None:
    keys = BY_ID[command.id].keys.split(",")  # type: ignore[attr-defined]
    assert set(keys) - set(TAKEN)
