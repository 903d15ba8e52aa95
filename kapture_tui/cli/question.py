"""The question before a cluster is changed."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from kapture_tui.cli.output import note
from kapture_tui.model.errors import KaptureError, UsageError
from kapture_tui.targets.base import Target
from kapture_tui.tui.questions import Fact, whereabouts

_YES = ("y", "yes")


class Declined(KaptureError):
    """The answer was no."""


@dataclass(frozen=True, slots=True)
class Consent:
    """What the command line says about being asked.

    Attributes:
        yes: --yes was given.
        named: --context was given, which will do where nobody can be asked.
    """

    yes: bool = False
    named: bool = False


def check(target: Target, consent: Consent) -> None:
    """Raises UsageError when there would have to be a question and nobody to answer it: before anything is done."""
    if _unasked(target, consent) or consent.named or _can_ask():
        return
    raise UsageError(
        "changing a cluster",
        "there is no terminal to ask on",
        "say which one with --context NAME, or add --yes",
    )


async def agreed(target: Target, consent: Consent, *what: Fact) -> None:
    """Say what will be changed where, and return once that is agreed; on this machine at once.

    Raises:
        Declined: the answer was not yes.
        UsageError: see `check`.
        KaptureError: the cluster does not answer, or does not know us.
    """
    check(target, consent)
    if target.name == "local":
        return
    _tell((*whereabouts(await target.place()), *what))
    if consent.yes or not _can_ask():
        return
    print("go on? [y/N] ", end="", file=sys.stderr, flush=True)
    if (await _line()).strip().lower() not in _YES:
        raise Declined("nothing was changed")


def _unasked(target: Target, consent: Consent) -> bool:
    return target.name == "local" or consent.yes


def _tell(facts: Sequence[Fact]) -> None:
    width = max(len(name) for name, _ in facts)
    for name, text in facts:
        note(f"{name:<{width}}  {text}")


def _can_ask() -> bool:
    return sys.stdin.isatty() and sys.stderr.isatty()


async def _line() -> str:
    """A line from the terminal. A thread that reads would keep Ctrl-C from ending the program."""
    loop = asyncio.get_running_loop()
    ready = loop.create_future()
    loop.add_reader(sys.stdin, ready.set_result, None)
    try:
        await ready
    finally:
        loop.remove_reader(sys.stdin)
    return sys.stdin.readline()
