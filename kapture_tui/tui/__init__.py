"""What is seen: the only package that imports Textual, and only once a console is run."""

from __future__ import annotations

import gc

from kapture_tui.tui.options import ConsoleOptions

__all__ = ["ConsoleOptions", "run_console"]


def run_console(options: ConsoleOptions) -> int:
    """Run the console on this terminal until it is left; return the exit code of the command line.

    0, the code of the error a deploy failed with, 4 when the run's integrity is violated, 129 after a hang-up.

    Raises: UsageError: the theme or the keymap is not valid; before the terminal is touched.
    """
    # Importing makes no garbage; looking for it would take a tenth of the time to the first screen.
    gc.disable()
    try:
        from kapture_tui.tui import keymap, preferences, themes

        palette = themes.load(options.theme or preferences.theme() or themes.DEFAULT)
        keys = keymap.load()
        from kapture_tui.tui.app import ConsoleApp

        return ConsoleApp(options, palette, keys).run_until_left()
    finally:
        gc.enable()
