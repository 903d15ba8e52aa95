"""A Snapshot as the JSON value that a recording keeps of it: rounded, with points in time for ages, without secrets.

Nothing here knows the Snapshot's fields: what is added to it later is recorded as well.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from enum import Enum
from functools import cache, lru_cache
from math import floor, isfinite, log10
from operator import attrgetter
from typing import Any, cast

from kapture_tui.model.redact import redacted
from kapture_tui.model.snapshot import Snapshot
from kapture_tui.model.wire import from_wire
from kapture_tui.telemetry.delta import Json

DIGITS = 4
"""Significant digits of fractions; no screen shows more. Whole numbers, and so the ledger, are kept to the last one."""

CLOCKS = ("age_s", "elapsed_s")
"""Fields with such an ending grow with the clock. Kept as the point in time they count from, they do not change."""

PRECISE_BELOW_S = 10.0
"""Ages below this are kept to a tenth of a second, others to a second."""


class Packer:
    """Packs one Snapshot after the other; a row in which nothing has changed is the same object as before.

    With ten thousand pods, of which few change, that takes a tenth of the time.
    """

    def __init__(self) -> None:
        self._before: dict[type, dict[str, _Row]] = {}
        self._now: dict[type, dict[str, _Row]] = {}

    def pack(self, snapshot: Snapshot, time_s: float) -> dict[str, Json]:
        """What is kept of a Snapshot that was taken at a time, seconds since the epoch."""
        self._before, self._now = self._now, {}
        return {
            field.name: self._value(field.name, getattr(snapshot, field.name), time_s)
            for field in fields(snapshot)
        }

    def _value(self, name: str, value: Any, time_s: float) -> Json:
        kind: type = type(value)
        if kind is float:
            return _since(value, time_s) if name.endswith(CLOCKS) else rounded(value)
        if kind is str:
            return _harmless(value)
        if names := _names(kind):
            return self._row(value, time_s) if "name" in names else self._fields(value, time_s)
        if isinstance(value, Enum):
            return value.value
        if isinstance(value, Mapping):
            return {str(key): self._value(str(key), item, time_s) for key, item in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [self._value("", item, time_s) for item in value]
        return value

    def _fields(self, value: Any, time_s: float) -> dict[str, Json]:
        kind: type = type(value)
        return {name: self._value(name, getattr(value, name), time_s) for name in _names(kind)}

    def _row(self, row: Any, time_s: float) -> dict[str, Json]:
        kind: type = type(row)
        rows = self._now.setdefault(kind, {})
        known = self._before.get(kind, {}).get(row.name)
        if known is not None and known.row is row:
            # Of many pods most rows are the very ones of a second ago: their ages count from the same points in time.
            rows[row.name] = known
            return known.packed
        clocks, others = _parts(kind)
        ages = clocks(row)
        state = others(row), tuple(None if age_s is None else _since(age_s, time_s) for age_s in ages)
        made = known.packed if known is not None and known.state == state else self._fields(row, time_s)
        rows[row.name] = _Row(row, state, made)
        return made


@dataclass(frozen=True, slots=True)
class _Row:
    """A row as it was: itself, what it said, with points in time for ages, and what is kept of it."""

    row: Any
    state: tuple[Any, ...]
    packed: dict[str, Json]


@cache
def _names(kind: type) -> tuple[str, ...]:
    """Of its fields; of a kind that is no dataclass, none."""
    return tuple(field.name for field in fields(kind)) if is_dataclass(kind) else ()


@cache
def _parts(kind: type) -> tuple[Callable[[Any], tuple[Any, ...]], Callable[[Any], tuple[Any, ...]]]:
    """How to get the ages of a row, and everything else."""
    ages = [name for name in _names(kind) if name.endswith(CLOCKS)]
    others = [name for name in _names(kind) if name not in ages]
    return _getter(ages), _getter(others)


def _getter(names: list[str]) -> Callable[[Any], tuple[Any, ...]]:
    if len(names) > 1:
        return cast("Callable[[Any], tuple[Any, ...]]", attrgetter(*names))
    return lambda row: tuple(getattr(row, name) for name in names)


def packed(snapshot: Snapshot, time_s: float) -> dict[str, Json]:
    """What is kept of a single Snapshot."""
    return Packer().pack(snapshot, time_s)


def unpacked(kept: Mapping[str, Json], time_s: float) -> Snapshot:
    """The Snapshot again. Raises WireError: it is none."""
    return from_wire(Snapshot, {name: _unpacked(name, value, time_s) for name, value in kept.items()})


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
