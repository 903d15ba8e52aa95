"""The console on a run of `bench` that the command line began: the same app, without a setup screen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from textual.screen import Screen

from kapture_tui.bench.result import Result
from kapture_tui.tui.app import ConsoleApp
from kapture_tui.tui.measuring import on_target
from kapture_tui.tui.options import ConsoleOptions
from kapture_tui.tui.screens.bench import BenchScreen
from kapture_tui.tui.themes import Palette


class BenchApp(ConsoleApp):
    """Makes a run and shows it; leaving it ends the run.

    Args:
        result: a new one, or one to go on with.
        with_names: host names stay in the result.
    """

    def __init__(
        self,
        result: Result,
        with_names: bool,
        options: ConsoleOptions,
        palette: Palette,
        keys: Mapping[str, str],
        **given: Any,
    ) -> None:
        super().__init__(options, palette, keys, **given)
        self._result = result
        self._with_names = with_names

    def _first_screen(self) -> Screen[Any]:
        spec, options = self.options.spec, self.options
        assert spec is not None, "the command line has one"
        self._look_around()
        self._running_here = True
        self._measuring = on_target(
            self.session.target,
            spec,
            self._result,
            options.results,
            self.saw,
            options.watch,
            self.clock,
            context=options.connection.context or "",
            with_names=self._with_names,
        )
        return BenchScreen(self._measuring)
