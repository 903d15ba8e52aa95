"""Dataclasses to plain JSON values and back, driven by their type hints.

One mechanism for the Snapshot, the observer's report, the supervisor's socket and what is written to files.
"""

from __future__ import annotations

import dataclasses
import enum
import json
import re
import types
import typing
from collections.abc import Mapping
from functools import cache
from typing import Any, TypeVar, cast

T = TypeVar("T")

_WHOLE_NUMBER = re.compile(r"-?[0-9]{1,30}")


class WireError(ValueError):
    """A JSON value does not have the shape of the dataclass it should become."""


def to_wire(value: Any) -> Any:
    """A JSON value for a dataclass, enum, mapping, sequence or plain value; fields keep their order and names."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: to_wire(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, Mapping):
        return {str(key): to_wire(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [to_wire(item) for item in value]
    return value


def to_json(value: Any) -> str:
    """The same as one line of JSON; control characters in it are escaped, as JSON demands."""
    return json.dumps(to_wire(value), separators=(",", ":"))


def from_wire(kind: type[T], value: Any) -> T:
    """The dataclass of type `kind` that a JSON value stands for. Unknown fields are ignored, missing ones defaulted.

    Raises:
        WireError: a field is missing without a default, or a value has the wrong shape; the path is named.
    """
    return cast(T, _read(kind, value, kind.__name__))


@cache
def _hints(kind: type) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def _read(kind: Any, value: Any, path: str) -> Any:
    if kind is Any:
        return value
    origin = typing.get_origin(kind)
    if origin in (typing.Union, types.UnionType):
        return _read_union(kind, value, path)
    if dataclasses.is_dataclass(kind):
        return _read_dataclass(cast(type, kind), value, path)
    if origin is not None:
        return _read_container(origin, typing.get_args(kind), value, path)
    return _read_plain(kind, value, path)


def _read_union(kind: Any, value: Any, path: str) -> Any:
    arms = typing.get_args(kind)
    if value is None and type(None) in arms:
        return None
    problem: WireError | None = None
    for arm in (a for a in arms if a is not type(None)):
        try:
            return _read(arm, value, path)
        except WireError as exc:
            problem = exc
    raise problem or WireError(f"{path}: {value!r} is not allowed here")


def _read_dataclass(kind: type, value: Any, path: str) -> Any:
    if not isinstance(value, Mapping):
        raise WireError(f"{path}: expected an object, found {type(value).__name__}")
    hints = _hints(kind)
    known = {
        f.name: _read(hints[f.name], value[f.name], f"{path}.{f.name}")
        for f in dataclasses.fields(kind)
        if f.name in value
    }
    try:
        return kind(**known)
    except TypeError as exc:
        raise WireError(f"{path}: {exc}") from exc


def _read_container(origin: Any, args: tuple[Any, ...], value: Any, path: str) -> Any:
    if issubclass(origin, Mapping):
        if not isinstance(value, Mapping):
            raise WireError(f"{path}: expected an object, found {type(value).__name__}")
        return {_read_key(args[0], k, path): _read(args[1], v, f"{path}.{k}") for k, v in value.items()}
    if not isinstance(value, (list, tuple)):
        raise WireError(f"{path}: expected a list, found {type(value).__name__}")
    if origin is tuple and not (len(args) == 2 and args[1] is Ellipsis):
        if len(args) != len(value):
            raise WireError(f"{path}: expected {len(args)} items, found {len(value)}")
        return tuple(
            _read(arg, item, f"{path}[{i}]") for i, (arg, item) in enumerate(zip(args, value, strict=True))
        )
    return origin(_read(args[0], item, f"{path}[{i}]") for i, item in enumerate(value))


def _read_key(kind: Any, key: Any, path: str) -> Any:
    if kind is int and isinstance(key, str) and _WHOLE_NUMBER.fullmatch(key):
        return int(key)  # keys of JSON objects are strings
    return _read_plain(kind, key, f"{path}.{key}")


def _read_plain(kind: Any, value: Any, path: str) -> Any:
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        try:
            return kind(value)
        except ValueError as exc:
            raise WireError(f"{path}: {exc}") from exc
    if isinstance(kind, type) and (not isinstance(value, kind) or (kind is int and isinstance(value, bool))):
        raise WireError(f"{path}: expected {kind.__name__}, found {type(value).__name__}")
    return value
