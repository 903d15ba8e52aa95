"""Every command of the console, once: bindings, palette, help, footer and the user's keymap are made from this table.

Ids are a promise to users: a keymap file names them.
"""

from __future__ import annotations

from dataclasses import dataclass

from kapture_tui.tui.arrange import PANELS


@dataclass(frozen=True, slots=True)
class Command:
    """One thing a person can do with a key.

    Attributes:
        id: stable name, "area.command".
        keys: default keys as Textual names them, comma separated; the first is the one shown.
        action: the method `action_…` of the screen (or app) that does it.
        label: one or two words for the footer; "" keeps it out of there.
        help: one line.
        where: the screen it belongs to, a key of `PLACES`.
        changes: whether it changes the stack; such commands are off with `--readonly`.
        needs: what the user has to be allowed, one of the targets' `ACTIONS`; "" for nothing.
        footer: rank in the footer; what has a larger one goes first when room is short.
    """

    id: str
    keys: str
    action: str
    label: str
    help: str
    where: str
    changes: bool = False
    footer: int = 5
    needs: str = ""

    @property
    def address(self) -> str:
        """The action as it is called from a screen: what holds everywhere belongs to the app."""
        return f"app.{self.action}" if self.where == "everywhere" else self.action


PLACES = {
    "everywhere": "Everywhere",
    "list": "In lists and forms",
    "setup": "Setup",
    "steps": "Deploying and tearing down",
    "dashboard": "Dashboard",
    "table": "Tables and logs",
    "replay": "Recordings",
    "bench": "Measuring",
    "logs": "Logs",
    "dialog": "Dialogs",
}

TABLE: tuple[Command, ...] = (
    Command("setup.start", "enter", "start", "start", "start what is chosen", "setup", True, 1, "deploy"),
    Command("setup.toggle", "space", "choose", "choose", "choose or drop what is marked", "setup", footer=2),
    Command("steps.continue", "enter", "proceed", "go on", "go on to the next screen", "steps", footer=1),
    Command("steps.retry", "r", "retry", "try again", "start the same stack again", "steps", True, 2),
    Command("steps.back", "escape", "back", "change setup", "back to the setup screen", "steps", footer=3),
    Command(
        "loader.more",
        "plus,equals_sign",
        "more_loaders",
        "loaders",
        "one loader more",
        "dashboard",
        True,
        3,
        "scale",
    ),
    Command(
        "loader.less", "minus", "fewer_loaders", "loaders", "one loader less", "dashboard", True, 3, "scale"
    ),
    Command(
        "stack.scale", "s", "scale", "scale", "set the number of any component", "dashboard", True, 4, "scale"
    ),
    Command(
        "display.pause",
        "space",
        "pause",
        "pause",
        "freeze the display; the stack runs on",
        "dashboard",
        footer=7,
    ),
    Command("lag.group", "g", "group", "group", "lag of the next consumer group", "dashboard", footer=8),
    Command(
        "select.details", "enter", "details", "details", "all about what is selected", "dashboard", footer=2
    ),
    Command(
        "select.describe", "d", "describe", "describe", "the same, with its events", "dashboard", footer=6
    ),
    Command(
        "select.logs",
        "l",
        "logs",
        "logs",
        "follow the log of a pod or a component",
        "dashboard",
        False,
        4,
        "logs",
    ),
    Command(
        "select.kill", "x", "kill", "kill", "kill the selected pod; asks first", "dashboard", True, 5, "kill"
    ),
    Command("action.print", "p", "print", "", "the last action as a command line", "dashboard"),
    Command(
        "stack.teardown",
        "D",
        "teardown",
        "remove",
        "tear the stack down; asks first",
        "dashboard",
        True,
        6,
        "destroy",
    ),
    Command("time.back", "r", "past", "replay", "go back in time, in this session", "dashboard"),
    Command("time.step", "comma", "past('step')", "", "go back in time, by five seconds", "dashboard"),
    Command(
        "time.mark",
        "left_square_bracket",
        "past('mark')",
        "",
        "go back in time, to the last event",
        "dashboard",
    ),
    Command(
        "bench.start",
        "b",
        "bench",
        "bench",
        "measure what it carries; asks first",
        "dashboard",
        True,
        5,
        "deploy",
    ),
    Command("race.choose", "c", "race", "", "race against an earlier run", "dashboard"),
    *(
        Command(
            f"panel.{name}", str(number), f"show_panel('{name}')", "", f"go to the panel {name}", "dashboard"
        )
        for number, name in enumerate(PANELS, 1)
    ),
    Command("view.zoom", "z", "zoom", "enlarge", "enlarge the panel, or put it back", "dashboard", footer=6),
    Command("view.back", "escape", "back", "", "undo enlarging, then filter and order", "dashboard"),
    Command(
        "table.filter", "slash", "filter", "filter", "show only rows with these words", "table", footer=5
    ),
    Command("table.sort", "o", "sort", "", "sort by the next column", "table"),
    Command("table.turn", "O", "turn", "", "sort the other way round", "table"),
    Command("replay.back", "comma", "seek(-1)", "5 s", "five seconds back", "replay", footer=3),
    Command("replay.forth", "full_stop", "seek(1)", "5 s", "five seconds on", "replay", footer=3),
    Command(
        "replay.mark_back",
        "left_square_bracket",
        "seek_mark(-1)",
        "event",
        "the event before",
        "replay",
        footer=2,
    ),
    Command(
        "replay.mark_forth",
        "right_square_bracket",
        "seek_mark(1)",
        "event",
        "the next event",
        "replay",
        footer=2,
    ),
    Command("replay.slower", "less_than_sign", "speed(-1)", "speed", "play slower", "replay", footer=4),
    Command("replay.faster", "greater_than_sign", "speed(1)", "speed", "play faster", "replay", footer=4),
    Command(
        "replay.begin",
        "left_curly_bracket",
        "seek_end(-1)",
        "",
        "to the beginning of the recording",
        "replay",
    ),
    Command("replay.end", "right_curly_bracket", "seek_end(1)", "", "to the end of the recording", "replay"),
    Command("replay.close", "escape", "close", "now", "undo enlarging, then back to now", "replay", footer=1),
    Command("bench.stop", "escape", "close", "stop", "stop measuring; asks first", "bench", True, 2),
    Command("bench.watch", "v", "watch", "watch it", "the dashboard of what is measured", "bench", footer=3),
    Command("bench.race", "c", "race", "race", "race against an earlier run", "bench", footer=4),
    Command(
        "bench.done", "enter", "proceed", "go on", "to the setup screen, when it is over", "bench", footer=1
    ),
    Command("logs.follow", "f", "follow", "follow", "jump to the end and stay there", "logs", footer=2),
    Command("dialog.accept", "enter", "accept", "choose", "take what is marked", "dialog", footer=2),
    Command("dialog.close", "escape", "close", "close", "close without a change", "dialog", footer=3),
    Command("panel.next", "tab", "next_panel", "next", "next panel or field", "list", footer=8),
    Command("panel.previous", "shift+tab", "previous_panel", "", "previous panel or field", "list"),
    Command("list.up", "up,k", "move('up')", "", "up", "list"),
    Command("list.down", "down,j", "move('down')", "", "down", "list"),
    Command("list.left", "left", "move('left')", "", "left; fold a component", "list"),
    Command("list.right", "right", "move('right')", "", "right; unfold a component", "list"),
    Command("list.page_up", "pageup", "move('page_up')", "", "a page up", "list"),
    Command("list.page_down", "pagedown", "move('page_down')", "", "a page down", "list"),
    Command("list.first", "home", "move('first')", "", "to the beginning", "list"),
    Command("list.last", "end", "move('last')", "", "to the end", "list"),
    Command("app.copy", "y", "copy", "", "copy the selection, or all of the panel", "everywhere"),
    Command("app.mouse", "m", "mouse", "", "mouse on or off (the terminal selects)", "everywhere"),
    Command("app.theme", "t", "theme", "theme", "choose a theme", "everywhere", footer=9),
    Command("app.help", "question_mark,f1", "help", "help", "this list", "everywhere", footer=1),
    Command("app.palette", "ctrl+p,colon", "command_palette", "", "find a command by name", "everywhere"),
    Command("app.quit", "q,ctrl+q,ctrl+c", "leave", "quit", "leave the console", "everywhere", footer=0),
)

BY_ID = {command.id: command for command in TABLE}


_OF_NOW = frozenset({"time.back", "time.step", "time.mark", "action.print", "view.back", "race.choose"})
"""The commands of the dashboard that change nothing and yet mean nothing in a recording; it has its own way back."""


def holds_in_the_past(command: Command) -> bool:
    """Return whether a command makes sense in a recording, where nothing can be changed, followed or replayed."""
    return not (command.changes or command.needs or command.id in _OF_NOW)


def commands_for(*places: str) -> tuple[Command, ...]:
    """Return the commands of some places, in the order of the table."""
    return tuple(command for command in TABLE if command.where in places)


_SHOWN = {
    "plus": "+",
    "minus": "-",
    "equals_sign": "=",
    "question_mark": "?",
    "escape": "esc",
    "pageup": "pgup",
    "pagedown": "pgdn",
    "slash": "/",
    "colon": ":",
    "comma": ",",
    "full_stop": ".",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "left_curly_bracket": "{",
    "right_curly_bracket": "}",
    "less_than_sign": "<",
    "greater_than_sign": ">",
    "up": "↑",
    "down": "↓",
    "left": "←",
    "right": "→",
}


def shown(key: str) -> str:
    """Return a key as people write it: "+" for plus, "esc" for escape."""
    *modifiers, last = key.split("+")
    return "+".join([*modifiers, _SHOWN.get(last, last)])
