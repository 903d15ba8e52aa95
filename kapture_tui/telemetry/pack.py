"""A Snapshot as the JSON value that a recording keeps of it: rounded, with points in time for ages, without secrets.

Nothing here knows the Snapshot's fields: what is added to it later is recorded as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from math import floor, isfinite, log10
from typing import Any

from kapture_tui.model.redact import redacted
from kapture_tui.model.snapshot import Snapshot
from kapture_tui.model.wire import from_wire, to_wire
from kapture_tui.telemetry.delta import Json

DIGITS = 4
"""Significant digits of fractions; no screen shows more. Whole numbers, and so the ledger, are kept to the last one."""

CLOCKS = ("age_s", "elapsed_s")
"""Fields with such an ending grow with the clock. Kept as the point in time they count from, they do not change."""

PRECISE_BELOW_S = 10.0
"""Ages below this are kept to a tenth of a second, others to a second."""


def packed(snapshot: Snapshot, time_s: float) -> dict[str, Json]:
    """What is kept of a Snapshot that was taken at a time, seconds since the epoch."""
    return {name: _packed(name, value, time_s) for name, value in to_wire(snapshot).items()}


def unpacked(kept: Mapping[str, Json], time_s: float) -> Snapshot:
    """The Snapshot again. Raises WireError: it is none."""
    return from_wire(Snapshot, {name: _unpacked(name, value, time_s) for name, value in kept.items()})


def _packed(name: str, value: Json, time_s: float) -> Json:
    kind = type(value)
    if kind is float:
        return _since(value, time_s) if name.endswith(CLOCKS) else rounded(value)
    if kind is dict:
        return {key: _packed(key, item, time_s) for key, item in value.items()}
    if kind is list:
        return [_packed("", item, time_s) for item in value]
    return _harmless(value) if kind is str else value


def _unpacked(name: str, value: Json, time_s: float) -> Any:
    kind = type(value)
    if kind is dict:
        return {key: _unpacked(key, item, time_s) for key, item in value.items()}
    if kind is list:
        return [_unpacked("", item, time_s) for item in value]
    return round(max(0.0, time_s - value), 1) if kind is float and name.endswith(CLOCKS) else value


def _since(age_s: float, time_s: float) -> float:
    if not isfinite(age_s):
        return age_s
    since = time_s - age_s
    return round(since, 1) if age_s < PRECISE_BELOW_S else float(round(since))


def rounded(value: float) -> float:
    """A number to four significant digits, never coarser than a whole."""
    if not value or not isfinite(value):
        return value
    return round(value, max(0, DIGITS - 1 - floor(log10(abs(value)))))


@lru_cache(maxsize=4096)
def _harmless(text: str) -> str:
    return redacted(text)
