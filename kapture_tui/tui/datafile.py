"""YAML files of the user, read so that a complaint can name the file, the line and the key."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from kapture_tui.model.errors import UsageError

if TYPE_CHECKING:
    from yaml import Node


@dataclass(frozen=True, slots=True)
class Entry:
    """One key of a mapping.

    Attributes:
        key: as written.
        line: where, counted from 1.
        value: the text of a plain value, or the entries of a nested mapping.
    """

    key: str
    line: int
    value: str | tuple[Entry, ...]


def read_entries(path: Path) -> tuple[Entry, ...]:
    """Return the top-level entries of a YAML file, in order; an empty file has none.

    Raises: UsageError: the file cannot be read, is no YAML, or holds something else than mappings of plain values.
    """
    import yaml

    try:
        node = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    except (OSError, UnicodeDecodeError) as exc:
        raise UsageError(f"reading {path}", str(getattr(exc, "strerror", None) or exc)) from exc
    except yaml.YAMLError as exc:
        mark = getattr(exc, "problem_mark", None)
        place = f"{path}, line {mark.line + 1}" if mark else str(path)
        raise UsageError(f"reading {place}", getattr(exc, "problem", None) or "not YAML") from exc
    return () if node is None else _entries(path, node)


def complain(path: Path, entry: Entry, cause: str, remedy: str = "") -> UsageError:
    """Return the error for an entry that cannot be meant."""
    return UsageError(f"{path}, line {entry.line}, key {entry.key!r}", cause, remedy)


def _entries(path: Path, node: Node) -> tuple[Entry, ...]:
    from yaml import MappingNode, ScalarNode

    if not isinstance(node, MappingNode):
        raise UsageError(f"{path}, line {node.start_mark.line + 1}", "expected 'key: value' lines")
    entries: list[Entry] = []
    for key, value in node.value:
        line = key.start_mark.line + 1
        if not isinstance(key, ScalarNode) or not isinstance(value, (ScalarNode, MappingNode)):
            raise UsageError(f"{path}, line {line}", "expected a key and a plain value")
        if key.value in {entry.key for entry in entries}:
            raise UsageError(f"{path}, line {line}, key {key.value!r}", "it is there twice")
        content = value.value if isinstance(value, ScalarNode) else _entries(path, value)
        entries.append(Entry(key.value, line, content))
    return tuple(entries)
