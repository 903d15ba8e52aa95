"""What is seen: the only package that imports Textual, and only once a console is run."""

from __future__ import annotations

import gc
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

from kapture_tui.tui.options import ConsoleOptions

if TYPE_CHECKING:
    from kapture_tui.tui.app import ConsoleApp
    from kapture_tui.tui.preferences import Preferences
    from kapture_tui.tui.themes import Palette

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

        preferred = preferences.load()
        chosen = themes.chosen(options.theme) or preferred.theme
        palette = themes.load(chosen) if chosen is not None else None
        return _app(options, keymap.load(), preferred, palette).run_until_left()
    finally:
        gc.enable()


def _app(
    options: ConsoleOptions, keys: Mapping[str, str], preferred: Preferences, palette: Palette | None
) -> ConsoleApp:
    """The app, in a theme that fits the terminal where none was chosen; the terminal answers while we import."""
    from kapture_tui.tui import background, themes

    question = background.Question() if palette is None else None
    try:
        from kapture_tui.tui.app import ConsoleApp
    finally:
        typed, light = question.end() if question is not None else ("", None)
    worn = palette or themes.load(themes.fitting(light, background.few_colors(os.environ)))
    app = ConsoleApp(options, worn, keys, follows_terminal=palette is None)
    app.typed_before, app.answer_due, app.mouse = (
        typed,
        question is not None and light is None,
        preferred.mouse,
    )
    return app
