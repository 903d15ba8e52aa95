"""The terminal as Textual drives it, with two habits of its own."""

from __future__ import annotations

import sys

from textual.drivers.linux_driver import LinuxDriver


class Terminal(LinuxDriver):
    """Writes to standard output, and resumes only what was suspended.

    Textual writes to standard error, which people send to a file: the console would be invisible. And it takes every
    SIGCONT for the end of a suspension; the kernel sends one after each SIGHUP, and a second reader would be started on
    the dead terminal, which nobody ever stops.
    """

    def __init__(self, *args: object, **options: object) -> None:
        super().__init__(*args, **options)  # type: ignore[arg-type]
        self._file = sys.__stdout__

    def _sigcont_application(self, *signal: object) -> None:
        if self._must_signal_resume:
            super()._sigcont_application(*signal)

    def switch_mouse(self) -> bool:
        """Report the mouse to us, or leave it to the terminal; return whether it is reported now."""
        if self._mouse:
            self._disable_mouse_support()
        self._mouse = not self._mouse
        self._enable_mouse_support()
        return self._mouse
