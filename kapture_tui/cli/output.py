"""What all commands print with: plain lines and tables that no outside text can turn into terminal control."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from kapture_tui.model.redact import redacted
from kapture_tui.tui.spelling import ascii_wanted, spelled

if TYPE_CHECKING:
    from kapture_tui.telemetry.flight import FlightRecorder

COLUMNS = 80
"""What every terminal has."""


def plain(text: str) -> str:
    """The text on one line, with everything that a terminal might obey written out: "\\x1b" instead of an escape."""
    shown = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    return spelled(shown) if ascii_wanted() else shown


def complain(text: str) -> None:
    """One line on standard error, in the program's name."""
    note(f"kapture-tui: {text}")


def note(text: str) -> None:
    """One line on standard error. A terminal that is gone is no reason to fail."""
    with suppress(OSError):
        print(plain(redacted(text)), file=sys.stderr, flush=True)


def recorded(flight: FlightRecorder) -> None:
    """Say on standard error where a session was recorded, or why it was not."""
    if flight.trouble:
        note(flight.trouble)
    if flight.path is not None:
        note(f"recorded: kapture-tui replay {flight.path}")


def say(text: str) -> None:
    """One line on standard output. A reader that has gone is no reason to stop: there may be cleaning up to do."""
    try:
        print(plain(text), flush=True)
    except BrokenPipeError:
        silence_stdout()


def wrapped(head: str, text: str) -> list[str]:
    """Outside text as lines of 80 columns at most, the first one behind `head`, the others below the text."""
    from textwrap import wrap

    start, below = plain(head), " " * len(head)
    return wrap(
        plain(redacted(text)), COLUMNS, initial_indent=start, subsequent_indent=below, break_on_hyphens=False
    )


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Lines of columns, two spaces apart: the first one to the left, figures to the right."""
    shown = [[plain(cell) for cell in row] for row in (head, *rows)]
    widths = [max(map(len, column)) for column in zip(*shown, strict=True)]
    return ["  ".join(_cells(row, widths)).rstrip() for row in shown]


def _cells(row: Sequence[str], widths: Sequence[int]) -> list[str]:
    first = row[0].ljust(widths[0])
    return [first, *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]


def plain_streams() -> None:
    """Make standard output bear every character, whatever the locale."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def silence_stdout() -> None:
    """Let what is still buffered for a reader that has gone vanish without a word."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
