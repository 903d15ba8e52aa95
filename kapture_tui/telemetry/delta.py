"""What has changed between two JSON values, as a JSON value that is small when little has. Pure.

A patch says what becomes of an old value:

    null            it is gone (a field of an object, or a row)
    7               an integer is 7 more
    {"a": patch}    these fields of an object have changed; a new one has a patch of the form [value]
                    of a list of rows (objects with distinct names) these rows have changed; a new one is [index, row]
    [2, [...]]      a list has lost its first two items and has gained these at the end
    [value]         anything else: it is this now
"""

from __future__ import annotations

from typing import Any

Json = Any
"""What `json.loads` returns."""

SAME = object()
"""What `diff` returns when there is nothing to say."""


def diff(old: Json, new: Json) -> Json:
    """The patch that makes `new` of `old`; `SAME` if they are equal, the order of fields included."""
    if old is new:
        return SAME
    if type(old) is not type(new):
        return [new]
    if type(new) is dict:
        return _fields(old, new)
    if type(new) is list:
        return _list(old, new)
    if old == new:
        return SAME
    return new - old if type(new) is int else [new]


def patched(old: Json, patch: Json) -> Json:
    """The value a patch makes of an old one, which stays as it is; what has not changed is shared with it.

    Raises: TypeError, ValueError, KeyError, IndexError: the patch is not one for this value.
    """
    if type(patch) is int:
        if type(old) is not int:
            raise TypeError("a number is added to something else")
        return old + patch
    if type(patch) is dict:
        return _patched_rows(old, patch) if type(old) is list else _patched_fields(old, patch)
    if len(patch) == 1:
        return patch[0]
    lost, gained = patch
    return [*old[lost:], *gained]


def _fields(old: dict[str, Json], new: dict[str, Json]) -> Json:
    if not _keeps_order(list(old), list(new), appends=True):
        return [new]  # the busiest command first: order is part of the value
    changed: dict[str, Json] = {}
    for name, value in new.items():
        patch = diff(old[name], value) if name in old else [value]
        if patch is not SAME:
            changed[name] = patch
    changed |= dict.fromkeys(name for name in old if name not in new)
    return changed or SAME


def _list(old: list[Json], new: list[Json]) -> Json:
    before, after = _by_name(old), _by_name(new)
    if before and after:
        return _rows(before, after) if _keeps_order(list(before), list(after)) else [new]
    if old == new:
        return SAME
    lost = old.index(new[0]) if new and new[0] in old else len(old)
    overlap = len(old) - lost
    return [lost, new[overlap:]] if overlap and old[lost:] == new[:overlap] else [new]


def _rows(old: dict[str, Json], new: dict[str, Json]) -> Json:
    changed: dict[str, Json] = {}
    for index, (name, row) in enumerate(new.items()):
        patch = diff(old[name], row) if name in old else [index, row]
        if patch is not SAME:
            changed[name] = patch
    changed |= dict.fromkeys(name for name in old if name not in new)
    return changed or SAME


def _by_name(rows: list[Json]) -> dict[str, Json]:
    """Rows by their names; empty if they are no rows, or if two share a name."""
    named = {row["name"]: row for row in rows if type(row) is dict and type(row.get("name")) is str}
    return named if len(named) == len(rows) else {}


def _keeps_order(old: list[str], new: list[str], appends: bool = False) -> bool:
    """Whether what stays has kept its order; with `appends` also whether what is new comes after it."""
    if old == new:
        return True
    before, after = set(old), set(new)
    stays = [name for name in old if name in after]
    return stays == (new[: len(stays)] if appends else [name for name in new if name in before])


def _patched_fields(old: dict[str, Json], patch: dict[str, Json]) -> dict[str, Json]:
    new = dict(old)
    for name, change in patch.items():
        if change is None:
            del new[name]
        else:
            new[name] = patched(old.get(name), change)
    return new


def _patched_rows(old: list[Json], patch: dict[str, Json]) -> list[Json]:
    known = _by_name(old)
    rows = [
        patched(row, patch[name]) if name in patch else row
        for name, row in known.items()
        if name not in patch or patch[name] is not None
    ]
    for name, change in patch.items():  # new rows stand in the patch in the order of their places
        if name not in known:
            index, row = change
            rows.insert(index, row)
    return rows
