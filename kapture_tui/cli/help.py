"""The help texts, made from the tables of commands and options."""

from __future__ import annotations

from collections.abc import Iterator

from kapture_tui import __version__
from kapture_tui.cli.commands import COMMANDS, CommandLine
from kapture_tui.cli.options import Group, Option

_INDENT = "  "
_WIDTH = 79
_EXIT_CODES = """\
Exit codes: 0 done, 1 failed or not drained, 2 usage, 3 not allowed or
unreachable, 4 messages were lost or written twice, or nobody can tell any more."""


def version() -> str:
    """What --version prints."""
    return f"kapture-tui {__version__}"


def of(line: CommandLine) -> str:
    """The help of a command, or of the whole program for the line without one."""
    parts = [_usage(line), _sentence(line.summary)]
    if not line.name:
        parts.append(_section("commands", [(c.name, c.summary) for c in COMMANDS]))
    parts += [_section(group.title, rows) for group in line.groups if (rows := list(_rows(group)))]
    if line.examples:
        parts.append(_examples(line))
    if not line.name:
        parts.append(_EXIT_CODES)
    return "\n\n".join(parts)


def _usage(line: CommandLine) -> str:
    if line.name:
        words = " ".join(f"{word.rstrip('…')} …" if word.endswith("…") else word for word in line.words)
        return " ".join(filter(None, ("usage: kapture-tui", line.name, words, "[options]")))
    return (
        "usage: kapture-tui                              the console, at its setup screen\n"
        "       kapture-tui NAMESPACE SCALE [options]    the console, setup filled in\n"
        "       kapture-tui COMMAND …                    without the console"
    )


def _sentence(text: str) -> str:
    return text if text.endswith(".") else f"{text[0].upper()}{text[1:]}."


def _rows(group: Group) -> Iterator[tuple[str, str]]:
    for option in group.options:
        if option.help:
            yield _flags(option), _described(option)


def _flags(option: Option) -> str:
    flags = ", ".join(option.flags)
    return f"{flags} {option.metavar}" if option.metavar else flags


def _described(option: Option) -> str:
    if option.default in (None, False) or not option.metavar:
        return option.help
    default = f"{option.default:g}" if isinstance(option.default, (int, float)) else option.default
    return f"{option.help} (default: {default})"


def _section(title: str, rows: list[tuple[str, str]]) -> str:
    return "\n".join((f"{title}:", *(_row(left, right) for left, right in rows)))


def _row(left: str, right: str) -> str:
    import textwrap

    margin = " " * 27
    head = f"{_INDENT}{left}"
    head = f"{head:<27}" if len(head) < 26 else f"{head}\n{margin}"
    lines = textwrap.wrap(right, _WIDTH - len(margin), break_long_words=False, break_on_hyphens=False)
    return head + f"\n{margin}".join(lines)


def _examples(line: CommandLine) -> str:
    shown = (f"{_INDENT}{command}\n{_INDENT * 3}{what}" for command, what in line.examples)
    return "\n".join(("examples:", *shown))
