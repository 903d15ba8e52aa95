"""A recording as text for other programs: JSON lines with everything, CSV with the figures."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from typing import Any

from kapture_tui.model.states import STATES
from kapture_tui.model.wire import to_json, to_wire
from kapture_tui.telemetry.recording import Recording

TEXTS = frozenset({"unavailable", "popular"})
"""Parts that are no figures."""


def json_lines(recording: Recording) -> Iterator[str]:
    """Every Snapshot on a line, as `status --watch` prints them. Raises UsageError: the recording is broken."""
    for snapshot in recording.snapshots():
        yield to_json(snapshot) + "\n"


def csv_lines(recording: Recording) -> Iterator[str]:
    """A line with the names of the figures ("flow.groups.etl.latency_ms.p99"), then one a Snapshot.

    What is not known is empty. Raises UsageError: the recording is broken.
    """
    names: dict[str, None] = {}
    for row in _rows(recording):
        names |= dict.fromkeys(row)
    for row in ({name: name for name in names}, *_rows(recording)):
        yield _line([row.get(name) for name in names])


def _rows(recording: Recording) -> Iterator[dict[str, Any]]:
    return (
        dict(_figures(to_wire(recording.snapshot(index, states=False)))) for index in range(len(recording))
    )


def _figures(part: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in part.items():
        if isinstance(value, Mapping):
            if name not in TEXTS and not _is_wide(value):
                yield from _figures(value, f"{above}{name}.")
        elif not isinstance(value, list) and value is not None:
            yield f"{above}{name}", value


def _is_wide(part: Mapping[str, Any]) -> bool:
    """Whether it has a field for each state, or for each bucket of a histogram: those are in the JSON lines."""
    return bool(part) and all(name in STATES or name.isdecimal() for name in part)


def _line(cells: list[Any]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(map(_cell, cells))
    return text.getvalue()


def _cell(value: Any) -> Any:
    """A value as it may stand in a spreadsheet: a text that looks like a formula is none."""
    if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")):
        return "'" + value
    return value
