"""An app that knows its terminal: theme, clipboard, mouse, and what it is sent when."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from textual._compositor import ChopsUpdate, CompositorUpdate, LayoutUpdate
from textual.app import App
from textual.screen import Screen

from kapture_tui.model.errors import KaptureError
from kapture_tui.tui import preferences, themes
from kapture_tui.tui.answers import is_light
from kapture_tui.tui.background import few_colors
from kapture_tui.tui.link import Link
from kapture_tui.tui.styles import role_styles, textual_theme
from kapture_tui.tui.terminal import Terminal
from kapture_tui.tui.themes import Palette
from kapture_tui.tui.widgets.canvas import Canvas

if TYPE_CHECKING:
    from rich.console import RenderableType

RELOAD_S = 0.5
"""How often the theme's file is looked at."""


class TerminalApp(App[int], inherit_bindings=False):
    """What it is an app of is up to whoever derives from it.

    Attributes:
        clock: monotonic seconds.
        palette: the theme.
        role_styles: the same, as the canvases want it.
        typed_before, answer_due: see `Listener`.
        mouse: whether the mouse is reported to us.
    """

    ALLOW_SELECT = False
    CSS = "Screen { background: $background; overflow: hidden; } Dialog { background: transparent; }"

    def __init__(self, palette: Palette, clock: Callable[[], float], follows_terminal: bool) -> None:
        self._monochrome = "NO_COLOR" in os.environ
        super().__init__(driver_class=Terminal, ansi_color=True if self._monochrome else None)
        self.clock = clock
        self.typed_before, self.answer_due, self.mouse = "", False, True
        self._follows_terminal = follows_terminal
        self._link = Link(self)
        self.wear(palette)

    def say(self, text: str, role: str = "accent") -> None:
        """Show a short message."""
        raise NotImplementedError

    def show_latest(self) -> None:
        """Draw the newest figures."""
        raise NotImplementedError

    def start(self, job: Coroutine[Any, Any, None], screen: Screen[Any]) -> asyncio.Task[None]:
        """Run a task that ends with a screen."""
        raise NotImplementedError

    def on_mount(self) -> None:
        """Listen to the terminal, and look after the theme."""
        self._link.begin()
        self.set_interval(RELOAD_S, self._reload_theme)

    def on_resize(self) -> None:
        """What a terminal does to its cells when it changes its size, nobody knows."""
        self.terminal_is_new()

    def takes_news(self) -> bool:
        """Return whether new figures may be drawn; otherwise `show_latest` is called as soon as they may."""
        return self._link.takes_news()

    def wear(self, palette: Palette) -> None:
        """Draw everything in a theme."""
        self.palette = palette
        self._theme_file = themes.Watched(palette.path)
        self.role_styles = role_styles(palette, self._monochrome)
        self.register_theme(textual_theme(palette, self._monochrome))
        self.theme = palette.name
        for screen in self.screen_stack if self.is_running else ():
            for canvas in screen.query(Canvas):
                canvas.restyle()

    def _reload_theme(self) -> None:
        """Wear the theme anew when its file has changed: whoever writes one sees it at once."""
        try:
            palette = self._theme_file.changed()
        except KaptureError as exc:
            self.say(str(exc), "warn")
            return
        if palette is not None:
            self.wear(palette)

    def terminal_says(self, answer: str) -> None:
        """Follow the terminal's background; it has answered late. Called in the reader's thread."""
        light = is_light(answer)
        if self._follows_terminal and light is not None:
            name = themes.fitting(light, few_colors(os.environ))
            self._link.call(lambda: self.wear(themes.load(name)))

    def terminal_is_new(self) -> None:
        """Nothing is known of what the terminal shows."""
        self._link.glass.forget()

    def terminal_ready(self) -> None:
        """See `Link.ready`. Called in the reader's thread."""
        self._link.call(self._link.ready)

    def action_theme(self) -> None:
        """Choose a theme."""
        from kapture_tui.tui.screens.dialogs import ThemePicker

        self.push_screen(ThemePicker(self.palette.name), self.choose_theme)

    def choose_theme(self, name: str | None) -> None:
        """Wear a theme from now on; None: none was chosen."""
        if name is None:
            return
        try:
            self.wear(themes.load(name))
            self._follows_terminal = False
            preferences.keep(replace(preferences.load(), theme=name))
        except (KaptureError, OSError) as exc:
            self.say(f"theme {name} is not kept: {exc}", "warn")

    def action_copy(self) -> None:
        """Copy what the top screen offers."""
        text = getattr(self.screen, "copied", "")
        if text:
            self.start(self._copy(text), self.screen)
        else:
            self.say("there is nothing to copy here", "warn")

    async def _copy(self, text: str) -> None:
        from kapture_tui.tui.clipboard import MOST_BYTES, copy

        driver = self._driver
        whole = await copy(text, driver.write if driver is not None else lambda _: None)
        first, *others = text.splitlines()
        told = f"{len(others) + 1} lines" if others else first
        self.say(f"copied {told}" if whole else f"copied the first {MOST_BYTES // 1000} kB")

    def action_mouse(self) -> None:
        """Let the terminal have the mouse, or take it back."""
        if not isinstance(self._driver, Terminal):
            self.say("there is no terminal with a mouse", "warn")
            return
        on = self._driver.switch_mouse()
        with suppress(KaptureError, OSError):
            preferences.keep(replace(preferences.load(), mouse=on))
        how = "on: clicks select" if on else "off: the terminal's own selection works"
        self.say(f"mouse {how}")

    def _display(self, screen: Screen[Any], renderable: RenderableType | CompositorUpdate | None) -> None:
        if isinstance(renderable, ChopsUpdate | LayoutUpdate):
            tight = self._link.tightened(renderable)
            if tight is None:
                return
            renderable = tight
        super()._display(screen, renderable)  # type: ignore[arg-type]
        self._link.sent()
