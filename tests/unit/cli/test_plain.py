"""Lines of plain text instead of the console."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from kapture_tui.cli import console, main
from kapture_tui.cli.plain import Teller, follow, status
from kapture_tui.cli.settings import Attach, Console
from kapture_tui.model.errors import UsageError
from kapture_tui.model.event import Event, EventKind
from kapture_tui.model.snapshot import Limit, Phase, Snapshot
from kapture_tui.model.times import timestamp
from tests.tui import sample
from tests.unit.cli.scripted import NOTHING, SPEC, ScriptedTarget, seen
from tests.unit.cli.scripted import event as told
from tests.unit.telemetry.tape import BEGAN_S, recorded, snapshots


def at(second: int, **changes: object) -> Snapshot:
    values = {"events": (), "limit": None, "ledger": sample.ledger(60), **changes}
    return replace(sample.snapshot(60), time=timestamp(BEGAN_S + second), **values)  # type: ignore[arg-type]


def test_figures_are_said_every_ten_seconds() -> None:
    teller = Teller()
    said = [teller.lines(at(second)) for second in range(25)]
    assert [second for second, lines in enumerate(said) if lines] == [0, 10, 20]
    (line,) = said[10]
    assert line.startswith("17:00:10  flowing 01:00  offered 18,")
    assert line.isascii()


def test_events_and_changes_of_the_limit_are_said_at_once() -> None:
    teller, held = Teller(), Limit("group.holds", "etl", "etl holds the loaders back")
    before = Event(timestamp(BEGAN_S), EventKind.STEP, "", "ready")
    scaled = Event(timestamp(BEGAN_S + 2), EventKind.ACTION, "etl", "scaled 1 → 2")
    lost = Event(timestamp(BEGAN_S + 3), EventKind.ALARM, "", "5 messages are lost")
    teller.lines(at(0, events=(before,)))
    assert teller.lines(at(1, events=(before,), limit=held)) == [
        "17:00:01  limit: etl holds the loaders back"
    ]
    assert teller.lines(at(2, events=(before, scaled), limit=replace(held, text="etl holds: 2 s late"))) == [
        "17:00:02  etl: scaled 1 → 2"
    ]
    assert teller.lines(at(3, events=(scaled, lost), limit=held)) == ["17:00:03  alarm: 5 messages are lost"]


def test_a_change_of_phase_is_said_at_once() -> None:
    teller = Teller()
    teller.lines(at(0))
    (line,) = teller.lines(at(1, run=replace(at(0).run, phase=Phase.DRAINING)))
    assert "draining" in line


def test_what_is_wrong_stands_on_the_line() -> None:
    line = status(sample.troubled())
    assert "lost 5  duplicated 2" in line
    away = replace(sample.snapshot(60), age_s=12.0, unavailable={"target": "connection refused"})
    assert status(away).endswith("12 s old: connection refused")


async def test_a_stack_is_followed_until_it_is_gone(capsys: pytest.CaptureFixture[str]) -> None:
    killed = told(EventKind.CHANGE, "killed \x1b[2J, back after 0.4 s", "etl-0")
    target = ScriptedTarget([seen(), seen(delivered=5), seen(Phase.STARTING, killed, delivered=50), NOTHING])
    assert await follow(Attach("local", "demo"), target) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "delivered 9/s" in lines[0]
    assert [line for line in lines if line.endswith("etl-0: killed \\x1b[2J, back after 0.4 s")]
    assert lines[-1].endswith("  gone")


async def test_of_nothing_it_is_refused() -> None:
    with pytest.raises(UsageError, match="no stack runs as 'demo'"):
        await follow(Attach("local", "demo"), ScriptedTarget([NOTHING]))


@pytest.mark.parametrize("plain", [True, False])  # here there is no terminal, said or not
@pytest.mark.parametrize("command", [Console(), Console(spec=SPEC)])
def test_without_a_console_there_is_no_setup(command: Console, plain: bool) -> None:
    with pytest.raises(UsageError, match="use kapture-tui up"):
        console.run(replace(command, plain=plain), None)


def test_a_recording_is_played_in_lines(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "tape.kapture"
    path.write_bytes(recorded(snapshots(4), ended=False))
    assert main(["replay", str(path), "--plain", "--speed", "60"]) == 0
    printed = capsys.readouterr()
    assert [line[:8] for line in printed.out.splitlines()] == ["17:00:00", "17:00:00"]
    assert "limit: etl-redis holds the loaders back" in printed.out
    assert "breaks off" in printed.err


@pytest.mark.parametrize("locale", ["C", "C.UTF-8"])
def test_the_locale_decides_about_ascii(tmp_path: Path, locale: str) -> None:
    path = tmp_path / "tape.kapture"
    scaled = Event(timestamp(BEGAN_S + 1), EventKind.ACTION, "etl", "scaled 1 → 2")
    first, second = snapshots(2)
    path.write_bytes(recorded([replace(first, events=()), replace(second, events=(scaled,))]))
    done = subprocess.run(
        [sys.executable, "-m", "kapture_tui", "replay", str(path), "--speed", "60"],
        capture_output=True,
        env={"PATH": "", "PYTHONPATH": ":".join(sys.path), "LANG": locale, "HOME": str(tmp_path)},
        check=True,
    )
    arrow = ">" if locale == "C" else "→"
    assert f"etl: scaled 1 {arrow} 2" in done.stdout.decode()
