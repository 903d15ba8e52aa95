"""What all screens have in common: bindings from the command table, a layout by rectangles, a line of keys."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, ClassVar, TypeVar, cast

from textual.binding import Binding, BindingType
from textual.geometry import NULL_OFFSET, NULL_SPACING, Region, Size
from textual.layout import Layout, WidgetPlacement
from textual.screen import ModalScreen, Screen
from textual.widget import Widget

from kapture_tui.model.snapshot import Snapshot
from kapture_tui.tui.arrange import Place
from kapture_tui.tui.commands import BY_ID, Command, commands_for
from kapture_tui.tui.picture import Picture
from kapture_tui.tui.widgets.keybar import KeyBar
from kapture_tui.tui.widgets.panel import Panel

if TYPE_CHECKING:
    from kapture_tui.tui.app import ConsoleApp
    from kapture_tui.tui.history import History

T = TypeVar("T")
Rectangles = Callable[[Size], Mapping[str, Place]]


class Rectangular(Layout):
    """Puts each child where a function of the size says, by id."""

    name = "rectangular"

    def __init__(self, rectangles: Rectangles) -> None:
        super().__init__()
        self._rectangles = rectangles

    def arrange(
        self, parent: Widget, children: list[Widget], size: Size, greedy: bool = True
    ) -> list[WidgetPlacement]:
        """Return the placements of the children that have a rectangle."""
        places = self._rectangles(size)
        return [
            WidgetPlacement(
                Region(place.x, place.y, place.width, place.height), NULL_OFFSET, NULL_SPACING, child
            )
            for child in children
            if (place := places.get(child.id or ""))
        ]


OPENS_PROMPT = frozenset({"table.filter"})
"""Done before the next key is looked at: what is typed ahead belongs into the prompt, and is no command."""


def bindings(*places: str) -> list[BindingType]:
    """Return the bindings of some places of the command table."""
    return bound(commands_for(*places))


def bound(commands: Iterable[Command]) -> list[BindingType]:
    """Return the bindings of some commands; each has the command's id, so it can be remapped."""
    return [
        Binding(c.keys, c.action, c.help, show=False, id=c.id, priority=c.id in OPENS_PROMPT)
        for c in commands
    ]


def panel_text(panel: Panel) -> str:
    """Return what a panel holds as plain text, the rows out of sight included."""
    rows = ("".join(text for text, _ in row).rstrip() for row in panel.picture.rows)
    return "\n".join(rows).strip("\n")


class _Common:
    """Shared by full screens and dialogs."""

    _rectangular: Rectangular

    @property
    def console(self) -> ConsoleApp:
        """The app, with its type."""
        return cast("ConsoleApp", self.app)  # type: ignore[attr-defined]

    @property
    def layout(self) -> Layout:
        """Where the widgets go; Textual's style sheets only know its own layouts by name."""
        return self._rectangular

    @property
    def copied(self) -> str:
        """What is copied from here: what is selected, or the whole text of the panel."""
        panel = self.panel()
        return panel_text(panel) if panel is not None else ""

    def panel(self) -> Panel | None:
        """Return the panel that has the focus."""
        focused = self.focused  # type: ignore[attr-defined]
        return focused if isinstance(focused, Panel) else None

    def action_move(self, where: str) -> None:
        """Move the selection of the focused panel."""
        if (panel := self.panel()) is not None:
            panel.move(where)

    def on_unmount(self) -> None:
        """End what was going on for this screen."""
        self.console.cancel(self)  # type: ignore[arg-type]


class Stage(_Common, Screen[None], inherit_bindings=False):
    """A full screen. `PLACES` of the command table it answers to; `UNSAID` are not in its line of keys; `REMOVES`:
    the stack is being removed on it."""

    PLACES: ClassVar[tuple[str, ...]] = ()
    UNSAID: ClassVar[tuple[str, ...]] = ()
    REMOVES: ClassVar[bool] = False
    ALLOW_SELECT = False

    def __init__(self) -> None:
        super().__init__()
        self._rectangular = Rectangular(self.rectangles)
        self.keybar: KeyBar | None = None

    def make_keybar(self) -> KeyBar:
        """Return the line of keys for this screen's places."""
        commands = [c for c in commands_for(*self.PLACES, "everywhere") if c.id not in self.UNSAID]
        self.keybar = KeyBar(commands, self.console.keys, self.refusal)
        return self.keybar

    @property
    def latest(self) -> Snapshot:
        """What is shown: the latest snapshot."""
        return self.console.session.latest

    @property
    def history(self) -> History:
        """Of the figures up to what is shown."""
        return self.console.history

    def denied(self) -> Mapping[str, str]:
        """Return what may not be done where this screen is about: see `Target.denied`."""
        return self.console.session.denied

    def refusal(self, command: str) -> str:
        """Return why a command is off; "" if it can be given."""
        known = BY_ID[command]
        if known.changes and self.console.options.readonly:
            return "this console is read-only"
        right = self.denied().get(known.needs)
        return f"you may not {right}" if right else ""

    def refuses(self, command: str) -> bool:
        """Return whether a command is off, and if so say why."""
        if why := self.refusal(command):
            self.say(why, "warn")
        return bool(why)

    def rectangles(self, size: Size) -> Mapping[str, Place]:
        """Return where the widgets go: one panel called "main" above the keys, unless overridden."""
        return {
            "main": Place(0, 0, size.width, size.height - 1),
            "keys": Place(0, size.height - 1, size.width, 1),
        }

    def show(self, snapshot: Snapshot) -> None:
        """Take a new snapshot; screens that show none ignore it."""

    def may_leave(self) -> bool:
        """Return whether the console may be left now; if not, say why."""
        return True

    def say(self, text: str, role: str = "accent") -> None:
        """Show a short message in the line of keys."""
        if self.keybar is not None:
            self.keybar.say(text, role)

    def action_next_panel(self) -> None:
        """Focus the next panel."""
        self.focus_next()

    def action_previous_panel(self) -> None:
        """Focus the previous panel."""
        self.focus_previous()

    def action_close(self) -> None:
        """Go back to the screen below."""
        self.app.pop_screen()


class Dialog(_Common, ModalScreen[T], inherit_bindings=False):
    """A box in the middle, of so many cells and rows at most. `PLACES` as in `Stage`."""

    BINDINGS = bindings("dialog", "list")
    ALLOW_SELECT = False
    CELLS: ClassVar[int] = 64

    def __init__(self) -> None:
        super().__init__()
        self._rectangular = Rectangular(self.rectangles)
        self.box = Panel("box", self.draw)

    def compose(self) -> Iterable[Widget]:
        """The box alone."""
        yield self.box

    def draw(self, cells: int, rows: int) -> Picture:
        """Return what is in the box."""
        raise NotImplementedError

    def rectangles(self, size: Size) -> Mapping[str, Place]:
        """Return the box's place: centred, as high as its rows."""
        width = min(self.CELLS, size.width)
        picture = self.draw(width - 4, size.height - 2)
        height = min(size.height, len(picture.heading) + len(picture.rows) + 2)
        return {"box": Place((size.width - width) // 2, (size.height - height) // 2, width, height)}

    def action_next_panel(self) -> None:
        """Go to the next choice."""
        self.box.move("next")

    def action_previous_panel(self) -> None:
        """Go to the previous choice."""
        self.box.move("previous")

    def action_accept(self) -> None:
        """Take what is marked; what that means is up to the dialog."""
        self.dismiss(None)

    def action_close(self) -> None:
        """Close without a change."""
        self.dismiss(None)
