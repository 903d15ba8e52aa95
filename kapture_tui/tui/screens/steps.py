"""Screens on which steps go by: deploying and tearing down."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Iterable, Sequence

from textual.widget import Widget

from kapture_tui.model.errors import KaptureError
from kapture_tui.model.event import Event
from kapture_tui.tui.actions import Session
from kapture_tui.tui.commands import commands_for
from kapture_tui.tui.figures import plural
from kapture_tui.tui.lines import Line, line
from kapture_tui.tui.panels.steps import picture
from kapture_tui.tui.picture import Picture
from kapture_tui.tui.screens.base import Stage, bindings
from kapture_tui.tui.steps import Progress
from kapture_tui.tui.widgets.panel import Panel

TICK_S = 0.25
"""How often the time of a running step is drawn again."""


class StepsScreen(Stage):
    """Shows events as steps until they end; what failed stays on the screen.

    Attributes:
        failure: what ended it early.
        over: there is nothing more to come.
    """

    PLACES = ("steps",)
    BINDINGS = bindings("steps", "list")

    def __init__(self, session: Session, title: str) -> None:
        super().__init__()
        self.session = session
        self.failure: KaptureError | None = None
        self.over = False
        self.main = Panel("main", self.draw)
        self._title = title
        self._progress = Progress()

    def compose(self) -> Iterable[Widget]:
        """The steps and the keys."""
        yield self.main
        yield self.make_keybar()

    def on_mount(self) -> None:
        """Begin."""
        self._say_keys()
        self._ticking = self.set_interval(TICK_S, self.main.redraw)
        self.console.start(self._run(), self)

    def events(self) -> AsyncIterator[Event]:
        """Return the events to show."""
        raise NotImplementedError

    def ended(self) -> None:
        """Go on after the last event, failed or not."""

    def closing(self) -> Sequence[Line]:
        """Return lines below the steps."""
        return ()

    async def _run(self) -> None:
        try:
            async for event in self.events():
                self.took(event)
                self._progress = self._progress.after(event, self.console.clock())
                self.main.redraw()
        except KaptureError as exc:
            self.failure = exc
            self.console.failed(exc)
            self._progress = self._progress.failed(self.console.clock())
        self.over = True
        self._ticking.stop()
        self._say_keys()
        self.main.redraw()
        self.ended()

    def meant(self) -> Collection[str]:
        """Return the ids of the commands that mean something now."""
        return ()

    def _say_keys(self) -> None:
        if self.keybar is not None:
            meant = self.meant()
            self.keybar.unsaid = [c.id for c in commands_for("steps") if c.id not in meant]
            self.keybar.labels["app.quit"] = self.console.leaving(brief=True)
            self.keybar.redraw()

    def took(self, event: Event) -> None:
        """Look at an event before it is shown."""

    def draw(self, cells: int, rows: int) -> Picture:
        """Return the steps."""
        return picture(self._title, self._progress, self.console.clock(), cells, self.failure, self.closing())

    @property
    def last(self) -> str:
        """The text of the latest event."""
        return self._progress.last


class DeployScreen(StepsScreen):
    """Starts a stack and goes on to the dashboard when it is ready."""

    def __init__(self, session: Session) -> None:
        super().__init__(session, f"starting {session.namespace}")

    def meant(self) -> Collection[str]:
        """After a failure there is a choice."""
        return ("steps.retry", "steps.back") if self.failure is not None else ()

    def events(self) -> AsyncIterator[Event]:
        """The deploy's."""
        return self.session.deploy()

    def closing(self) -> Sequence[Line]:
        """Say what can be done after a failure."""
        if self.failure is None:
            return ()
        keys = self.console.key
        return [
            line(
                (f"{keys('steps.retry')} ", "accent"),
                ("tries again  ", "dim"),
                (f"{keys('steps.back')} ", "accent"),
                ("changes the setup  ", "dim"),
                (f"{keys('app.quit')} ", "accent"),
                ("quits", "dim"),
            )
        ]

    def ended(self) -> None:
        """Go to the dashboard."""
        if self.failure is None:
            self.console.dashboard()

    def action_retry(self) -> None:
        """Start the same stack again."""
        if self.failure is not None and self.session.spec is not None and not self.refuses("steps.retry"):
            self.console.deploy(self.session.spec, self.session.agreed)

    def action_back(self) -> None:
        """Change the setup."""
        if self.failure is not None:
            self.console.setup()
        else:
            self.say("it is being started; q stops it", "warn")

    def action_proceed(self) -> None:
        """Nothing to go on to before it is ready."""


class TeardownScreen(StepsScreen):
    """Removes a stack; the list of what is left empties."""

    REMOVES = True

    def __init__(self, session: Session, leave: bool) -> None:
        super().__init__(session, f"removing {session.namespace}")
        self._leave = leave
        self._asked = False
        self._left = {pod.name: pod.component for pod in session.latest.pods}

    def meant(self) -> Collection[str]:
        """At the end one can go on; after a failure try again."""
        return ("steps.continue",) if self.over else ("steps.retry",) if self.failure is not None else ()

    async def events(self) -> AsyncIterator[Event]:
        """The teardown's, once whatever was going on has been given up."""
        await self.console.settle(self)
        async for event in self.session.destroy():
            yield event

    def may_leave(self) -> bool:
        """The first time it says that there is more to come; who asks again need not wait."""
        if self.over or self._asked:
            return True
        self._asked = True
        self.say(f"still removing; {self.console.key('app.quit')} again leaves without waiting", "warn")
        return False

    def took(self, event: Event) -> None:
        """Strike out what has gone."""
        if event.done:
            gone = {event.subject, event.step}
            self._left = {name: of for name, of in self._left.items() if not {name, of} & gone}

    def closing(self) -> Sequence[Line]:
        """Return what is left, and at the end how to go on."""
        if not self.over:
            kind = ("process", "processes") if self.session.target.name == "local" else ("pod", "pods")
            what = f"{plural(len(self._left), *kind)} left  " if self._left else ""
            return [line((what, "strong"), ("  ".join(sorted(self._left)), "dim"))]
        if self.failure is not None:
            return [line((f"{self.console.key('app.quit')} ", "accent"), ("quits", "dim"))]
        done = line((self.last or f"nothing left in {self.session.namespace}", "good"))
        return [done] if self._leave else [done, line(("enter ", "accent"), ("sets up another run", "dim"))]

    def ended(self) -> None:
        """Leave, if that is what it was for and nothing went wrong."""
        if self.failure is None:
            self.console.removed(self.last)
        if self._leave and self.failure is None:
            self.console.exit_now()

    def action_proceed(self) -> None:
        """Set up another run."""
        if self.over:
            self.console.setup()

    def action_back(self) -> None:
        """Set up another run."""
        self.action_proceed()

    def action_retry(self) -> None:
        """Try again to remove what is left."""
        if self.failure is not None:
            self.console.teardown(leave=self._leave)
