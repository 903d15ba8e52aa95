"""The setup screen: what shall be started?"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import replace

from textual.events import Key, Paste
from textual.geometry import Size
from textual.widget import Widget

from kapture_tui.model.errors import KaptureError, UsageError
from kapture_tui.model.spec import Component, StackSpec, refuse_reserved
from kapture_tui.targets.base import Connection, Target
from kapture_tui.tui.arrange import Place
from kapture_tui.tui.form import Form
from kapture_tui.tui.panels import setup
from kapture_tui.tui.picture import Picture
from kapture_tui.tui.questions import deployment, whereabouts
from kapture_tui.tui.screens.base import Stage, bindings
from kapture_tui.tui.widgets.panel import Panel

WIDEST, HIGHEST = 104, 24
"""Cells and rows beyond which the form does not grow."""

LOOK_S = 0.5
"""How often to look whether something else was chosen, which the target has to be asked about again."""


AGAIN_S = 5.0
"""How long to wait before a cluster that did not answer is asked again."""


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
        self._target: Target | None = None
        self._target_of: tuple[str, Connection, str] | None = None
        self._asked_s = 0.0

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

    def denied(self) -> Mapping[str, str]:
        """What may not be done where the stack would go."""
        return self.form.denied if self.form.on_cluster else {}

    def on_mount(self) -> None:
        """Ask the target what can run, after the first paint."""
        self.call_after_refresh(self._begin)

    def on_unmount(self) -> None:
        """Let the target that was asked go."""
        super().on_unmount()
        if self._target is not None:
            self.console.let_go(self._target)

    def _begin(self) -> None:
        # Textual waits for what a callback returns: the task must stay in here.
        self.console.start(self._look(), self)

    async def _look(self) -> None:
        """Ask again whenever something else was chosen, or nobody has answered, until the screen is left."""
        self._read_contexts()
        asked: object = None
        asking: asyncio.Task[None] | None = None
        while True:
            wanted = (self.form.target, self.form.connection, self._wanted())
            tired = self.form.trouble and self.console.clock() - self._asked_s >= AGAIN_S
            if wanted != asked or (tired and (asking is None or asking.done())):
                if asking is not None:
                    asking.cancel()  # what it waits for is not wanted any more
                asked = wanted
                asking = self.console.start(self._ask(self._wanted()), self)
            await asyncio.sleep(LOOK_S)

    def _read_contexts(self) -> None:
        form = self.form
        try:
            form.contexts = self.console.options.contexts(form.connection)
            form.no_cluster = "" if form.contexts else "no kubeconfig: set KUBECONFIG or use --kubeconfig"
        except KaptureError as exc:
            form.no_cluster = str(exc)
        self.main.redraw()

    def _wanted(self) -> StackSpec:
        try:
            return self.form.spec()
        except UsageError:
            return self.form.base

    async def _ask(self, spec: StackSpec) -> None:
        form = self.form
        try:
            target = self._target_for(spec)
            if form.on_cluster:
                answers = await asyncio.gather(target.place(), target.denied(), target.preflight(spec))
                form.place, form.denied, form.findings = answers
            else:
                form.findings = await target.preflight(spec)
            form.trouble = ""
        except KaptureError as exc:
            form.findings, form.place, form.denied, form.trouble = (), None, {}, str(exc)
            if not form.on_cluster:
                self.say(str(exc), "trouble")
        self._asked_s = self.console.clock()
        self.main.redraw()
        if self.keybar is not None:
            self.keybar.redraw()

    def _target_for(self, spec: StackSpec) -> Target:
        """The target to ask; the same one as long as the place is the same. Raises KaptureError."""
        form = self.form
        place = (form.target, form.connection, spec.namespace)
        if self._target is None or place != self._target_of:
            if self._target is not None:
                self.console.let_go(self._target)
            opened = self.console.options.open_target(form.target, spec.namespace, form.connection)
            self._target, self._target_of = opened, place
        return self._target

    def action_next_panel(self) -> None:
        """Go to the next place."""
        self.main.move("next")

    def action_previous_panel(self) -> None:
        """Go to the previous place."""
        self.main.move("previous")

    def action_choose(self) -> None:
        """Choose or drop what is selected; offer contexts and namespaces."""
        kind, _, name = (self.main.selected or "").partition("/")
        if kind == "component":
            self._toggle(Component(name))
        elif kind == "where":
            self._choose_target(name)
        elif (kind, name) == ("field", "namespace") and self.form.on_cluster:
            self.console.start(self._offer_namespaces(), self)
        self.main.redraw()

    def _toggle(self, component: Component) -> None:
        if component is Component.KAFKA:
            self.say("every stack has kafka", "warn")
        elif not self.form.toggle(component):
            self.say(f"{component.value}: {self.form.refusal(component)}", "warn")

    def _choose_target(self, target: str) -> None:
        form = self.form
        if target == "kubernetes" and form.no_cluster:
            self.say(f"cluster: {form.no_cluster}", "warn")
        elif target != form.target:
            form.choose(target)
            if target == "kubernetes" and not form.context():
                self._offer_contexts()
        elif target == "kubernetes":
            self._offer_contexts()

    def _offer_contexts(self) -> None:
        from kapture_tui.tui.screens.dialogs import Choice

        choices = {info.name: f"{info.server} as {info.user}" for info in self.form.contexts}
        self.app.push_screen(Choice("context", choices, self.form.context()), self._choose_context)

    def _choose_context(self, name: str | None) -> None:
        if name is not None and name != self.form.context():
            self.form.choose("kubernetes", name)
            self.main.redraw()

    async def _offer_namespaces(self) -> None:
        from kapture_tui.tui.screens.dialogs import Choice

        self.say(f"asking {self.form.context()} for its namespaces…")
        try:
            found = await self.console.options.namespaces(self.form.connection)
        except KaptureError as exc:
            self.say(str(exc), "warn")
            return
        choices = {name: "" for name in found if _may_be_used(name)}
        text = self.form.fields["namespace"].text
        self.app.push_screen(Choice("namespace", choices, text), self._choose_namespace)

    def _choose_namespace(self, name: str | None) -> None:
        if name is not None:
            self.form.fields["namespace"] = replace(self.form.fields["namespace"], text=name).entered()
            self.main.redraw()

    def on_click(self) -> None:
        """A click chooses, and on the button starts."""
        if self.main.selected == setup.START:
            self.action_start()
        else:
            self.action_choose()

    def action_start(self) -> None:
        """Start what is chosen, unless something about it is wrong; a cluster is asked about first."""
        if self.refuses("setup.start"):
            return
        try:
            spec = self.form.spec()
        except UsageError as exc:
            self.main.select(setup.FIELD + exc.doing)
            self.say(f"{exc.doing}: {exc.cause}", "trouble")
            return
        if not self.form.on_cluster:
            self.console.deploy(spec)
        elif why := setup.hindrance(self.form):
            self.say(*why)
        else:
            self._ask_and_start(spec)

    def _ask_and_start(self, spec: StackSpec) -> None:
        from kapture_tui.tui.screens.dialogs import Question

        place = self.form.here()
        if self.console.options.yes or place is None:
            self.console.deploy(spec, agreed=True)
            return

        def start(agreed: bool | None) -> None:
            if agreed:
                self.console.deploy(spec, agreed=True)

        self.app.push_screen(Question(*whereabouts(place), deployment(spec)), start)


def _may_be_used(namespace: str) -> bool:
    try:
        refuse_reserved(namespace)
    except UsageError:
        return False
    return True
