"""Small questions: sure? how many? which theme? And what went wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from textual.events import Key

from kapture_tui.model.errors import KaptureError, UsageError
from kapture_tui.model.spec import Component
from kapture_tui.tui import themes
from kapture_tui.tui.actions import Removal, Session
from kapture_tui.tui.form import Field
from kapture_tui.tui.lines import Line, fit, line
from kapture_tui.tui.panels.steps import told
from kapture_tui.tui.picture import Picture, Spot
from kapture_tui.tui.questions import Fact
from kapture_tui.tui.screens.base import Dialog
from kapture_tui.tui.text import clean, left, right, wrap


class Failure(Dialog[None]):
    """What could not be done, why, and what to try."""

    def __init__(self, error: KaptureError) -> None:
        self._error = error
        super().__init__()

    def draw(self, cells: int, rows: int) -> Picture:
        """Return the error's three parts."""
        return Picture(
            line(("that did not work", "trouble")),
            rows=tuple(told(self._error, cells)),
            foot=line(("esc closes", "dim")),
        )


class Confirm(Dialog[bool]):
    """Asks before something is done, with "No" in focus.

    Args:
        title: the question.
        facts: what would be done, and where.
        yes: the other answer.
    """

    CELLS = 72

    def __init__(self, title: str, facts: Sequence[Fact], yes: str = "Yes") -> None:
        self._title, self._facts, self._yes = title, facts, yes
        super().__init__()
        self.box.selected = "no"

    def draw(self, cells: int, rows: int) -> Picture:
        """Return the facts and the two answers."""
        shown: list[Line] = []
        for name, text in self._facts:
            for index, part in enumerate(wrap(clean(text), cells - 12)):
                shown.append(line((left("" if index else name, 12), "dim"), part))
        answers, spots = _answers(self._yes, len(shown) + 1)
        return Picture(line((self._title, "title")), rows=(*shown, (), answers), spots=spots)

    def action_accept(self) -> None:
        """Answer."""
        self.dismiss(self.box.selected == "yes")

    def action_close(self) -> None:
        """No."""
        self.dismiss(False)


class Question(Confirm):
    """Asks before a cluster is changed: where, and what."""

    def __init__(self, *facts: Fact) -> None:
        super().__init__("change this cluster?", facts)


def _answers(yes: str, row: int) -> tuple[Line, tuple[Spot, ...]]:
    """The two answers side by side, and their places."""
    answers = ("[ No ]", f"[ {clean(yes)} ]")
    spots = (Spot("no", row, 2, len(answers[0])), Spot("yes", row, 4 + len(answers[0]), len(answers[1])))
    return line("  ", (answers[0], "accent"), "  ", (answers[1], "trouble")), spots


class Teardown(Confirm):
    """Asks whether the stack may go: by kind and number, with "No" in focus.

    Args:
        namespace: the stack's name.
        removal: what goes, what stays.
        where: on which cluster, in words.
        shared: others may have things in the namespace: its name has to be typed before "Yes" can be chosen.
    """

    CELLS = 64

    def __init__(self, namespace: str, removal: Removal, where: str = "", shared: bool = False) -> None:
        self._namespace, self._where, self._removal = namespace, where, removal
        self._own_name = Field("", "", fresh=False) if shared else None
        super().__init__("tear down?", (), f"Yes, remove {namespace}")

    def draw(self, cells: int, rows: int) -> Picture:
        """Return what goes, what stays, and the two answers."""
        head = f"This removes {clean(self._namespace)}{clean(self._where)} for good:"
        shown = [*(line(row) for row in wrap(head, cells)), ()]
        for item in self._removal.goes:
            shown += _item("-", clean(item), cells, "text")
        for item in self._removal.stays:
            shown += _item("+", f"stays: {clean(item)}", cells, "dim")
        if self._own_name is not None:
            typed = clean(self._own_name.text)
            ask = f"Others may use it: type {clean(self._namespace)} to go on"
            shown += [
                (),
                *(line((row, "warn")) for row in wrap(ask, cells)),
                line(f"  {typed}", (" ", "cursor")),
            ]
        answers, spots = _answers(self._yes, len(shown) + 1)
        if not self._typed():
            spots = spots[:1]
        return Picture(line(("tear down?", "trouble")), rows=(*shown, (), answers), spots=spots)

    def _typed(self) -> bool:
        return self._own_name is None or self._own_name.text == self._namespace

    def on_key(self, event: Key) -> None:
        """Take the name."""
        if self._own_name is None:
            return
        typed = event.character if event.is_printable and event.character else ""
        after = (
            self._own_name.typed(typed)
            if typed
            else self._own_name.edited(event.key)
            if event.key == "backspace"
            else None
        )
        if after is not None:
            self._own_name = after
            event.stop()
            event.prevent_default()
            self.box.redraw()


def _item(mark: str, text: str, cells: int, role: str) -> list[Line]:
    first, *others = wrap(text, cells - 4)
    return [line((f"  {mark} {first}", role)), *(line((f"    {other}", role)) for other in others)]


class ByHandDialog(Dialog[None]):
    """A command line that does the same."""

    CELLS = 78

    def __init__(self, command: str) -> None:
        self._command = command
        super().__init__()

    @property
    def copied(self) -> str:
        """What is copied from here: the command in one line."""
        return self._command

    def draw(self, cells: int, rows: int) -> Picture:
        """Return the command."""
        shown = tuple(line(row) for row in wrap(clean(self._command), cells))
        copies = self.console.key("app.copy")
        return Picture(
            line(("by hand", "title")), rows=shown, foot=line((f"{copies} copies  esc closes", "dim"))
        )


class Choice(Dialog[str | None]):
    """Chooses one of several names."""

    CELLS = 72

    def __init__(self, title: str, choices: Mapping[str, str], current: str) -> None:
        self._title = title
        self._choices = choices
        super().__init__()
        self.box.selected = current if current in choices else next(iter(choices), None)

    def draw(self, cells: int, rows: int) -> Picture:
        """Return one row a choice, with what is known about it."""
        width = min(32, max(map(len, self._choices), default=0)) + 2
        shown = [
            fit(line(left(clean(name), width), (clean(told), "dim")), cells)
            for name, told in self._choices.items()
        ]
        spots = tuple(Spot(name, row, 0, cells) for row, name in enumerate(self._choices))
        return Picture(
            line((self._title, "title")),
            rows=tuple(shown) or (line(("there is none", "dim")),),
            spots=spots,
            foot=line(("enter chooses  esc cancels", "dim")),
        )

    def action_accept(self) -> None:
        """Take what is marked."""
        self.dismiss(self.box.selected)


class Scale(Dialog[dict[Component, int] | None]):
    """Sets the number of any component that can be scaled."""

    CELLS = 52

    def __init__(self, session: Session) -> None:
        self._before = {component: session.replicas(component) for component in session.scalable()}
        self._wanted = dict(self._before)
        super().__init__()

    def draw(self, cells: int, rows: int) -> Picture:
        """Return one row a component."""
        shown = [fit(self._row(component), cells) for component in self._wanted]
        spots = tuple(Spot(component.value, row, 0, cells) for row, component in enumerate(self._wanted))
        return Picture(
            line(("scale", "title")),
            rows=tuple(shown) or (line(("nothing here can be scaled", "dim")),),
            spots=spots,
            foot=line(("← → number  enter applies  esc cancels", "dim")),
        )

    def _row(self, component: Component) -> Line:
        before, wanted = self._before[component], self._wanted[component]
        note = f"was {before}" if wanted != before else ""
        role = "accent" if wanted != before else "text"
        return line(
            left(component.value, 16), ("◂ ", "dim"), (right(str(wanted), 3), role), (f" ▸  {note}", "dim")
        )

    def action_move(self, where: str) -> None:
        """Left and right change the number, the rest moves."""
        if where not in ("left", "right") or self.box.selected is None:
            self.box.move(where)
            return
        self._change(Component(self.box.selected), 1 if where == "right" else -1)

    def key_plus(self) -> None:
        """As right."""
        self.action_move("right")

    def key_minus(self) -> None:
        """As left."""
        self.action_move("left")

    def _change(self, component: Component, difference: int) -> None:
        from kapture_tui.stack.catalogue import check_scale

        try:
            check_scale(component, self._wanted[component] + difference)
        except UsageError as exc:
            self.console.top_stage().say(exc.cause, "warn")
            return
        self._wanted[component] += difference
        self.box.redraw()

    def action_accept(self) -> None:
        """Apply what differs."""
        self.dismiss({c: n for c, n in self._wanted.items() if n != self._before[c]})


class ThemePicker(Dialog[str | None]):
    """Chooses a theme; the one that is marked is tried on at once."""

    CELLS = 78

    def __init__(self, current: str) -> None:
        self._own_names: Sequence[str] = themes.names()
        self._before = current
        super().__init__()
        self.box.selected = current

    def draw(self, cells: int, rows: int) -> Picture:
        """Return one row a theme."""
        shown = tuple(fit(self._row(name, cells), cells) for name in self._own_names)
        spots = tuple(Spot(name, row, 0, cells) for row, name in enumerate(self._own_names))
        return Picture(
            line(("theme", "title")),
            rows=shown,
            spots=spots,
            foot=line(("enter keeps it  esc goes back", "dim")),
        )

    def _row(self, name: str, cells: int) -> Line:
        try:
            palette = themes.load(name)
        except UsageError as exc:
            return line(
                (left(clean(name), 18), "dim"),
                (clean(str(exc).removeprefix(f"{themes.files().get(name)}, ")), "warn"),
            )
        shade = "dark " if palette.dark else "light"
        return line(left(clean(name), 18), (f"{shade}  {clean(palette.description)}", "dim"))

    def action_move(self, where: str) -> None:
        """Move, and try on what is marked."""
        self.box.move(where)
        self._try_on(self.box.selected)

    def _try_on(self, name: str | None) -> None:
        try:
            self.console.wear(themes.load(name or self._before))
        except UsageError:
            return  # its row says what is wrong with it

    def action_accept(self) -> None:
        """Keep what is marked."""
        self.dismiss(self.box.selected)

    def action_close(self) -> None:
        """Go back to the theme there was."""
        self._try_on(self._before)
        self.dismiss(None)
