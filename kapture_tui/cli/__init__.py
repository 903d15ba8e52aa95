"""The command line: parses, calls, prints; nothing else.

`entry` runs one line; `options`, `commands` and `parse` turn it into one frozen value of `settings`; each command has a
module of its own that takes such a value and returns an exit code.
"""

from __future__ import annotations

from kapture_tui.cli.entry import main

__all__ = ["main"]
