"""Result files: whole or not there, checked when read, and readable for ever."""

from __future__ import annotations

import dataclasses
import errno
import json
import os
import typing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kapture_tui.bench.result import Result, Status
from kapture_tui.bench.store import files, read, schema_of, write
from kapture_tui.bench.trial import Purpose
from kapture_tui.model.errors import KaptureError
from tests.unit.bench.stands import result

OLD = Path(__file__).parent / "old"
CATALOGUE = Path(__file__).parents[3] / "benchmark" / "results"


def test_what_is_written_is_what_is_read(tmp_path: Path) -> None:
    path = tmp_path / "new" / "run.json"
    write(path, result())
    assert read(path) == result()
    assert [one.name for one in path.parent.iterdir()] == ["run.json"]


def test_a_write_that_fails_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "run.json"
    write(path, result())

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(KaptureError, match=r"No space left on device.*--resume"):
        write(path, replace(result(), status=Status.COMPLETE))
    assert read(path) == result()
    assert [one.name for one in tmp_path.iterdir()] == ["run.json"]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"status": "splendid"}, "status"),
        ({"deployments": [{"number": "one"}]}, r"deployments\[0\]"),
        ({"asked": {}}, "asked"),
        ({"schema": 99}, "later release"),
        ({"schema": None}, "no result"),
    ],
)
def test_a_file_that_is_no_result_is_refused_with_the_place(
    tmp_path: Path, change: dict[str, Any], problem: str
) -> None:
    path = tmp_path / "run.json"
    write(path, result())
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(KaptureError, match=problem):
        read(path)


def test_half_a_file_and_none_are_errors_with_their_path(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    with pytest.raises(KaptureError, match=r"run\.json"):
        read(path)
    path.write_text('{"schema": 1,')
    with pytest.raises(KaptureError, match="not JSON"):
        read(path)


def test_fields_of_later_releases_are_borne(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    write(path, result())
    path.write_text(json.dumps(json.loads(path.read_text()) | {"mood": "good"}))
    assert read(path) == result()


def test_a_result_of_the_first_schema_is_still_read() -> None:
    """This file is never written anew: it stands for those that people keep."""
    found = read(OLD / "result-1.json")
    assert found.status is Status.COMPLETE
    assert found.score is not None
    assert found.score.v == pytest.approx(8739.47, abs=0.01)
    assert found.capacities() == pytest.approx([8472.53, 9418.37, 8365.01], abs=0.01)
    assert [len(one.tried) for one in found.deployments] == [21, 20, 20]
    assert found.bottlenecks == {"etl": 1}
    assert found.environment.cores == 6.0
    last = found.deployments[0].tried[-1]
    assert last.trial.purpose is Purpose.CONFIRM
    assert last.result.latency["etl"].total == 100
    assert last.result.usage["etl"].throttled_ratio == 0.25


def test_the_catalogue_can_be_read_and_names_its_sources() -> None:
    found = [read(path) for path in files(CATALOGUE)]
    published = [one for one in found if one.published]
    assert len(published) == 13
    for one in published:
        assert one.published is not None
        assert one.published.source.startswith("https://")
        assert "Not comparable" in one.published.note


def test_the_schema_has_every_field_that_is_written() -> None:
    schema = json.loads(schema_of(1).read_text())
    _same_fields(Result, schema, schema)


def _same_fields(kind: type, part: dict[str, Any], schema: dict[str, Any]) -> None:
    """The dataclass and everything in it, against their part of the schema."""
    fields = {field.name: field for field in dataclasses.fields(kind)}
    assert part["properties"].keys() == fields.keys(), kind
    demanded = {
        name
        for name, field in fields.items()
        if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
    }
    assert demanded <= set(part.get("required", ())), kind
    for hint in typing.get_type_hints(kind).values():
        for inner in _dataclasses_in(hint):
            _same_fields(inner, schema["definitions"][inner.__name__], schema)


def _dataclasses_in(hint: Any) -> list[type]:
    if dataclasses.is_dataclass(hint):
        return [typing.cast(type, hint)]
    return [found for argument in typing.get_args(hint) for found in _dataclasses_in(argument)]
