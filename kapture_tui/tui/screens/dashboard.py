"""The dashboard: every panel moves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar

from textual.events import Click, Resize
from textual.geometry import Size
from textual.widget import Widget

from kapture_tui.model.errors import KaptureError
from kapture_tui.model.snapshot import Snapshot
from kapture_tui.tui import arrange
from kapture_tui.tui.arrange import PANELS, Arrangement, Place, Wants
from kapture_tui.tui.lines import Line
from kapture_tui.tui.panels import databases, events, flow, header, lag, ledger, limit, pods, timeline
from kapture_tui.tui.picture import out_of_sight
from kapture_tui.tui.screens.acting import Acting
from kapture_tui.tui.screens.base import bindings, panel_text
from kapture_tui.tui.screens.racing import Racing
from kapture_tui.tui.screens.tables import TableStage
from kapture_tui.tui.table import PLAIN, View
from kapture_tui.tui.text import clean, clip
from kapture_tui.tui.widgets.canvas import Canvas
from kapture_tui.tui.widgets.limitbar import LimitBar
from kapture_tui.tui.widgets.panel import Drawer, Panel
from kapture_tui.tui.widgets.timelinebar import TimelineBar

_COLUMNS: Mapping[str, Sequence[str]] = {
    "lag": lag.COLUMNS,
    "pods": pods.COLUMNS,
    "flow": flow.COLUMNS,
    "databases": databases.COLUMNS,
    "ledger": ledger.COLUMNS,
    "events": events.COLUMNS,
}

_TEXTS: Mapping[str, Sequence[str]] = {
    "lag": ("state",),
    "pods": ("name", "component", "phase", "reason", "node"),
    "flow": ("group",),
    "databases": ("name",),
    "ledger": ("group",),
    "events": ("time", "kind", "subject", "text"),
}


_NAME = 20
"""Cells of a name in the line of keys."""


class HeaderBar(Canvas):
    """The first line, or lines where the terminal is narrow."""

    def __init__(self) -> None:
        super().__init__(id="header")
        self.snapshot = Snapshot()
        self.frozen = False
        self.context = ""
        self.ago_s: float | None = None

    def draw(self, cells: int, rows: int) -> tuple[Line, ...]:
        """Return the lines."""
        return header.header(self.snapshot, cells, self.frozen, self.context, self.ago_s)


class Dashboard(Acting, Racing, TableStage):
    """Header, panels, keys. It shows snapshots; what keys do to the stack is in `Acting`."""

    PLACES: ClassVar[tuple[str, ...]] = ("dashboard", "table")
    BINDINGS = bindings("dashboard", "list", "table")
    AUTO_FOCUS = "#pods"

    def __init__(self) -> None:
        super().__init__()
        self._snapshot = Snapshot()
        self._frozen = False
        self._unfolded: set[str] = set()
        self._group: str | None = None
        self._header = HeaderBar()
        self._zoomed: str | None = None
        self._pods = pods.Memory()
        self._limit = LimitBar()
        self._track = TimelineBar(self.track)
        self._panels = {name: Panel(name, drawer) for name, drawer in self._drawers().items()}
        for name, panel in self._panels.items():
            panel.columns = _COLUMNS[name]
        self._arranged: Arrangement | None = None

    def _drawers(self) -> dict[str, Drawer]:
        return {
            "lag": lambda cells, rows: lag.picture(
                self._snapshot, cells, rows, self._boxed(), self._group, self._view("lag")
            ),
            "pods": lambda cells, rows: pods.picture(
                self._snapshot, self.history, cells, self._unfolded, self._view("pods"), self._pods
            ),
            "flow": lambda cells, rows: flow.picture(
                self._snapshot, self.history, cells, self._boxed(), self._view("flow")
            ),
            "databases": lambda cells, rows: databases.picture(
                self._snapshot,
                self.history,
                cells,
                rows,
                self._panels["databases"].selected,
                self._view("databases"),
            ),
            "ledger": lambda cells, rows: ledger.picture(
                self._snapshot, cells, self._boxed(), self._view("ledger")
            ),
            "events": lambda cells, rows: events.picture(
                self._snapshot,
                cells,
                () if self._boxed() else flow.limit(self._snapshot),
                self._view("events"),
            ),
        }

    def _view(self, name: str) -> View:
        return self._panels[name].view

    def _boxed(self) -> bool:
        return self._arranged is not None and self._arranged.boxed

    def compose(self) -> Iterable[Widget]:
        """All panels; which are shown depends on the size."""
        yield self._header
        yield from (self._panels[name] for name in PANELS)
        yield self._limit
        yield self._track
        yield self.make_keybar()
        yield self.prompt

    def on_mount(self) -> None:
        """Show what is known."""
        if self.keybar is not None:
            self.keybar.labels["app.quit"] = self.console.leaving(brief=True)
        for name, panel in self._panels.items():
            panel.shortcut = self.console.key(f"panel.{name}")
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
        for canvas in (self._header, self._limit, self._track, *self._panels.values()):
            if canvas.display:
                canvas.redraw()
        self.say_keys()

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
        self._track.display = self.track_rows(size) > 0
        # Asking for a child's layout makes Textual forget where everything was; asking for our own would not.
        self._header.refresh(layout=True)

    def track_rows(self, size: Size) -> int:
        """Return how many rows the timeline has."""
        return timeline.live_rows(size.width, size.height)

    def track(self, cells: int) -> tuple[Line, ...]:
        """Return the timeline: what has happened in this run."""
        return timeline.live(self._snapshot, cells)

    def _below(self, size: Size) -> int:
        """Return the rows between the panels and the line of keys."""
        return limit.ROWS + self.track_rows(size)

    def _arrangement(self, size: Size) -> Arrangement:
        header_rows = self._header_rows(size)
        if self._zoomed is not None:
            whole = Place(
                0, header_rows, size.width, max(0, size.height - header_rows - 1 - self._below(size))
            )
            return Arrangement(size.height > 12, {self._zoomed: whole})
        groups = len(lag.group_names(self._snapshot))
        table = self._pods.table(self._snapshot.pods, self._unfolded, self._view("pods"))
        wants = Wants(
            pods=len(table.entries),
            groups=groups,
            lag={
                cells: lag.rows_wanted(groups, cells, size.height) for cells in arrange.lag_widths(size.width)
            },
            restocks=ledger.restocks(self._snapshot),
            ghosts=flow.ghosts(self.history, lag.group_names(self._snapshot)),
        )
        return arrange.arrange(size.width, size.height - self._below(size), wants, header_rows)

    def _header_rows(self, size: Size) -> int:
        return min(4, len(header.header(self._snapshot, max(20, size.width))))

    def rectangles(self, size: Size) -> Mapping[str, Place]:
        """Return where everything goes."""
        return {
            "header": Place(0, 0, size.width, self._header_rows(size)),
            **self._arrangement(size).places,
            "limit": Place(0, size.height - 1 - self._below(size), size.width, limit.ROWS),
            "timeline": Place(0, size.height - 1 - self.track_rows(size), size.width, self.track_rows(size)),
            **self.keys_line(size),
        }

    def texts(self, panel: Panel) -> Sequence[str]:
        """Return the columns that words of a filter can name."""
        return _TEXTS[panel.id or ""]

    def view_changed(self) -> None:
        """Lay out again: a filter may need less room."""
        self._draw(self._snapshot)

    def action_show_panel(self, name: str) -> None:
        """Go to a panel; one that is not on the screen, or while one is enlarged, is enlarged."""
        if self._zoomed is not None or name not in self._arrangement(self.size).places:
            self._zoom(name)
        self.set_focus(self._panels[name])  # at once: the next key is meant for it

    def action_zoom(self) -> None:
        """Enlarge the panel in focus, or put it back."""
        panel = self.panel()
        self._zoom(None if self._zoomed or panel is None else panel.id)

    def action_back(self) -> None:
        """Put an enlarged panel back; then take filter and order off the panel in focus."""
        panel = self.panel()
        if self._zoomed is not None:
            self._zoom(None)
        elif panel is not None:
            panel.see(PLAIN)
            self.view_changed()

    def is_plain(self) -> bool:
        """Return whether there is nothing that `action_back` would undo."""
        panel = self.panel()
        return self._zoomed is None and (panel is None or panel.view == PLAIN)

    def _zoom(self, name: str | None) -> None:
        self._zoomed = name
        self._draw(self._snapshot)
        if name is not None:
            self.set_focus(self._panels[name])

    def action_next_panel(self) -> None:
        """Focus the next panel, enlarged if this one is."""
        self._step(1)

    def action_previous_panel(self) -> None:
        """Focus the previous panel."""
        self._step(-1)

    def _step(self, step: int) -> None:
        panel = self.panel()
        if self._zoomed is None:
            self.focus_next() if step > 0 else self.focus_previous()
        elif panel is not None:
            self._zoom(PANELS[(PANELS.index(panel.id or "") + step) % len(PANELS)])

    def action_move(self, where: str) -> None:
        """Move in the focused panel; sideways at its edge folds and unfolds a component."""
        panel = self.panel()
        if panel is not None and not panel.move(where) and panel.id == "pods" and where in ("left", "right"):
            self._fold(panel.selected or "", open_=where == "right")
        self.say_keys()

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

    def selection(self) -> str | None:
        """Return the key of what is selected in the panel in focus; of the pods where that has none."""
        panel = self.panel()
        if panel is None or panel.id in (None, "flow", "ledger"):
            return None
        return panel.selected

    @property
    def copied(self) -> str:
        """A pod's name, a state's topic, the line of an event; without a selection the whole panel."""
        panel, key = self.panel(), self.selection()
        if panel is None:
            return ""
        if key is None:
            return panel_text(panel)
        if panel.id == "lag":
            return f"transactions.{key}"
        return key.partition("/")[2] if panel.id == "pods" else panel.selected_text

    def say_keys(self) -> None:
        """Say of the keys that need a selection what they would do."""
        bar, key = self.keybar, self.chosen_pod() or ""
        if bar is None:
            return
        name = clip(clean(key.partition("/")[2]), _NAME)
        bar.unsaid = () if key.startswith(pods.POD) else ("select.kill",)
        bar.labels["select.kill"] = f"kill {name}"
        bar.labels["select.logs"] = f"logs of {name}" if name else "logs"
        bar.redraw()

    def chosen_pod(self) -> str | None:
        """Return the key of the selected component or pod."""
        return self._panels["pods"].selected

    def action_details(self) -> None:
        """Unfold a folded component; show all about anything else."""
        key = self.selection()
        if key is not None and key.startswith(pods.COMPONENT) and self._component(key) not in self._unfolded:
            self._fold(key, open_=True)
        else:
            self.describe(key)

    async def action_past(self, first: str = "") -> None:
        """Go back in time, in what has been recorded until now: to its end, by a "step", or to the last "mark"."""
        from kapture_tui.tui.screens.replay import Replay

        path = self.console.options.recording()
        if path is None:
            self.say("nothing is recorded (yet)", "warn")
            return
        try:
            replay = Replay.of_session(path, self.console.clock())
        except KaptureError as exc:
            self.say(exc.cause, "warn")
            return
        await self.app.push_screen(replay)
        if first == "step":
            replay.action_seek(-1)
        elif first == "mark":
            replay.action_seek_mark(-1)

    def action_group(self) -> None:
        """Show the lag of the next consumer group; after the last one, of whichever is slowest."""
        names = (None, *lag.group_names(self._snapshot))
        index = names.index(self._group) if self._group in names else 0
        self._group = names[(index + 1) % len(names)]
        self._panels["lag"].redraw()

    def action_pause(self) -> None:
        """Freeze the display, or let it go on."""
        self._frozen = self._header.frozen = not self._frozen
        self._draw(self._snapshot if self._frozen else self.latest)
