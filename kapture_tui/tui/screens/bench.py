"""Measuring what a stack carries: the question before, and the search as it happens."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

from textual.events import Resize
from textual.geometry import Size
from textual.widget import Widget

from kapture_tui.bench.order import LEAST_REPEATS, asked_for, begun, deployments, way_of, with_manifests
from kapture_tui.bench.result import Asked
from kapture_tui.model.errors import KaptureError, UsageError
from kapture_tui.model.snapshot import Snapshot
from kapture_tui.model.spec import StackSpec
from kapture_tui.tui.actions import Removal, Session, removal
from kapture_tui.tui.arrange import Place
from kapture_tui.tui.commands import BY_ID
from kapture_tui.tui.figures import plural, seconds
from kapture_tui.tui.lines import Line, fit, line
from kapture_tui.tui.measuring import Measuring, on_target
from kapture_tui.tui.panels import bench
from kapture_tui.tui.picture import Picture, Spot
from kapture_tui.tui.screens.base import Stage, bindings
from kapture_tui.tui.screens.dashboard import Dashboard
from kapture_tui.tui.screens.dialogs import Confirm, Teardown
from kapture_tui.tui.screens.racing import Racing
from kapture_tui.tui.text import left, right, wrap
from kapture_tui.tui.widgets.canvas import Canvas
from kapture_tui.tui.widgets.panel import Drawer, Panel

if TYPE_CHECKING:
    from kapture_tui.tui.app import ConsoleApp

TICK_S = 0.5
"""How often the time of the trial at work is drawn again."""

PANELS = ("known", "plot", "trials")
"""In the order the tab key goes through them; where there is room for one only, the first is shown."""


@dataclass(frozen=True, slots=True)
class Dial:
    """A figure that can be turned: its name, the steps it has, and how it is written."""

    name: str
    steps: tuple[float, ...]
    shown: Callable[[float], str]


DIALS = (
    Dial("budget", (15, 20, 30, 45, 60, 90, 120, 180, 240, 360, 480), lambda value: f"{value:.0f} min"),
    Dial("repeats", (LEAST_REPEATS, 4, 5, 6, 8, 10, 12), lambda value: f"{value:.0f}"),
    Dial("p99", (0.1, 0.2, 0.5, 1, 2, 5, 10), seconds),
)


class BenchQuestion(Teardown):
    """Asks whether the stack may go and be measured: how long, how often, and what that costs. "No" is in focus.

    Args:
        asked: what is asked for to begin with.
        namespace, removal, where, shared: as for a teardown.
    """

    CELLS = 72

    def __init__(
        self, asked: Asked, namespace: str, removal: Removal, where: str = "", shared: bool = False
    ) -> None:
        self.asked = asked
        super().__init__(namespace, removal, where, shared)
        self._title, self._yes = "measure what it carries?", "Yes, remove and measure"

    def draw(self, cells: int, rows: int) -> Picture:
        """Return the dials, what they come to, what goes and stays, and the two answers."""
        spots = tuple(Spot(dial.name, row, 0, cells) for row, dial in enumerate(DIALS))
        turned = [fit(self._dial(dial), cells) for dial in DIALS]
        why, plan = self._plan()
        told = [line((part, "warn" if why else "text")) for part in wrap(why or plan, cells)]
        asked = super().draw(cells, rows)
        above = (*turned, *told, ())
        moved = [replace(spot, row=spot.row + len(above)) for spot in asked.spots]
        if why:
            moved = moved[:1]
        return replace(
            asked,
            title=line((self._title, "title")),
            rows=(*above, *asked.rows),
            spots=(*spots, *moved),
            foot=line(("← → change a figure", "dim")),
        )

    def _dial(self, dial: Dial) -> Line:
        return line(
            (left(dial.name, 10), "dim"),
            ("◂ ", "dim"),
            (right(dial.shown(self._value(dial)), 8), "accent"),
            (" ▸", "dim"),
        )

    def _value(self, dial: Dial) -> float:
        asked = self.asked
        return {"budget": asked.budget_min, "repeats": asked.repeats, "p99": asked.p99_ms / 1000}[dial.name]

    def _plan(self) -> tuple[str, str]:
        """Why it cannot be, or what it comes to."""
        try:
            way = way_of(self.asked)
        except UsageError as exc:
            return f"{exc.cause}: {exc.remedy}", ""
        number = deployments(self.asked)
        whole_s = way.seconds * number
        return "", (
            f"{plural(number, 'fresh deployment')} of about {seconds(way.seconds)} each, one after the other: "
            f"{seconds(whole_s)} in all. Each is removed again; at the end nothing runs."
        )

    def action_move(self, where: str) -> None:
        """Left and right turn a dial; the rest moves."""
        dial = next((dial for dial in DIALS if dial.name == self.box.selected), None)
        if dial is None or where not in ("left", "right"):
            self.box.move(where)
            return
        self._turn(dial, 1 if where == "right" else -1)

    def _turn(self, dial: Dial, way: int) -> None:
        now = self._value(dial)
        beyond = [step for step in dial.steps if (step > now if way > 0 else step < now)]
        if not beyond:
            return
        value = min(beyond) if way > 0 else max(beyond)
        changed = {
            "budget": {"budget_min": float(value)},
            "repeats": {"repeats": int(value)},
            "p99": {"p99_ms": value * 1000},
        }
        self.asked = replace(self.asked, **changed[dial.name])  # type: ignore[arg-type]
        self.box.redraw()

    def action_accept(self) -> None:
        """Answer; on a dial go on to the answers."""
        if self.box.selected in ("yes", "no"):
            super().action_accept()
        else:
            self.box.select("no")


def ask(screen: Stage, session: Session, spec: StackSpec) -> None:
    """Ask whether a stack that runs may go, and measure it if so."""
    console = screen.console
    place = session.place
    where = f" from {place.context}, {place.server}" if place else ""
    volumes = spec.cluster.storage == "persistent"
    question = BenchQuestion(
        asked_for(spec, session.target.name),
        session.namespace,
        removal(session.latest, session.found, volumes),
        where,
        session.shared(),
    )

    def take(agreed: bool | None) -> None:
        if agreed:
            measure(console, session, spec, question.asked)

    console.push_screen(question, take)


def measure(console: ConsoleApp, session: Session, spec: StackSpec, asked: Asked) -> None:
    """Remove the stack that runs and measure it on fresh deployments."""
    try:
        result = with_manifests(begun(asked, spec.load.seed), spec)
        measuring = on_target(
            session.target,
            spec,
            result,
            console.options.results,
            console.saw,
            console.options.watch,
            console.clock,
            session.destroy(),
            session.place.context if session.place else "",
        )
    except KaptureError as exc:
        console.tell(exc)
    else:
        console.measure(measuring)


class HeaderBar(Canvas):
    """The first line."""

    def __init__(self, screen: BenchScreen) -> None:
        super().__init__(id="header")
        self._screen = screen

    def draw(self, cells: int, rows: int) -> tuple[Line, ...]:
        """Return the line."""
        return (bench.header(self._screen.measured, self._screen.latest, cells),)


class BenchScreen(Racing):
    """Shows a run of `bench` until it is left; the run ends with it.

    Attributes:
        measured: how the run stands.
    """

    PLACES: ClassVar[tuple[str, ...]] = ("bench",)
    BINDINGS = bindings("bench", "list")
    REMOVES = True
    AUTO_FOCUS = "#known"

    def __init__(self, measuring: Measuring) -> None:
        super().__init__()
        self.measured = measuring.view()
        self._measuring = measuring
        self._alone = 0
        self._asking = self._leaving = False
        self._header = HeaderBar(self)
        self._panels = {name: Panel(name, drawer) for name, drawer in self._drawers().items()}

    def _drawers(self) -> dict[str, Drawer]:
        return {
            "known": lambda cells, rows: bench.known(self.measured, self.console.rival, cells),
            "plot": lambda cells, rows: bench.plot(self.measured, self.console.rival.result, cells, rows),
            "trials": lambda cells, rows: bench.trials(self.measured, cells),
        }

    def compose(self) -> Iterable[Widget]:
        """All panels; which are shown depends on the size."""
        yield self._header
        yield from self._panels.values()
        yield self.make_keybar()

    def on_mount(self) -> None:
        """Begin."""
        self.set_interval(TICK_S, self._look)
        self._look()
        self.console.start(self._run(), self)

    async def _run(self) -> None:
        await self._measuring.run()
        self.console.measured(self._measuring)
        if self._leaving:
            self.console.exit_now()
        else:
            self._look()

    def _look(self) -> None:
        """Draw how it stands now."""
        self.measured = self._measuring.view()
        self._say_keys()
        for canvas in (self._header, *self._panels.values()):
            if canvas.display:
                canvas.redraw()

    def show(self, snapshot: Snapshot) -> None:
        """Draw the figures of a new snapshot."""
        self._look()

    def on_screen_resume(self) -> None:
        """Catch up with what came while another screen was on top."""
        self._look()

    def _say_keys(self) -> None:
        if self.keybar is None:
            return
        over = self.measured.over
        self.keybar.unsaid = ("bench.stop", "bench.watch") if over else ("bench.done",)
        self.keybar.labels["app.quit"] = "quit" if over else "stop and quit"
        self.keybar.redraw()

    # Where everything goes

    def rectangles(self, size: Size) -> Mapping[str, Place]:
        """Return where everything goes."""
        keys = Place(0, size.height - 1, size.width, 1)
        return {"header": Place(0, 0, size.width, 1), **self._places(size), "keys": keys}

    def _places(self, size: Size) -> dict[str, Place]:
        cells, rows = size.width, size.height - 2
        if cells < 60 or rows < 16:
            return {PANELS[self._alone]: Place(0, 1, cells, rows)}
        if cells < 110:
            plot, known = max(8, rows - 13), 8
            return {
                "plot": Place(0, 1, cells, plot),
                "known": Place(0, 1 + plot, cells, known),
                "trials": Place(0, 1 + plot + known, cells, rows - plot - known),
            }
        left_, known = cells * 11 // 20, 11
        return {
            "plot": Place(0, 1, left_, rows - known),
            "known": Place(0, 1 + rows - known, left_, known),
            "trials": Place(left_, 1, cells - left_, rows),
        }

    def on_resize(self, event: Resize) -> None:
        """Arrange for the new size."""
        self._rearrange(event.size)

    def _rearrange(self, size: Size) -> None:
        places = self._places(size)
        for name, panel in self._panels.items():
            panel.display = name in places
            panel.set_boxed(size.width >= 110 and size.height >= 32)

    def action_next_panel(self) -> None:
        """Go to the next panel; where there is room for one only, show it."""
        self._step(1)

    def action_previous_panel(self) -> None:
        """Go to the panel before."""
        self._step(-1)

    def _step(self, step: int) -> None:
        if len(self._places(self.size)) > 1:
            self.focus_next() if step > 0 else self.focus_previous()
            return
        self._alone = (self._alone + step) % len(PANELS)
        self._rearrange(self.size)
        self._header.refresh(layout=True)
        self._panels[PANELS[self._alone]].focus()
        self._look()

    # What keys do

    def action_watch(self) -> None:
        """Show the dashboard of the deployment at work."""
        self.app.push_screen(Watched())

    def action_close(self) -> None:
        """Ask whether to stop; when it is over, go on."""
        if self.measured.over:
            self.action_proceed()
        else:
            self._ask()

    def action_proceed(self) -> None:
        """Set up another run."""
        if self.measured.over:
            self.console.setup()
        else:
            self.say(f"it goes on; {self.console.key('bench.stop')} stops it")

    def may_leave(self) -> bool:
        """Stop first, if that is what is wanted; who asks again while that takes its time need not wait."""
        if self.measured.over or self._leaving:
            return True
        if self.measured.stopping:
            self._leaving = True
            self.say(
                f"leaves when the stack is gone; {self.console.key('app.quit')} again does not wait", "warn"
            )
        else:
            self._ask(leave=True)
        return False

    def _ask(self, leave: bool = False) -> None:
        if self._asking or self.measured.stopping:
            return
        self._asking = True
        facts = (
            ("stops", "the trial at work; what is deployed is removed"),
            ("keeps", f"every trial that was made, in {self.measured.path}"),
            ("goes on", self.measured.resumed_by),
        )

        def take(agreed: bool | None) -> None:
            self._asking = False
            if agreed:
                self._leaving = leave
                self._measuring.stop()
                self._look()

        self.app.push_screen(Confirm("stop measuring?", facts, "Yes, stop"), take)


class Watched(Dashboard):
    """The dashboard of what is being measured: everything is shown, and nothing can be changed."""

    def refusal(self, command: str) -> str:
        """Return why a command is off: changes would be measured, too."""
        return "it is being measured" if BY_ID[command].changes else super().refusal(command)

    def action_back(self) -> None:
        """Undo enlarging, filter and order; then go back."""
        if self.is_plain():
            self.app.pop_screen()
        else:
            super().action_back()
