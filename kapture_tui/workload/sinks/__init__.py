"""Databases that transactions are written to, one module each; others come from outside by the entry-point group."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points

from kapture_tui.model.errors import UsageError
from kapture_tui.workload.sinks.base import Batch, Database, Sink, SinkUnavailable, Statistics

__all__ = ["GROUP", "Batch", "Database", "Sink", "SinkUnavailable", "Statistics", "open_database", "outside"]

GROUP = "kapture_tui.sinks"
"""Entry points of this group are classes like `RedisSink`, made with a URL; their names are the databases'."""

OWN: Mapping[str, str] = {
    "postgres": "postgres:PostgresSink",
    "redis": "redis:RedisSink",
    "mongo": "mongo:MongoSink",
    "elasticsearch": "elasticsearch:ElasticsearchSink",
}
"""Database to module and class. A table, as pods run our package from its sources, without its metadata."""


@cache
def outside() -> Mapping[str, EntryPoint]:
    """The databases that installed packages add, by name; ours cannot be replaced."""
    return {point.name: point for point in entry_points(group=GROUP) if point.name not in OWN}


def open_database(name: str, url: str) -> Database:
    """The database of that name at a URL. Raises UsageError for a name that nobody knows."""
    if name in OWN:
        module, _, attribute = OWN[name].partition(":")
        made: Database = getattr(import_module(f"{__name__}.{module}"), attribute)(url)
    elif name in outside():
        made = outside()[name].load()(url)
    else:
        known = ", ".join(sorted(OWN.keys() | outside().keys()))
        raise UsageError(
            f"database {name!r}", "unknown", f"one of {known}, or install the package that adds it"
        )
    return made
