"""What the harness says of its figures; measuring is no part of the tests."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from benchmark.perf import __main__ as perf
from benchmark.perf.result import CannotRun, Effort, Result
from kapture_tui.model.errors import KaptureError

Run = Callable[..., tuple[int, str, Any]]

FAST = Result("fast", 300.0, "records / s", 100.0, 3.0, 2.0, "three times")
SLOW = Result("slow", 1.5, "s", 1.0, 0.666, 0.7)
FREE = Result("free", 7.0, "bytes")


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run the command with one part that yields these results, then raises; (exit code, its table, its JSON)."""

    def run(*results: Result, raises: Exception | None = None, check: bool = True) -> tuple[int, str, Any]:
        def measure(_effort: Effort) -> Iterator[Result]:
            yield from results
            if raises:
                raise raises

        part = ModuleType("part")
        part.measure = measure  # type: ignore[attr-defined]
        monkeypatch.setattr(perf, "PARTS", {"part": "for the test"})
        monkeypatch.setitem(sys.modules, "benchmark.perf.part", part)
        out = tmp_path / "new" / "latest.json"
        code = perf.main(["part", "--out", str(out), *(["--check"] if check else [])])
        return code, capsys.readouterr().out, json.loads(out.read_text())

    return run


def test_a_ratio_below_its_goal_fails_the_check_alone(run: Run) -> None:
    assert run(FAST, FREE)[0] == 0
    assert run(FAST, SLOW)[0] == 1
    assert run(FAST, SLOW, check=False)[0] == 0


def test_what_cannot_run_says_why_and_fails_nothing(run: Run) -> None:
    code, table, document = run(FAST, raises=CannotRun("KAFKA_HOME is not set"))
    assert code == 0
    assert "not measured" in table
    assert "KAFKA_HOME is not set" in table
    assert [(result["value"], result["ok"]) for result in document["results"]] == [
        (300.0, True),
        (None, None),
    ]


def test_a_measurement_that_goes_wrong_fails_the_check(run: Run) -> None:
    code, table, document = run(raises=KaptureError("deploying", "no room"))
    assert code == 1
    assert "FAILED" in table
    assert "no room" in table
    assert document["results"][0]["ok"] is False


def test_the_table_lines_up_and_the_document_is_complete(run: Run) -> None:
    _, table, document = run(FAST, SLOW, FREE)
    rows = table.splitlines()[2:5]
    assert [row.split()[0] for row in rows] == ["fast", "slow", "free"]
    assert (
        len({row.index(figure) + len(figure) for row, figure in zip(rows, ("300", "1.5", "7"), strict=True)})
        == 1
    )
    assert ["BELOW" in row for row in rows] == [False, True, False]
    assert "fast: three times" in table
    assert document["machine"]["cores"]
    assert [(result["name"], result["ratio"], result["ok"]) for result in document["results"]] == [
        ("fast", 3.0, True),
        ("slow", 0.666, False),
        ("free", None, None),
    ]


def test_an_unknown_part_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as refused:
        perf.main(["loaders"])
    assert refused.value.code == 2
    assert "loaders" in capsys.readouterr().err
