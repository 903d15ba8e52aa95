"""`replay` on the command line: which recording is meant, and what comes out of it."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from kapture_tui.cli import main
from kapture_tui.cli.parse import parse
from kapture_tui.cli.settings import Replay
from kapture_tui.model.errors import UsageError
from tests.unit.telemetry.tape import recorded, snapshots


@pytest.fixture
def tape(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A recording in the folder of recordings."""
    monkeypatch.setenv("KAPTURE_RECORDINGS", str(tmp_path))
    path = tmp_path / "pets-20260102-170000.kapture"
    path.write_bytes(recorded(snapshots(3)))
    return path


def replay(line: str) -> Replay:
    command = parse(line.split()).command
    assert isinstance(command, Replay)
    return command


def test_the_words_of_a_line() -> None:
    assert replay("replay pets") == Replay("pets")
    assert replay("replay pets --at 1:30 --speed 8 --plain") == Replay("pets", 90.0, 8.0, plain=True)
    assert replay("replay x.kapture --svg --at -30 --size 80x24 -o x.svg") == Replay(
        "x.kapture", -30.0, export="svg", size=(80, 24), output=Path("x.svg")
    )
    assert replay("replay pets --at 1:00:01").at_s == 3601


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("replay", "FILE"),
        ("replay pets --json --csv", "one export at a time"),
        ("replay pets -o x", "goes with an export"),
        ("replay pets --at soon", "MM:SS"),
        ("replay pets --speed 0", "from 0.25 to 60"),
        ("replay pets --svg --size 10x10", "from 40x12"),
    ],
)
def test_what_cannot_be_meant(line: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        parse(line.split())


def test_json_on_standard_output(tape: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay", "pets", "--json"]) == 0
    assert [json.loads(line)["seq"] for line in capsys.readouterr().out.splitlines()] == [0, 1, 2]


def test_csv_to_a_file(tape: Path, tmp_path: Path) -> None:
    assert main(["replay", str(tape), "--csv", "-o", str(tmp_path / "out.csv")]) == 0
    with (tmp_path / "out.csv").open(newline="") as file:
        assert [row["seq"] for row in csv.DictReader(file)] == ["0", "1", "2"]


def test_a_picture(tape: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.svg"
    assert main(["replay", "pets", "--svg", "-o", str(out)]) == 0
    assert "17:00:02" in out.read_text(encoding="utf-8").replace("&#160;", " ")


def test_a_recording_that_breaks_off_is_exported_with_a_word(
    tape: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tape.write_bytes(tape.read_bytes()[:-30])
    assert main(["replay", "pets", "--json"]) == 0
    told = capsys.readouterr()
    assert len(told.out.splitlines()) == 2
    assert "breaks off at 17:00:01" in told.err


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"hello\n", "it is no recording of kapture-tui"),
        (
            b'{"kapture-recording":{"format":7,"schema":1,"program":"9.1"}}\nnews',
            "it was recorded by kapture-tui 9.1, in format 7.1; this one reads up to 1.1 (update kapture-tui)",
        ),
    ],
)
@pytest.mark.parametrize("how", [[], ["--json"], ["--svg"]])
def test_a_file_that_cannot_be_read(
    tape: Path, content: bytes, says: str, how: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    tape.write_bytes(content)
    assert main(["replay", "pets", *how]) == 2
    assert says in capsys.readouterr().err


def test_a_stack_without_a_recording(tape: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay", "cats"]) == 2
    assert f"there are recordings of pets in {tape.parent}" in capsys.readouterr().err


def test_a_file_that_cannot_be_written(
    tape: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["replay", "pets", "--json", "-o", str(tmp_path / "none" / "x")]) == 2
    assert "No such file" in capsys.readouterr().err
