"""One table of commands: every key comes from it, every command can be done, remapped and found."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import pytest
from textual.screen import Screen

from kapture_tui.model.errors import UsageError
from kapture_tui.tui import keymap
from kapture_tui.tui.app import ConsoleApp
from kapture_tui.tui.commands import BY_ID, PLACES, TABLE, commands_for, shown
from kapture_tui.tui.screens.base import Dialog, Stage
from kapture_tui.tui.screens.bench import BenchQuestion, BenchScreen
from kapture_tui.tui.screens.dashboard import Dashboard
from kapture_tui.tui.screens.dialogs import Failure, Scale, Teardown, ThemePicker
from kapture_tui.tui.screens.reading import Details, Help, Logs
from kapture_tui.tui.screens.setup import SetupScreen
from kapture_tui.tui.screens.state import StateScreen
from kapture_tui.tui.screens.steps import DeployScreen, TeardownScreen
from tests.tui.stage import dashboard

STAGES: tuple[type[Stage], ...] = (
    BenchScreen,
    Dashboard,
    Details,
    Help,
    Logs,
    SetupScreen,
    StateScreen,
    DeployScreen,
    TeardownScreen,
)
DIALOGS: tuple[type[Dialog[object]], ...] = (BenchQuestion, Failure, Scale, Teardown, ThemePicker)


def test_ids_are_unique_and_places_are_known() -> None:
    assert len(BY_ID) == len(TABLE)
    assert {command.where for command in TABLE} == set(PLACES)


@pytest.mark.parametrize("screen", [*STAGES, *DIALOGS])
def test_every_binding_of_a_screen_is_in_the_table(screen: type[Screen[object]]) -> None:
    every = [
        binding for bindings in screen._merge_bindings().key_to_bindings.values() for binding in bindings
    ]
    assert every
    assert {binding.id for binding in every} <= set(BY_ID)


@pytest.mark.parametrize("screen", STAGES)
def test_every_command_of_a_screen_can_be_done(screen: type[Stage]) -> None:
    for command in commands_for(*screen.PLACES, "list"):
        assert hasattr(screen, f"action_{command.action.partition('(')[0]}"), command.id


def test_every_command_of_the_app_can_be_done() -> None:
    for command in commands_for("everywhere"):
        assert hasattr(ConsoleApp, f"action_{command.action}"), command.id
    every = [
        binding for bindings in ConsoleApp._merge_bindings().key_to_bindings.values() for binding in bindings
    ]
    assert {binding.id for binding in every} == {command.id for command in commands_for("everywhere")}


@pytest.mark.parametrize("places", [(*screen.PLACES, "list", "everywhere") for screen in STAGES])
def test_no_key_has_two_meanings_on_a_screen(places: tuple[str, ...]) -> None:
    for one, other in combinations(commands_for(*places), 2):
        shared = set(one.keys.split(",")) & set(other.keys.split(","))
        assert not shared, f"{one.id} and {other.id} share {shared}"


@pytest.mark.parametrize(
    ("key", "text"), [("plus", "+"), ("ctrl+p", "ctrl+p"), ("question_mark", "?"), ("D", "D")]
)
def test_keys_are_shown_as_people_write_them(key: str, text: str) -> None:
    assert shown(key) == text


def written(folder: Path, text: str) -> Path:
    path = folder / "keymap.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_without_a_file_the_keys_are_the_tables(tmp_path: Path) -> None:
    assert keymap.load(tmp_path / "none.yaml") == {command.id: command.keys for command in TABLE}


def test_a_keymap_changes_what_it_names(tmp_path: Path) -> None:
    keys = keymap.load(written(tmp_path, "# mine\nstack.scale: f5, X\nloader.more: '>'\n"))
    assert keys["stack.scale"] == "f5,X"
    assert keys["loader.more"] == "greater_than_sign"
    assert keys["select.logs"] == "l"


@pytest.mark.parametrize(
    ("text", "line", "key", "cause"),
    [
        ("stack.scale: f5\nstack.scael: x\n", 2, "stack.scael", "unknown command"),
        ("\n\nstack.scale: hyper+x\n", 3, "stack.scale", "unknown key 'hyper+x'"),
        ("stack.scale: foo\n", 1, "stack.scale", "unknown key 'foo'"),
        ("stack.scale:\n  x: y\n", 1, "stack.scale", "expected one or more keys"),
        ("stack.scale: l\n", 1, "stack.scale", "l already means 'select.logs'"),
        ("app.help: l\n", 1, "app.help", "l already means 'select.logs'"),
        ("stack.scale: x\nstack.scale: y\n", 2, "stack.scale", "it is there twice"),
    ],
)
def test_a_wrong_keymap_names_file_line_and_key(
    tmp_path: Path, text: str, line: int, key: str, cause: str
) -> None:
    path = written(tmp_path, text)
    with pytest.raises(UsageError) as error:
        keymap.load(path)
    assert f"{path}, line {line}, key {key!r}" in str(error.value)
    assert cause in str(error.value)


def test_what_is_no_mapping_names_file_and_line(tmp_path: Path) -> None:
    path = written(tmp_path, "- stack.scale\n")
    with pytest.raises(UsageError, match=f"{path}, line 1"):
        keymap.load(path)


def test_what_is_no_yaml_names_file_and_line(tmp_path: Path) -> None:
    path = written(tmp_path, "stack.scale: x\n  y: [\n")
    with pytest.raises(UsageError, match=rf"{path}, line 2"):
        keymap.load(path)


async def test_a_remapped_key_works_and_is_shown(own_home: Path) -> None:
    path = keymap.default_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("app.help: f9\n", encoding="utf-8")
    try:
        async with dashboard() as stage:
            assert "f9 help" in stage.lines()[-1]
            await stage.press("question_mark")
            assert isinstance(stage.app.screen, Dashboard)
            await stage.press("f9")
            assert isinstance(stage.app.screen, Help)
    finally:
        path.unlink()


async def test_help_and_palette_list_every_command() -> None:
    async with dashboard(size=(120, 90)) as stage:
        await stage.press("question_mark")
        text = stage.text()
        assert [command.id for command in TABLE if command.id not in text] == []
        assert [command.help for command in TABLE if command.help not in text] == []


async def test_the_palette_does_what_is_chosen() -> None:
    async with dashboard() as stage:
        await stage.press("ctrl+p")
        await stage.press(*"this list")
        await stage.until(lambda: "this list" in stage.text())
        await stage.press("enter")
        await stage.until_on(Help)


def test_the_documentation_lists_every_command_with_its_keys() -> None:
    page = (Path(__file__).parents[2] / "docs" / "keys.md").read_text(encoding="utf-8")
    for command in TABLE:
        keys = " ".join(f"`{shown(key)}`" for key in command.keys.split(","))
        assert f"| {keys} | {command.help} | `{command.id}` |" in page
