"""The terminal as Textual drives it, with habits of its own."""

from __future__ import annotations

import sys

from textual.drivers.linux_driver import LinuxDriver

from kapture_tui.tui import spelling


class Terminal(LinuxDriver):
    """Writes to standard output, in ASCII where need be, and resumes only what was suspended.

    Textual writes to standard error, which people send to a file: the console would be invisible. And it takes every
    SIGCONT for the end of a suspension; the kernel sends one after each SIGHUP, and a second reader would be started on
    the dead terminal, which nobody ever stops.
    """

    def __init__(self, *args: object, **options: object) -> None:
        super().__init__(*args, **options)  # type: ignore[arg-type]
        self._file = sys.__stdout__
        self._ascii = spelling.ascii_wanted()

    def write(self, data: str) -> None:
        """Send text and control sequences to the terminal, in ASCII where its locale wants that."""
        super().write(spelling.spelled(data) if self._ascii else data)

    def _sigcont_application(self, *signal: object) -> None:
        if self._must_signal_resume:
            super()._sigcont_application(*signal)
