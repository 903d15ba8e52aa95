"""Results as files: written whole or not at all, checked against the published schema when read."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from kapture_tui.bench.result import SCHEMA, Result
from kapture_tui.model.errors import KaptureError
from kapture_tui.model.wire import from_wire, to_wire

_SCHEMAS = Path(__file__).parent / "schemas"


def schema_of(version: int) -> Path:
    """The published JSON Schema of a version; the file is not there for one we do not know."""
    return _SCHEMAS / f"result-{version}.json"


def write(path: Path, result: Result) -> None:
    """Put a result in place of the one before in one step: whoever reads finds the old one or the new one.

    Raises: KaptureError: it could not be written; what was there before still is.
    """
    text = json.dumps(to_wire(result), separators=(",", ":"), allow_nan=False) + "\n"
    beside = path.with_name(f".{path.name}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with beside.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError as exc:
        with suppress(OSError):
            beside.unlink()
        remedy = "make room there, then go on with --resume: what was written before is whole"
        raise KaptureError(f"keeping the result in {path}", exc.strerror or str(exc), remedy) from exc


def read(path: Path) -> Result:
    """A result. Raises KaptureError when the file cannot be read, is none, or is of a later release."""
    doing = f"reading {path}"
    try:
        found = json.loads(path.read_bytes())
    except OSError as exc:
        raise KaptureError(doing, exc.strerror or str(exc)) from exc
    except ValueError as exc:
        raise KaptureError(doing, f"it is not JSON: {exc}") from exc
    version = found.get("schema") if isinstance(found, dict) else None
    if not isinstance(version, int) or not schema_of(version).is_file():
        later = isinstance(version, int) and version > SCHEMA
        remedy = "a later release wrote it: update kapture-tui" if later else "it is no result of `bench`"
        raise KaptureError(doing, f"its schema is {version!r}, known are 1 to {SCHEMA}", remedy)
    try:
        _check(version)(found)
        return from_wire(Result, found)
    except ValueError as exc:  # the validator's errors and WireError are ValueErrors
        raise KaptureError(doing, str(exc), f"its form is described in {schema_of(version)}") from exc


@cache
def _check(version: int) -> Callable[[Any], Any]:
    import fastjsonschema

    found: Callable[[Any], Any] = fastjsonschema.compile(json.loads(schema_of(version).read_text()))
    return found


def files(folder: Path) -> Iterator[Path]:
    """The result files of a folder and its folders, by name. None where there is no folder."""
    yield from sorted(path for path in folder.rglob("*.json") if not path.name.startswith("."))
