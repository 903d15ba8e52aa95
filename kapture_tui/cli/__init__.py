"""The command line: parses, calls, prints; nothing else.

`entry` runs one line. `options` and `commands` are the tables of what may stand on it, `words` reads it by them, and
`parse` makes one frozen value of `settings` of it. Each command has a module that takes such a value and returns an
exit code.
"""

from __future__ import annotations

from kapture_tui.cli.entry import main

__all__ = ["main"]
