"""The console's app: which screen is on top, one session, one feed. Actions live in `actions`, drawing in `panels`.

Screens that come later are imported when they come: the first one is painted sooner.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from time import monotonic
from typing import TYPE_CHECKING, Any, ClassVar

from textual.screen import Screen

from kapture_tui.model.errors import KaptureError
from kapture_tui.model.snapshot import Snapshot
from kapture_tui.model.spec import StackSpec
from kapture_tui.tui import hangup
from kapture_tui.tui.actions import Session, exit_code
from kapture_tui.tui.commands import shown
from kapture_tui.tui.feed import Feed
from kapture_tui.tui.form import form_for
from kapture_tui.tui.history import History
from kapture_tui.tui.options import ConsoleOptions
from kapture_tui.tui.palette import Commands
from kapture_tui.tui.questions import Fact, whereabouts
from kapture_tui.tui.rival import Rival
from kapture_tui.tui.screens.base import Stage, bindings
from kapture_tui.tui.screens.setup import SetupScreen
from kapture_tui.tui.terminal_app import TerminalApp
from kapture_tui.tui.themes import Palette

if TYPE_CHECKING:
    from rich.console import RenderableType

    from kapture_tui.targets.base import Target
    from kapture_tui.tui.measuring import Measuring


CLOSE_S = 2.0
"""How long connections may take to be let go, seconds."""

COLLECT = (20_000, 10, 10)
"""When garbage is looked for; see `gc.set_threshold`. With the usual 700 new objects, all there are of 10,000 pods were
looked through every four seconds, for 0.2 s each time, in which no key was answered."""

LOOK_AGAIN_S = 5.0
"""How long to wait before a cluster that did not answer is asked again who we are."""


class ConsoleApp(TerminalApp, inherit_bindings=False):
    """The console.

    Attributes:
        options: what it was opened with.
        keys: the keymap in force, by command id.
        history: of its figures.
        failure: the error its deploy or teardown ended with.
        rival: the earlier run that is seen beside the one at hand.
        verdict: the exit code of what was measured; None: nothing was.
    """

    COMMANDS: ClassVar = {Commands}
    BINDINGS = bindings("everywhere")

    def __init__(
        self,
        options: ConsoleOptions,
        palette: Palette,
        keys: Mapping[str, str],
        clock: Callable[[], float] = monotonic,
        follows_terminal: bool = False,
    ) -> None:
        super().__init__(palette, clock, follows_terminal)
        self.options = options
        self.keys = keys
        self.failure: KaptureError | None = None
        self.history = History()
        self.rival = Rival()
        self.verdict: int | None = None
        self._measuring: Measuring | None = None
        self._form = form_for(options.spec, options.target, options.connection)
        self._session: Session | None = None
        self._feed: asyncio.Task[None] | None = None
        self._tasks: dict[asyncio.Task[None], Screen[Any]] = {}
        self._looking: asyncio.Task[None] | None = None
        self._let_go: set[asyncio.Task[None]] = set()
        self._running_here = False
        self._hung_up = False
        self._epitaph = ""
        self.set_keymap(dict(keys))

    def run_until_left(self) -> int:
        """Run on the terminal; return the exit code."""
        code = self.run(mouse=self.mouse)
        if self._epitaph and not self._hung_up:
            print(self._epitaph)
        return self.return_code or 1 if code is None else code

    def key(self, command: str) -> str:
        """Return the first key of a command as people write it."""
        return shown(self.keys[command].split(",")[0])

    # Screens

    def on_ready(self) -> None:
        """The first screen is painted: see `run_console`."""
        if not gc.isenabled():
            gc.freeze()  # what was imported stays: nobody need look through it again
            gc.set_threshold(*COLLECT)
            gc.enable()

    def on_mount(self) -> None:
        """Watch the terminal, and the stack if there is one already."""
        hangup.install(self.hang_up)
        self._running_here = self.options.start
        if self.options.attach or self.options.start:
            self._look_around()
        if self.options.attach:
            self._follow()
        self.push_screen(self._first_screen())

    def _first_screen(self) -> Screen[Any]:
        if self.options.attach:
            from kapture_tui.tui.screens.dashboard import Dashboard

            return Dashboard()
        if self.options.start:
            from kapture_tui.tui.screens.steps import DeployScreen

            return DeployScreen(self.session)
        return SetupScreen(self._form)

    def setup(self) -> None:
        """Show the setup screen."""
        self._stop_following()
        self.switch_screen(SetupScreen(self._form))

    def deploy(self, spec: StackSpec, agreed: bool = False) -> None:
        """Start a stack; `agreed`: a person has agreed to changes of its cluster."""
        from kapture_tui.tui.screens.steps import DeployScreen

        if self._session is not None:
            self.let_go(self._session.target)
        self._session = self.open_session(spec)
        self.session.agreed = agreed
        self.session.found = self._form.here()
        self._look_around()
        self.failure, self.verdict, self._epitaph = None, None, ""
        self._running_here = True
        self.switch_screen(DeployScreen(self.session))

    def dashboard(self) -> None:
        """Show the running stack."""
        from kapture_tui.tui.screens.dashboard import Dashboard

        self._follow()
        self.switch_screen(Dashboard())

    def teardown(self, leave: bool) -> None:
        """Remove the stack, and then leave the console or not."""
        from kapture_tui.tui.screens.steps import TeardownScreen

        self._stop_following()
        while self.screen is not self.bottom_stage():
            self.pop_screen()
        self.switch_screen(TeardownScreen(self.session, leave))

    def measure(self, measuring: Measuring) -> None:
        """Show a run of `bench`, which begins; the stack that is there goes."""
        from kapture_tui.tui.screens.bench import BenchScreen

        self._stop_following()
        while self.screen is not self.bottom_stage():
            self.pop_screen()
        self._running_here, self._measuring = True, measuring
        self.begin_history()
        self.switch_screen(BenchScreen(measuring))

    def measured(self, measuring: Measuring) -> None:
        """Take note that a run of `bench` is over, and that nothing is left of its deployments."""
        self._running_here = False
        self.verdict = measuring.exit_code
        self._epitaph = measuring.epitaph

    def race(self, rival: Rival) -> None:
        """Have an earlier run beside the one at hand."""
        self.rival = rival
        self.history.race(rival.ghost)
        for screen in self.screen_stack:
            if isinstance(screen, Stage):
                screen.show(screen.latest)

    def begin_history(self) -> None:
        """Forget the figures of what was seen before; the rival stays."""
        self.history = History()
        self.history.race(self.rival.ghost)

    def saw(self, snapshot: Snapshot) -> None:
        """Take a snapshot of what is being measured."""
        self.history.feed(snapshot)
        self.session.latest = snapshot
        self._show(snapshot)

    def failed(self, error: KaptureError) -> None:
        """Take note that a deploy or a teardown failed; after a deploy that failed nothing is running."""
        self.failure = error
        self._running_here = self._running_here and self.bottom_stage().REMOVES
        self._epitaph = str(error)

    def removed(self, last: str) -> None:
        """Take note that the stack has been removed."""
        self._running_here = False
        self._epitaph = last or f"nothing left in {self.session.namespace}"

    @property
    def session(self) -> Session:
        """The stack on the screen. Its target is opened when it is wanted: the setup screen is painted sooner."""
        if self._session is None:
            self._session = self.open_session(self._form.base)
        return self._session

    def open_session(self, spec: StackSpec) -> Session:
        """Return a session for a stack. Raises KaptureError: the target cannot be opened."""
        form = self._form
        target = self.options.open_target(form.target, spec.namespace, form.connection)
        return Session(target, spec.namespace, None if self.options.attach else spec, self.options.readonly)

    async def agreed(self, *what: Fact) -> bool:
        """Return whether a person agrees to a change: on a cluster they are asked before the first one.

        Raises: KaptureError: the cluster does not say where we are.
        """
        session = self.session
        if session.agreed or session.target.name == "local" or self.options.yes:
            return True
        from kapture_tui.tui.screens.dialogs import Question

        place = await session.whereabouts()
        answer: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

        def take(agreed: bool | None) -> None:
            if not answer.done():
                answer.set_result(bool(agreed))

        self.push_screen(Question(*whereabouts(place), *what), take)
        session.agreed = await answer
        return session.agreed

    def whereabouts(self) -> tuple[Fact, ...]:
        """Return where the stack is, for a question; nothing on this machine, or while the cluster has not said."""
        place = self.session.place
        return whereabouts(place) if place is not None else ()

    def let_go(self, target: Target) -> None:
        """Close a target that is not used any more."""
        task = asyncio.get_running_loop().create_task(self._end(target))
        self._let_go.add(task)
        task.add_done_callback(self._let_go.discard)

    async def _end(self, target: Target) -> None:
        with suppress(KaptureError, TimeoutError):
            async with asyncio.timeout(CLOSE_S):
                await target.close()

    async def _shutdown(self) -> None:
        """Let connections go, too; of what is being measured nothing stays."""
        if self._measuring is not None:
            await self._measuring.stopped()
        for task in filter(None, (self._feed, self._looking)):
            task.cancel()
        if self._session is not None:
            self.let_go(self._session.target)
        await super()._shutdown()
        await asyncio.gather(*self._let_go, return_exceptions=True)

    def _look_around(self) -> None:
        """Ask the cluster who we are and what we may do there, until it answers."""
        if self._looking is not None:
            self._looking.cancel()
        self._looking = asyncio.get_running_loop().create_task(self._ask_around(self.session))
        self._looking.add_done_callback(self._finished)

    async def _ask_around(self, session: Session) -> None:
        while True:
            try:
                await session.look_around()
                break
            except KaptureError:
                await asyncio.sleep(LOOK_AGAIN_S)  # that nobody answers, the snapshots say
        for screen in self.screen_stack if self.is_running else ():
            if isinstance(screen, Stage) and screen.keybar is not None:
                screen.keybar.redraw()

    def top_stage(self) -> Stage:
        """Return the full screen on top, below any dialog."""
        return next(screen for screen in reversed(self.screen_stack) if isinstance(screen, Stage))

    def bottom_stage(self) -> Stage:
        """Return the screen that others are opened from; below it is only Textual's blank one."""
        return next(screen for screen in self.screen_stack if isinstance(screen, Stage))

    def tell(self, error: KaptureError) -> None:
        """Show what could not be done."""
        from kapture_tui.tui.screens.dialogs import Failure

        self.push_screen(Failure(error))

    # Leaving

    def leaving(self, brief: bool = False) -> str:
        """Return what quitting does now: for the line of keys, or as a sentence."""
        key = self.key("app.quit")
        if not (self.options.attach or self._running_here):
            return "quit" if brief else f"{key} leaves the console; nothing is running."
        name = self.session.namespace
        if self._stops():
            return "quit, stops it" if brief else f"{key} stops {name}, with everything in it, and leaves."
        stays = f"{key} leaves the console; {name} goes on running: {self._picked_up_by()} shows it again."
        return "quit, it stays" if brief else stays

    def _picked_up_by(self) -> str:
        """The command that shows the stack again."""
        context = self._form.connection.context
        where = f" --context {context}" if self.session.target.name != "local" and context else ""
        return f"kapture-tui attach {self.session.namespace}{where}"

    def _stops(self) -> bool:
        """Whether leaving stops the stack: one on this machine that this console started, unless told to keep it."""
        if not self._running_here:
            return False
        spec = self.session.spec
        keep = self.options.keep or self.options.readonly or (spec is not None and spec.keep)
        return self.session.target.name == "local" and not keep

    def action_leave(self) -> None:
        """Leave; what that does to the stack `leaving` says."""
        screen = self.bottom_stage()
        if not screen.may_leave():
            return
        if self._stops() and not screen.REMOVES:
            self.teardown(leave=True)
        else:
            self.exit_now()

    def exit_now(self) -> None:
        """Leave with the exit code that is due; what stays on a cluster is named."""
        runs = self.options.attach or self._running_here
        if runs and self.session.target.name != "local" and not self._epitaph:
            self._epitaph = f"{self.session.namespace} goes on running: {self._picked_up_by()}"
        latest = self._session.latest if self._session is not None else Snapshot()
        self.exit(self.verdict if self.verdict is not None else exit_code(latest, self.failure))

    def hang_up(self) -> None:
        """Leave because the terminal is gone; the stack is left to its supervisor."""
        if not self._hung_up:
            self._hung_up = True
            hangup.detach()
            self.exit(hangup.EXIT_CODE)

    def panic(self, *renderables: RenderableType) -> None:
        """A terminal that is gone is no reason for a traceback."""
        if self._hung_up or hangup.terminal_gone():
            self.hang_up()
        else:
            super().panic(*renderables)

    # Snapshots and tasks

    def start(self, job: Coroutine[Any, Any, None], screen: Screen[Any]) -> asyncio.Task[None]:
        """Run a task that ends with a screen."""
        task = asyncio.get_running_loop().create_task(job)
        self._tasks[task] = screen
        task.add_done_callback(self._finished)
        return task

    async def settle(self, screen: Screen[Any]) -> None:
        """Cancel the tasks of all other screens and wait until they have cleaned up."""
        others = [task for task, owner in self._tasks.items() if owner is not screen]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    def cancel(self, screen: Screen[Any]) -> None:
        """Cancel the tasks of a screen that is closed."""
        for task, owner in self._tasks.items():
            if owner is screen:
                task.cancel()

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.pop(task, None)
        if not task.cancelled() and isinstance(error := task.exception(), Exception):
            self._handle_exception(error)

    def _follow(self) -> None:
        self._stop_following()
        self.begin_history()
        feed = Feed(self.session, self.history, self.options.watch, self._show, self._say_trouble)
        self._feed = asyncio.get_running_loop().create_task(feed.run())
        self._feed.add_done_callback(self._finished)

    def _stop_following(self) -> None:
        if self._feed is not None:
            self._feed.cancel()
            self._feed = None

    def show_latest(self) -> None:
        """Have the top screen show the newest snapshot."""
        if self.is_running and isinstance(self.screen, Stage):
            self.screen.show(self.session.latest)

    def _show(self, _: Snapshot) -> None:
        if self.takes_news():
            self.show_latest()

    def _say_trouble(self, error: KaptureError) -> None:
        if self.is_running:
            self.top_stage().say(str(error), "trouble")

    def say(self, text: str, role: str = "accent") -> None:
        """Show a short message on the screen on top."""
        self.top_stage().say(text, role)

    # Help

    def action_help(self) -> None:
        """Show every key."""
        from kapture_tui.tui.screens.reading import Help

        if not isinstance(self.screen, Help):
            self.push_screen(Help())
