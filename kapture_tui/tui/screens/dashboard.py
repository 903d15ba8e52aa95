"""The dashboard: every panel moves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import ClassVar

from textual.events import Click, Resize
from textual.geometry import Size
from textual.widget import Widget

from kapture_tui.model.errors import KaptureError
from kapture_tui.model.snapshot import Snapshot
from kapture_tui.model.spec import Component
from kapture_tui.tui import arrange
from kapture_tui.tui.actions import removal
from kapture_tui.tui.arrange import PANELS, Arrangement, Place, Wants
from kapture_tui.tui.lines import Line
from kapture_tui.tui.panels import events, flow, header, lag, ledger, limit, pods, redis
from kapture_tui.tui.picture import out_of_sight
from kapture_tui.tui.screens.base import Stage, bindings
from kapture_tui.tui.screens.dialogs import Scale, Teardown
from kapture_tui.tui.screens.reading import Details, Logs
from kapture_tui.tui.widgets.canvas import Canvas
from kapture_tui.tui.widgets.limitbar import LimitBar
from kapture_tui.tui.widgets.panel import Drawer, Panel


class HeaderBar(Canvas):
    """The first line, or lines where the terminal is narrow."""

    def __init__(self) -> None:
        super().__init__(id="header")
        self.snapshot = Snapshot()
        self.frozen = False
        self.context = ""

    def draw(self, cells: int, rows: int) -> tuple[Line, ...]:
        """Return the lines."""
        return header.header(self.snapshot, cells, self.frozen, self.context)


class Dashboard(Stage):
    """Header, panels, keys. It shows snapshots and turns keys into actions of the session."""

    PLACES: ClassVar[tuple[str, ...]] = ("dashboard",)
    BINDINGS = bindings("dashboard", "list")
    AUTO_FOCUS = "#pods"

    def __init__(self) -> None:
        super().__init__()
        self._snapshot = Snapshot()
        self._frozen = False
        self._unfolded: set[str] = set()
        self._header = HeaderBar()
        self._limit = LimitBar()
        self._panels = {name: Panel(name, drawer) for name, drawer in self._drawers().items()}
        self._arranged: Arrangement | None = None

    def _drawers(self) -> dict[str, Drawer]:
        return {
            "lag": lambda cells, rows: lag.picture(self._snapshot, cells, rows, self._boxed()),
            "pods": lambda cells, rows: pods.picture(self._snapshot, self.history, cells, self._unfolded),
            "flow": lambda cells, rows: flow.picture(self._snapshot, self.history, cells, self._boxed()),
            "redis": lambda cells, rows: redis.picture(self._snapshot, self.history, cells, rows),
            "ledger": lambda cells, rows: ledger.picture(self._snapshot, cells, self._boxed()),
            "events": lambda cells, rows: events.picture(
                self._snapshot, cells, () if self._boxed() else flow.limit(self._snapshot)
            ),
        }

    def _boxed(self) -> bool:
        return self._arranged is not None and self._arranged.boxed

    def compose(self) -> Iterable[Widget]:
        """All panels; which are shown depends on the size."""
        yield self._header
        yield from (self._panels[name] for name in PANELS)
        yield self._limit
        yield self.make_keybar()

    def on_mount(self) -> None:
        """Show what is known."""
        if self.keybar is not None:
            self.keybar.labels["app.quit"] = self.console.leaving(brief=True)
        self._draw(self.latest)

    def on_screen_resume(self) -> None:
        """Catch up with what came while another screen was on top."""
        self.show(self.latest)

    def show(self, snapshot: Snapshot) -> None:
        """Draw a new snapshot, unless the display is paused."""
        if not self._frozen:
            self._draw(snapshot)

    def _draw(self, snapshot: Snapshot) -> None:
        self._snapshot = self._header.snapshot = self._limit.snapshot = snapshot
        place = self.console.session.place
        self._header.context = place.context if place else ""
        old = out_of_sight(snapshot)
        for panel in self._panels.values():
            panel.grey = old
        self._rearrange(self.size)
        for canvas in (self._header, self._limit, *self._panels.values()):
            if canvas.display:
                canvas.redraw()

    def on_resize(self, event: Resize) -> None:
        """Arrange for the new size."""
        self._rearrange(event.size)

    def _rearrange(self, size: Size) -> None:
        """Lay the panels out again if the size, or what they want, has changed."""
        arranged = self._arrangement(size)
        if arranged == self._arranged:
            return
        self._arranged = arranged
        for name, panel in self._panels.items():
            panel.display = name in arranged.places
            panel.set_boxed(arranged.boxed)
        # Asking for a child's layout makes Textual forget where everything was; asking for our own would not.
        self._header.refresh(layout=True)

    def _arrangement(self, size: Size) -> Arrangement:
        groups = len(lag.group_names(self._snapshot))
        shown = pods.picture(self._snapshot, self.history, 40, self._unfolded)
        wants = Wants(
            pods=len(shown.rows),
            groups=groups,
            lag={cells: lag.grid(groups, max(20, cells)).rows for cells in arrange.lag_widths(size.width)},
        )
        return arrange.arrange(size.width, size.height - limit.ROWS, wants, self._header_rows(size))

    def _header_rows(self, size: Size) -> int:
        return min(4, len(header.header(self._snapshot, max(20, size.width))))

    def rectangles(self, size: Size) -> Mapping[str, Place]:
        """Return where everything goes."""
        return {
            "header": Place(0, 0, size.width, self._header_rows(size)),
            **self._arrangement(size).places,
            "limit": Place(0, size.height - 1 - limit.ROWS, size.width, limit.ROWS),
            "keys": Place(0, size.height - 1, size.width, 1),
        }

    def action_move(self, where: str) -> None:
        """Move in the focused panel; sideways at its edge folds and unfolds a component."""
        panel = self.panel()
        if panel is not None and not panel.move(where) and panel.id == "pods" and where in ("left", "right"):
            self._fold(panel.selected or "", open_=where == "right")

    def _fold(self, key: str, open_: bool) -> None:
        component = self._component(key)
        if open_ and key.startswith(pods.COMPONENT):
            self._unfolded.add(component)
        elif not open_:
            self._unfolded.discard(component)
            self._panels["pods"].selected = pods.COMPONENT + component
        self._draw(self._snapshot)

    def _component(self, key: str) -> str:
        """Return the component of a key of the pods panel."""
        if key.startswith(pods.COMPONENT):
            return key.removeprefix(pods.COMPONENT)
        name = key.removeprefix(pods.POD)
        return next((pod.component for pod in self._snapshot.pods if pod.name == name), "")

    def on_click(self, event: Click) -> None:
        """A second click shows the details."""
        if event.chain == 2:
            self.action_details()

    def action_details(self) -> None:
        """Unfold a folded component; show all about anything else."""
        panel = self.panel()
        key = panel.selected if panel is not None else None
        if panel is None or key is None or panel.id not in ("lag", "pods"):
            self.say("select a state or a process first: tab goes through the panels", "warn")
        elif key.startswith(pods.COMPONENT) and self._component(key) not in self._unfolded:
            self._fold(key, open_=True)
        else:
            self.app.push_screen(self.details_of(key))

    def details_of(self, key: str) -> Details:
        """Return the screen of all about something."""
        return Details(key)

    def action_past(self) -> None:
        """Go back in time, in what has been recorded until now."""
        from kapture_tui.tui.screens.replay import Replay

        path = self.console.options.recording()
        if path is None:
            self.say("nothing is recorded (yet)", "warn")
            return
        try:
            self.app.push_screen(Replay.of_session(path, self.console.clock()))
        except KaptureError as exc:
            self.say(exc.cause, "warn")

    def action_logs(self) -> None:
        """Follow the log of the selected pod, or of all pods of the selected component."""
        key = self._panels["pods"].selected
        if self.refuses("select.logs"):
            return
        if key is None:
            self.say("there is no process yet", "warn")
            return
        self.app.push_screen(Logs(key.partition("/")[2]))

    def action_pause(self) -> None:
        """Freeze the display, or let it go on."""
        self._frozen = self._header.frozen = not self._frozen
        self._draw(self._snapshot if self._frozen else self.latest)

    def action_more_loaders(self) -> None:
        """One loader more."""
        if not self.refuses("loader.more"):
            self.console.start(self._say_done(1), self)

    def action_fewer_loaders(self) -> None:
        """One loader less."""
        if not self.refuses("loader.less"):
            self.console.start(self._say_done(-1), self)

    async def _say_done(self, difference: int) -> None:
        one = "one loader more" if difference > 0 else "one loader less"
        try:
            if await self.console.agreed(("scales", one)):
                self.say(await self.console.session.add_loaders(difference))
        except KaptureError as exc:
            self.console.tell(exc)

    def action_scale(self) -> None:
        """Ask for numbers."""
        if self.refuses("stack.scale"):
            return
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
        self.app.push_screen(Teardown(session.namespace, goes, where), self._teardown)

    def _teardown(self, agreed: bool | None) -> None:
        if agreed:
            self.console.teardown(leave=False)
