"""The command palette, from the command table."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING, cast

from rich.text import Text
from textual.command import DiscoveryHit, Hit, Provider

from kapture_tui.tui import themes
from kapture_tui.tui.commands import Command, commands_for, shown
from kapture_tui.tui.screens.base import Stage
from kapture_tui.tui.screens.tables import TableStage

if TYPE_CHECKING:
    from kapture_tui.tui.app import ConsoleApp


class Commands(Provider):
    """Finds the commands of the screen the palette was opened on."""

    def _available(self) -> Iterable[Command]:
        places = self.screen.PLACES if isinstance(self.screen, Stage) else ()
        return (c for c in commands_for(*places, "everywhere") if c.action != "command_palette")

    async def _do(self, command: Command) -> None:
        if isinstance(self.screen, Stage) and self.screen.refuses(command.id):
            return
        await self.screen.run_action(command.address)

    def _told(self, command: Command) -> Text:
        """What it does, quietly and with the reason where it is off."""
        why = self.screen.refusal(command.id) if isinstance(self.screen, Stage) else ""
        return Text(f"{command.help}: {why}", "dim") if why else Text(command.help)

    def _help(self, command: Command) -> str:
        keys = cast("ConsoleApp", self.app).keys[command.id]
        return "  ".join(shown(key) for key in keys.split(","))

    def _choices(self) -> Iterator[tuple[str, Callable[[], object]]]:
        """What commands ask for, as commands of their own: the column, the theme."""
        screen = self.screen
        if isinstance(screen, TableStage) and (panel := screen.table()) is not None:
            for column in panel.columns:
                yield f"sort by {column}", partial(screen.sort_by, column)
        for name in themes.names():
            yield f"theme {name}", partial(cast("ConsoleApp", self.app).choose_theme, name)

    async def discover(self) -> AsyncIterator[DiscoveryHit]:
        """Offer all of them before anything is typed."""
        for command in self._available():
            yield DiscoveryHit(self._told(command), partial(self._do, command), help=self._help(command))

    async def search(self, query: str) -> AsyncIterator[Hit]:
        """Offer those whose help or id matches what was typed, and what they could be given."""
        matcher = self.matcher(query)
        for command in self._available():
            if (score := max(matcher.match(command.help), matcher.match(command.id))) > 0:
                told = self._told(command)
                hit = told if told.style else cast(Text, matcher.highlight(command.help))
                yield Hit(score, hit, partial(self._do, command), text=command.help, help=self._help(command))
        for choice, choose in self._choices():
            if (score := matcher.match(choice)) > 0:
                yield Hit(score, cast(Text, matcher.highlight(choice)), choose, text=choice)
