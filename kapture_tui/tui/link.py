"""The way to the terminal: what is sent when, so that a slow one stays usable. See `pace`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from contextvars import Context, copy_context
from typing import TYPE_CHECKING

from textual._compositor import ChopsUpdate, LayoutUpdate
from textual.geometry import Region

from kapture_tui.tui.output import Glass, TightUpdate
from kapture_tui.tui.pace import Pace
from kapture_tui.tui.terminal import Terminal

if TYPE_CHECKING:
    from kapture_tui.tui.terminal_app import TerminalApp


class Link:
    """Holds back what a busy terminal would only queue. Without a terminal of ours everything passes.

    Attributes:
        glass: what the terminal shows.
    """

    def __init__(self, app: TerminalApp) -> None:
        self._app = app
        self._pace = Pace()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._context = Context()
        self.glass = Glass()
        self._owed: set[Region] = set()
        self._news = False

    def begin(self) -> None:
        """Belong to the running event loop."""
        self._loop = asyncio.get_running_loop()
        self._context = copy_context()

    def call(self, what: Callable[[], object]) -> None:
        """Have something done in the event loop; from any thread."""
        if self._loop is not None:
            with suppress(RuntimeError):  # the loop is closed: we have left already
                # In the app's context: a timer that is set in a thread's would know of no app when its time has come.
                self._loop.call_soon_threadsafe(what, context=self._context)

    def tightened(self, update: ChopsUpdate | LayoutUpdate) -> TightUpdate | None:
        """Return what is sent for an update; None while the terminal is busy: it is owed, as it will be then."""
        if self._pace.clear(self._app.clock()):
            return TightUpdate(update, self.glass)
        if isinstance(update, LayoutUpdate):
            self._owed = {update.region}
        else:
            self._owed |= {Region(x1, y, x2 - x1, 1) for y, x1, x2 in update.spans}
        return None

    def sent(self) -> None:
        """Ask the terminal to say when it has drawn what was just sent."""
        if self._pace.asked(self._app.clock()):
            self._ask()

    def _ask(self) -> None:
        driver = self._app._driver
        if isinstance(driver, Terminal):
            driver.ask()

    def ready(self) -> None:
        """Take note that the terminal has drawn what it was asked about; send what is owed."""
        if self._pace.answered(self._app.clock()):
            self._ask()
            return
        if self._owed and self._app.is_running:
            owed, self._owed = self._owed, set()
            self._app.screen.refresh(*owed)
        if self._news:
            self._app.set_timer(max(0.01, self._pace.rest_s(self._app.clock())), self._catch_up)

    def takes_news(self) -> bool:
        """Return whether new figures may be drawn; otherwise the newest ones are as soon as they may."""
        now_s = self._app.clock()
        self._news = not self._pace.clear(now_s) or self._pace.rest_s(now_s) > 0
        return not self._news

    def _catch_up(self) -> None:
        if self._news and self.takes_news():
            self._app.show_latest()
