"""The terminal as Textual drives it, on standard output."""

from __future__ import annotations

import sys

from textual.drivers.linux_driver import LinuxDriver


class Terminal(LinuxDriver):
    """Textual writes to standard error, which people send to a file: the console would be invisible."""

    def __init__(self, *args: object, **options: object) -> None:
        super().__init__(*args, **options)  # type: ignore[arg-type]
        self._file = sys.__stdout__
