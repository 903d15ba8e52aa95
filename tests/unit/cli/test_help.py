"""The help says everything that works, nothing that does not, and fits a terminal of 80 columns."""

from __future__ import annotations

import shlex

import pytest

from kapture_tui.bench.order import way_of
from kapture_tui.cli import help as texts
from kapture_tui.cli.bench import asked_for
from kapture_tui.cli.commands import COMMANDS, CONSOLE, CommandLine
from kapture_tui.cli.parse import parse
from kapture_tui.cli.settings import Bench

LINES = [CONSOLE, *COMMANDS]


@pytest.mark.parametrize("line", LINES, ids=lambda line: line.name or "console")
def test_help_names_every_option_and_fits(line: CommandLine):
    text = texts.of(line)
    shown = [option for group in line.groups for option in group.options if option.help]
    assert [flag for option in shown for flag in option.flags if flag not in text] == []
    assert [row for row in text.splitlines() if len(row) > 80] == []


def test_the_first_help_names_every_command():
    text = texts.of(CONSOLE)
    assert [line.name for line in COMMANDS if f" {line.name}" not in text] == []


def _runs(example: str) -> list[str]:
    """The words after kapture-tui, up to the pipe or redirection."""
    words = shlex.split(example.removeprefix("source <(").rstrip(")"))
    end = next((at for at, word in enumerate(words) if word in ("|", ">")), len(words))
    return words[1:end]


@pytest.mark.parametrize("example", [command for line in LINES for command, _ in line.examples])
def test_every_example_is_a_line_that_parses(example: str):
    command = parse(_runs(example), {}).command
    if isinstance(command, Bench):
        way_of(asked_for(command))  # the budget is enough
