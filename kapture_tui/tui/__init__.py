"""What is seen: the only package that imports Textual, and only once a console is run."""

from __future__ import annotations

import gc
from pathlib import Path

from kapture_tui.tui.options import ConsoleOptions

__all__ = ["ConsoleOptions", "picture_of", "run_console", "run_replay"]


def run_console(options: ConsoleOptions, tour: bool = False) -> int:
    """Run the console on this terminal until it is left; return the exit code of the command line.

    0, the code of the error a deploy failed with, 4 when the run's integrity is violated, 129 after a hang-up.

    Args:
        tour: have it drive itself for three minutes; see `tour`.

    Raises: UsageError: the theme or the keymap is not valid; before the terminal is touched.
    """
    # Importing makes no garbage; looking for it would take a tenth of the time to the first screen.
    gc.disable()
    try:
        from kapture_tui.tui import keymap, preferences, themes

        palette = themes.load(options.theme or preferences.theme() or themes.DEFAULT)
        keys = keymap.load()
        if tour:
            from kapture_tui.tui.tour import TourApp

            return TourApp(options, palette, keys).run_until_left()
        from kapture_tui.tui.app import ConsoleApp

        return ConsoleApp(options, palette, keys).run_until_left()
    finally:
        gc.enable()


def run_replay(path: Path, position_s: float, speed: float, options: ConsoleOptions) -> int:
    """Play a recording on this terminal until it is left; return 0, or 129 after a hang-up.

    Args:
        position_s: where to begin, seconds; below 0: so long before its end.
        speed: seconds of it in one second.

    Raises: UsageError: the recording, the theme or the keymap cannot be read; before the terminal is touched.
    """
    from kapture_tui.tui import keymap, preferences, themes
    from kapture_tui.tui.replay import ReplayApp, opened

    palette = themes.load(options.theme or preferences.theme() or themes.DEFAULT)
    recording, playback = opened(path, position_s, speed)
    return ReplayApp(recording, playback, options, palette, keymap.load()).run_until_left()


def picture_of(path: Path, position_s: float, size: tuple[int, int], options: ConsoleOptions) -> str:
    """Return the dashboard at one moment of a recording as SVG; `position_s` as above, `size` in columns and rows.

    Raises: UsageError: the recording or the theme cannot be read.
    """
    import asyncio

    from kapture_tui.tui import preferences, themes
    from kapture_tui.tui.replay import picture

    palette = themes.load(options.theme or preferences.theme() or themes.DEFAULT)
    return asyncio.run(picture(path, position_s, size, options, palette))
