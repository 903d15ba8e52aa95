"""The setup screen: what shall be started?"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping

from textual.events import Key, Paste
from textual.geometry import Size
from textual.widget import Widget

from kapture_tui.model.errors import KaptureError, UsageError
from kapture_tui.model.spec import Component, StackSpec
from kapture_tui.tui.arrange import Place
from kapture_tui.tui.form import Form
from kapture_tui.tui.panels import setup
from kapture_tui.tui.picture import Picture
from kapture_tui.tui.screens.base import Stage, bindings
from kapture_tui.tui.widgets.panel import Panel

WIDEST, HIGHEST = 104, 24
"""Cells and rows beyond which the form does not grow."""

LOOK_S = 0.5
"""How often to look whether something else was chosen, which the target has to be asked about again."""


class FormPanel(Panel):
    """The form; typing goes to the selected field."""

    def __init__(self, form: Form) -> None:
        super().__init__("main", self._picture_of)
        self.form = form
        self.selected = setup.FIELD + "scale"

    def _picture_of(self, cells: int, rows: int) -> Picture:
        return setup.picture(self.form, cells, rows, self.selected)

    def move(self, where: str) -> bool:
        """Move, and make the field that is entered ready to be typed over."""
        moved = super().move(where)
        if (name := self._field()) is not None:
            self.form.fields[name] = self.form.fields[name].entered()
            self.redraw()
        return moved

    def _field(self) -> str | None:
        selected = self.selected or ""
        return selected.removeprefix(setup.FIELD) if selected.startswith(setup.FIELD) else None

    def on_key(self, event: Key) -> None:
        """Edit the selected field; what it does not take goes on to the bindings."""
        name = self._field()
        if name is None:
            return
        field = self.form.fields[name]
        typed = event.character if event.is_printable and event.character else ""
        after = field.typed(typed) if typed and typed in field.allowed else field.edited(event.key)
        if after is not None:
            event.stop()
            event.prevent_default()
            self.form.fields[name] = after
            self.redraw()

    def on_paste(self, event: Paste) -> None:
        """Take what the field allows of a pasted text."""
        if (name := self._field()) is not None:
            self.form.fields[name] = self.form.fields[name].typed(event.text)
            self.redraw()


class SetupScreen(Stage):
    """Asks what to start; Enter starts it."""

    PLACES = ("setup",)
    BINDINGS = bindings("setup", "list")

    def __init__(self, form: Form) -> None:
        super().__init__()
        self.form = form
        self.main = FormPanel(form)

    def compose(self) -> Iterable[Widget]:
        """The form and the keys."""
        yield self.main
        yield self.make_keybar()

    def rectangles(self, size: Size) -> Mapping[str, Place]:
        """Return the form's place: the whole screen, or its middle where there is more room than needed."""
        width, height = min(size.width, WIDEST), min(size.height - 1, HIGHEST)
        x, y = (size.width - width) // 2, max(0, (size.height - 1 - height) // 3)
        return {
            "main": Place(x, y, width, height),
            "keys": Place(0, size.height - 1, size.width, 1),
        }

    def on_mount(self) -> None:
        """Ask the target what can run, after the first paint."""
        self.call_after_refresh(lambda: self.console.start(self._look(), self))

    async def _look(self) -> None:
        """Ask again whenever something else was chosen, until the screen is left."""
        asked: StackSpec | None = None
        while True:
            if (wanted := self._wanted()) != asked:
                asked = wanted
                await self._ask(wanted)
            await asyncio.sleep(LOOK_S)

    def _wanted(self) -> StackSpec:
        try:
            return self.form.spec()
        except UsageError:
            return self.form.base

    async def _ask(self, spec: StackSpec) -> None:
        try:
            self.form.findings = await self.console.open_session(spec).preflight(spec)
        except KaptureError as exc:
            self.form.findings = ()
            self.say(str(exc), "trouble")
        self.main.redraw()

    def action_next_panel(self) -> None:
        """Go to the next place."""
        self.main.move("next")

    def action_previous_panel(self) -> None:
        """Go to the previous place."""
        self.main.move("previous")

    def action_choose(self) -> None:
        """Choose or drop the selected component."""
        selected = self.main.selected or ""
        if selected.startswith(setup.COMPONENT):
            component = Component(selected.removeprefix(setup.COMPONENT))
            if component is Component.KAFKA:
                self.say("every stack has kafka", "warn")
            elif not self.form.toggle(component):
                self.say(f"{component.value}: {self.form.refusal(component)}", "warn")
            self.main.redraw()
        elif selected == f"{setup.WHERE}kubernetes":
            self.say(f"cluster: {setup.LATER}", "warn")

    def on_click(self) -> None:
        """A click chooses, and on the button starts."""
        if self.main.selected == setup.START:
            self.action_start()
        else:
            self.action_choose()

    def action_start(self) -> None:
        """Start what is chosen, unless something about it is wrong."""
        try:
            spec = self.form.spec()
        except UsageError as exc:
            self.main.select(setup.FIELD + exc.doing)
            self.say(f"{exc.doing}: {exc.cause}", "trouble")
            return
        self.console.deploy(spec)
