"""The two kinds of patches a kustomization has: a partial object that is merged in, and a list of JSON operations."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from typing import Any

_KEYS = {
    "containers": "name",
    "initContainers": "name",
    "env": "name",
    "volumes": "name",
    "volumeMounts": "mountPath",
    "ports": "containerPort",
}
"""Lists whose elements are merged by a field, as Kubernetes' schema has it; of those our manifests patch."""


def merge(value: Any, patch: Any, field: str = "") -> Any:
    """A strategic merge: mappings by key, null removes, known lists by their key field, other lists are replaced."""
    if isinstance(value, dict) and isinstance(patch, dict):
        return _merge_mapping(value, patch)
    if isinstance(value, list) and isinstance(patch, list) and field in _KEYS:
        return _merge_list(value, patch, _KEYS[field])
    return copy.deepcopy(patch)


def _merge_mapping(value: dict[str, Any], patch: dict[str, Any]) -> dict[str, Any]:
    merged = dict(value)
    for field, change in patch.items():
        if change is None:
            merged.pop(field, None)
        else:
            merged[field] = merge(merged.get(field), change, field)
    return merged


def _merge_list(value: list[Any], patch: list[Any], key: str) -> list[Any]:
    merged = {item.get(key): item for item in value}
    for change in patch:
        name = change[key]
        if change.get("$patch") == "delete":
            merged.pop(name, None)
        else:
            merged[name] = merge(merged.get(name), change)
    return list(merged.values())


def json_patch(value: Any, operations: Iterable[Mapping[str, Any]]) -> Any:
    """RFC 6902's add, remove and replace.

    Raises: KeyError, IndexError: a path does not exist. ValueError: another operation.
    """
    root = {"": copy.deepcopy(value)}
    for operation in operations:
        *parents, last = [part.replace("~1", "/").replace("~0", "~") for part in operation["path"].split("/")]
        place: Any = root
        for part in parents:
            place = place[int(part)] if isinstance(place, list) else place[part]
        _change(place, last, operation)
    return root[""]


def _change(place: Any, key: str, operation: Mapping[str, Any]) -> None:
    kind = operation["op"]
    index: Any = key
    if isinstance(place, list):
        index = len(place) if key == "-" else int(key)
    if kind == "add" and isinstance(place, list):
        place.insert(index, copy.deepcopy(operation["value"]))
    elif kind == "add":
        place[index] = copy.deepcopy(operation["value"])
    elif kind == "replace":
        place[index]  # must be there
        place[index] = copy.deepcopy(operation["value"])
    elif kind == "remove":
        del place[index]
    else:
        raise ValueError(f"operation {kind!r} is not known")
