"""What the keys of the dashboard do to the stack: each asks, calls the session, and says what came of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from kapture_tui.model.errors import KaptureError
from kapture_tui.model.spec import Component
from kapture_tui.model.states import STATES
from kapture_tui.tui.actions import removal
from kapture_tui.tui.panels import events, pods
from kapture_tui.tui.questions import Fact
from kapture_tui.tui.screens.base import Stage
from kapture_tui.tui.screens.dialogs import ByHandDialog, Confirm, Scale, Teardown
from kapture_tui.tui.screens.reading import Details, Logs
from kapture_tui.tui.screens.state import StateScreen


class Acting(Stage):
    """A screen on which things are selected, and done to what is selected."""

    def selection(self) -> str | None:
        """Return the key of what is selected; None: nothing is."""
        raise NotImplementedError

    def chosen_pod(self) -> str | None:
        """Return the key of the component or pod that is selected; None: there is none."""
        raise NotImplementedError

    def describe(self, key: str | None) -> None:
        """Show all about something; an event stands for its subject."""
        if key is not None and key.startswith(events.EVENT):
            key = self._subject(key)
        if key is None:
            self.say("select something first: tab goes through the panels", "warn")
        elif key in STATES:
            self.app.push_screen(self.state_of(key))
        else:
            self.app.push_screen(self.details_of(key))

    def details_of(self, key: str) -> Details:
        """Return the screen of all about something."""
        if key.startswith(pods.POD):
            self.console.session.described(key.removeprefix(pods.POD))
        return Details(key)

    def state_of(self, code: str) -> StateScreen:
        """Return the screen of a state."""
        return StateScreen(code)

    def _subject(self, key: str) -> str | None:
        """Return the key of what an event is about; None: nothing that is still there."""
        snapshot = self.latest
        subject = events.subject_of(key, snapshot)
        if subject.startswith("transactions."):
            return subject.partition(".")[2]
        if any(pod.name == subject for pod in snapshot.pods):
            return pods.POD + subject
        return pods.COMPONENT + subject if any(pod.component == subject for pod in snapshot.pods) else None

    def action_describe(self) -> None:
        """Show all about what is selected, with its events."""
        self.describe(self.selection())

    def action_logs(self) -> None:
        """Follow the log of the selected pod, or of all pods of the selected component."""
        key = self.chosen_pod()
        if self.refuses("select.logs"):
            return
        if key is None:
            self.say("there is no process yet", "warn")
            return
        self.app.push_screen(Logs(key.partition("/")[2]))

    def action_kill(self) -> None:
        """Ask whether the selected pod may be killed."""
        key = self.chosen_pod() or ""
        if self.refuses("select.kill"):
            return
        if not key.startswith(pods.POD):
            self.say("select a pod first: → unfolds a component", "warn")
            return
        pod = key.removeprefix(pods.POD)
        facts: tuple[Fact, ...] = (
            ("kills", f"{pod}, at once and without warning (SIGKILL)"),
            (
                "then",
                "whoever keeps the stack starts it again; what it had not reported yet is indeterminate",
            ),
        )
        self._ask("kill it?", facts, "Yes, kill it", lambda: self.console.session.kill(pod))

    def _ask(
        self, title: str, facts: tuple[Fact, ...], yes: str, action: Callable[[], Awaitable[str]]
    ) -> None:
        def take(agreed: bool | None) -> None:
            if agreed:
                self.console.start(self._do(action), self)

        self.app.push_screen(Confirm(title, (*self.console.whereabouts(), *facts), yes), take)

    async def _do(self, action: Callable[[], Awaitable[str]]) -> None:
        try:
            self.say(await action())
        except KaptureError as exc:
            self.console.tell(exc)

    def action_print(self) -> None:
        """Show the latest action as a command line."""
        line = self.console.session.last
        if line:
            self.app.push_screen(ByHandDialog(line))
        else:
            self.say("nothing has been done yet that has a command line", "warn")

    def action_more_loaders(self) -> None:
        """One loader more."""
        if not self.refuses("loader.more"):
            self.console.start(self._add_loaders(1), self)

    def action_fewer_loaders(self) -> None:
        """One loader less."""
        if not self.refuses("loader.less"):
            self.console.start(self._add_loaders(-1), self)

    async def _add_loaders(self, difference: int) -> None:
        one = "one loader more" if difference > 0 else "one loader less"
        try:
            if await self.console.agreed(("scales", one)):
                self.say(await self.console.session.add_loaders(difference))
        except KaptureError as exc:
            self.console.tell(exc)

    def action_scale(self) -> None:
        """Ask for numbers."""
        if not self.refuses("stack.scale"):
            self.app.push_screen(Scale(self.console.session), self._scale)

    def _scale(self, wanted: dict[Component, int] | None) -> None:
        if wanted:
            self.console.start(self._apply(wanted), self)

    async def _apply(self, wanted: dict[Component, int]) -> None:
        asked = ", ".join(f"{component.value} to {n}" for component, n in wanted.items())
        try:
            if not await self.console.agreed(("scales", asked)):
                return
            done = [await self.console.session.scale(component, n) for component, n in wanted.items()]
        except KaptureError as exc:
            self.console.tell(exc)
        else:
            self.say(", ".join(done))

    def action_bench(self) -> None:
        """Ask whether the stack may go, to be measured on fresh deployments."""
        session = self.console.session
        spec = session.spec or self.console.options.spec
        if self.refuses("bench.start"):
            return
        if spec is None or spec.has(Component.WEBAPP):
            why = "shoppers send what no trial has asked for" if spec else "what was deployed is not known"
            self.say(f"it cannot be measured: {why}", "warn")
            return
        from kapture_tui.tui.screens.bench import ask

        ask(self, session, spec)

    def action_teardown(self) -> None:
        """Ask whether the stack may go."""
        if self.refuses("stack.teardown"):
            return
        session = self.console.session
        spec = session.spec or self.console.options.spec
        volumes = spec is not None and spec.cluster.storage == "persistent"
        place = session.place
        goes = removal(session.latest, session.found, volumes)
        where = f" from {place.context}, {place.server}" if place else ""
        self.app.push_screen(Teardown(session.namespace, goes, where, session.shared()), self._teardown)

    def _teardown(self, agreed: bool | None) -> None:
        if agreed:
            self.console.teardown(leave=False)
