"""What is seen: the only package that imports Textual, and only once a console is run."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from kapture_tui.tui.options import ConsoleOptions

if TYPE_CHECKING:
    from kapture_tui.bench.result import Result
    from kapture_tui.tui.app import ConsoleApp

__all__ = ["ConsoleOptions", "picture_of", "run_bench", "run_console", "run_replay"]

AppClass = Callable[..., "ConsoleApp"]
"""Makes an app of options, palette and keys."""


def run_console(options: ConsoleOptions, tour: bool = False) -> int:
    """Run the console on this terminal until it is left; return the exit code of the command line.

    0, the code of the error a deploy failed with, 4 when the run's integrity is violated, 129 after a hang-up.

    Args:
        tour: have it drive itself for three minutes; see `tour`.

    Raises: UsageError: the theme or the keymap is not valid; before the terminal is touched.
    """
    return _run(options, _tour_app if tour else _console_app)


def run_replay(path: Path, position_s: float, speed: float, options: ConsoleOptions) -> int:
    """Play a recording on this terminal until it is left; return 0, or 129 after a hang-up.

    Args:
        position_s: where to begin, seconds; below 0: so long before its end.
        speed: seconds of it in one second.

    Raises: UsageError: the recording, the theme or the keymap cannot be read; before the terminal is touched.
    """
    from kapture_tui.telemetry.playback import Playback
    from kapture_tui.telemetry.recording import Recording

    recording = Recording.open(path)
    playback = Playback.begun(recording.length_s, position_s, speed)

    def replay_app() -> AppClass:
        from kapture_tui.tui.replay import ReplayApp

        return partial(ReplayApp, recording, playback)

    return _run(options, replay_app)


def run_bench(result: Result, options: ConsoleOptions, with_names: bool = False) -> int:
    """Make a run of `bench` on this terminal and show it; return 0, 130 when stopped, else 1 or that of its error.

    Args:
        result: a new one, or one to go on with.
        options: `spec` is the stack, `results` the folder.
        with_names: host names stay in the result.

    Raises: UsageError: the theme or the keymap is not valid; before the terminal is touched.
    """

    def bench_app() -> AppClass:
        from kapture_tui.tui.bench import BenchApp

        return partial(BenchApp, result, with_names)

    return _run(options, bench_app)


def picture_of(path: Path, position_s: float, size: tuple[int, int], options: ConsoleOptions) -> str:
    """Return the dashboard at one moment of a recording as SVG; `position_s` as above, `size` in columns and rows.

    Raises: UsageError: the recording or the theme cannot be read.
    """
    import asyncio

    from kapture_tui.tui import preferences, themes
    from kapture_tui.tui.replay import picture

    chosen = themes.chosen(options.theme) or preferences.load().theme
    return asyncio.run(picture(path, position_s, size, options, themes.load(chosen or themes.DEFAULT)))


def _console_app() -> AppClass:
    from kapture_tui.tui.app import ConsoleApp

    return ConsoleApp


def _tour_app() -> AppClass:
    from kapture_tui.tui.tour import TourApp

    return TourApp


def _run(options: ConsoleOptions, app_class: Callable[[], AppClass]) -> int:
    """Run an app, in a theme that fits the terminal where none was chosen; `app_class` imports it."""
    # Importing makes no garbage; looking for it would take a tenth of the time to the first screen.
    gc.disable()
    try:
        from kapture_tui.tui import background, keymap, preferences, themes

        preferred, keys = preferences.load(), keymap.load()
        chosen = themes.chosen(options.theme) or preferred.theme
        palette = themes.load(chosen) if chosen is not None else None
        # The terminal answers while we import.
        question = background.Question() if palette is None else None
        try:
            make = app_class()
        finally:
            typed, light = question.end() if question is not None else ("", None)
        worn = palette or themes.load(themes.fitting(light, background.few_colors(os.environ)))
        app = make(options, worn, keys, follows_terminal=palette is None)
        app.typed_before, app.mouse = typed, preferred.mouse
        app.answer_due = question is not None and light is None
        return app.run_until_left()
    finally:
        gc.enable()
