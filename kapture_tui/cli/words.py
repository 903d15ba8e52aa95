"""From a command line to its words: which command it is for, and the value of every option."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from kapture_tui.cli import help as texts
from kapture_tui.cli.commands import COMMANDS, CONSOLE, CommandLine
from kapture_tui.cli.options import Option
from kapture_tui.model.errors import UsageError

Words = argparse.Namespace
"""Values by `Option.name`; arguments by their lower-case name, those of the console's line as the list `words`."""


class Answered(Exception):
    """The line asked for a text, the help or the version, and here it is."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


def first_word(argv: Sequence[str]) -> int | None:
    """Where the first argument stands that is neither an option nor the value of one."""
    at = 0
    while at < len(argv):
        if not argv[at].startswith("-") or argv[at] == "-":
            return at
        if argv[at] == "--":
            return None
        at += 2 if _wants_next(argv[at]) else 1
    return None


def _wants_next(argument: str) -> bool:
    """Whether the value of this option, or of the last one of combined short ones, is the next argument."""
    if argument.startswith("--"):
        return argument in _VALUED
    for at, letter in enumerate(argument[1:], 2):
        if f"-{letter}" in _VALUED:
            return at == len(argument)
    return False


def _flags(valued: bool) -> frozenset[str]:
    options = (o for line in (CONSOLE, *COMMANDS) for group in line.groups for o in group.options)
    return frozenset(flag for option in options if bool(option.metavar) is valued for flag in option.flags)


# -o is a component, and render's output: before the command's word it is the component.
_VALUED = _flags(valued=True) - _flags(valued=False)


class _Parser(argparse.ArgumentParser):
    """argparse that raises instead of printing and exiting."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(message.removeprefix("argument "), remedy=f"see {self.prog} --help")


def read(line: CommandLine, argv: Sequence[str]) -> Words:
    """Values of the options and arguments of one command (its own word left out).

    Raises:
        UsageError: an option or argument is unknown, missing or not valid.
        Answered: it was a question for the help or the version.
    """
    prog = f"kapture-tui {line.name}".rstrip()
    parser = _Parser(prog=prog, add_help=False, allow_abbrev=False)
    for option in (option for group in line.groups for option in group.options):
        _add(parser, option, line)
    # The console's words are optional and may stand among the options: `-r demo 2`, `demo --delete`.
    if not line.name:
        parser.add_argument("words", nargs="*", metavar="NAMESPACE SCALE")
        return parser.parse_intermixed_args(list(argv))
    for word in line.words:
        name = word.strip("[…]")
        many = None if name == word else "*" if word.startswith("[") else "+"
        parser.add_argument(name.lower(), metavar=name, nargs=many)
    return parser.parse_args(list(argv))


def _add(parser: argparse.ArgumentParser, option: Option, line: CommandLine) -> None:
    common: dict[str, Any] = {"dest": option.name, "default": option.default}
    if option.name in ("help", "version"):
        answer = texts.version if option.name == "version" else (lambda: texts.of(line))
        parser.add_argument(*option.flags, action=_Answer, nargs=0, answer=answer)
    elif option.metavar:
        read = _typed(option.parse)
        if option.many:
            common |= {"action": "append"}
        parser.add_argument(
            *option.flags, type=read, choices=option.choices or None, metavar=option.metavar, **common
        )
    else:
        parser.add_argument(*option.flags, action="store_true", dest=option.name)


def _typed(read: Callable[[str], Any]) -> Callable[[str], Any]:
    def checked(text: str) -> Any:
        try:
            return read(text)
        except ValueError as exc:
            raise argparse.ArgumentTypeError(f"{text!r} {exc}") from None

    return checked


class _Answer(argparse.Action):
    """An option that asks for a text."""

    def __init__(self, *args: Any, answer: Callable[[], str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.answer = answer

    def __call__(self, parser: Any, namespace: Words, values: Any, flag: str | None = None) -> None:
        raise Answered(self.answer())
