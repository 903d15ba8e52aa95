"""The databases of a Snapshot as figures: which leads, what the others are called, and how each is written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from kapture_tui.model.snapshot import RedisView, Snapshot
from kapture_tui.tui.figures import DASH, count, millis, percent, rate, seconds, size

DATABASE = "database/"
"""What keys of the selection begin with."""


@dataclass(frozen=True, slots=True)
class Shape:
    """How one database is told in a row.

    Attributes:
        brief: its name where there is little room.
        lead: the figure that says how busy it is, a rate; it has a sparkline.
        unit: of that figure.
        notes: (label, figure) of the others, what matters most first.
    """

    brief: str
    lead: str
    unit: str
    notes: tuple[tuple[str, str], ...]


SHAPES: Mapping[str, Shape] = {
    "redis": Shape(
        "redis",
        "ops_per_s",
        "ops/s",
        (
            ("mem", "memory_bytes"),
            ("hit", "hit_ratio"),
            ("keys", "keys"),
            ("replicas", "replicas"),
            ("clients", "clients"),
        ),
    ),
    "elasticsearch": Shape(
        "elastic",
        "index_per_s",
        "idx/s",
        (
            ("heap", "heap_ratio"),
            ("rej", "rejected"),
            ("health", "health"),
            ("docs", "docs"),
            ("search", "search_per_s"),
        ),
    ),
    "postgres": Shape(
        "postgres",
        "inserted_per_s",
        "rows/s",
        (
            ("size", "size_bytes"),
            ("hit", "cache_hit_ratio"),
            ("commits", "commits_per_s"),
            ("rows", "rows"),
            ("clients", "connections"),
        ),
    ),
    "mongo": Shape(
        "mongo",
        "inserts_per_s",
        "ins/s",
        (("size", "size_bytes"), ("docs", "documents"), ("clients", "connections")),
    ),
    "webapp": Shape(
        "webapp", "requests_per_s", "req/s", (("p99", "worst_p99_ms"), ("errors", "errors_per_s"))
    ),
    "spout": Shape("spout", "orders_per_s", "ord/s", (("late", "behind_s"), ("restocks", "restocks_per_s"))),
}
"""Those we know, in the order they are shown. Any other part of that kind is told by the names of its figures."""

_PLAIN = "Mapping[str, Any] | None"


def names(snapshot: Snapshot) -> tuple[str, ...]:
    """Return the names of all databases a Snapshot may have: those we know, then any further ones."""
    further = (part.name for part in fields(snapshot) if part.type == _PLAIN)
    return tuple(dict.fromkeys((*SHAPES, *further)))


def part(snapshot: Snapshot, name: str) -> Mapping[str, Any] | None:
    """Return the figures of one database; None: it is not deployed or not measured."""
    found: RedisView | Mapping[str, Any] | None = getattr(snapshot, name)
    if isinstance(found, RedisView):
        return asdict(found)
    return (
        {**found, **_sums(found["routes"])} if found and isinstance(found.get("routes"), Mapping) else found
    )


def shape(name: str, figures: Mapping[str, Any]) -> Shape:
    """Return how a database is told; one that nobody described leads with its first rate."""
    if name in SHAPES:
        return SHAPES[name]
    plain = [key for key, value in figures.items() if not isinstance(value, Mapping)]
    lead = next((key for key in plain if key.endswith("_per_s")), "")
    return Shape(name, lead, "/s", tuple((label(key), key) for key in plain if key != lead))


def lead(snapshot: Snapshot, name: str) -> float | None:
    """Return the leading figure of a database, a second; None when it is not known."""
    figures = part(snapshot, name)
    return None if figures is None else figures.get(shape(name, figures).lead)


def label(figure: str) -> str:
    """Return a figure's name for people: "cache_hit_ratio" is "cache hit"."""
    return _stem(figure).replace("_", " ")


def written(figure: str, value: Any) -> str:
    """Return a figure as its name says it is to be written: rates, bytes, ratios, times, counts and words."""
    if value is None or isinstance(value, Mapping):
        return DASH
    if isinstance(value, str | bool):
        return str(value)
    for suffix, form in _FORMS.items():
        if figure.endswith(suffix):
            return form(value)
    return count(value)


def listed(figures: Mapping[str, Any]) -> dict[str, float]:
    """Return what a database does, by kind, a second and the busiest first: commands, routes."""
    found: dict[str, float] = {}
    for nested in figures.values():
        if isinstance(nested, Mapping):
            for key, value in nested.items():
                per_s = value.get("per_s") if isinstance(value, Mapping) else value
                if isinstance(per_s, int | float):
                    found[key] = per_s
    return dict(sorted(found.items(), key=lambda item: -item[1]))


_FORMS = {
    "_per_s": rate,
    "_bytes": size,
    "_ratio": percent,
    "_ms": millis,
    "_s": seconds,
}
"""By the end of a figure's name, longest first."""


def _stem(figure: str) -> str:
    return next((figure.removesuffix(suffix) for suffix in _FORMS if figure.endswith(suffix)), figure)


def _sums(routes: Mapping[str, Mapping[str, Any]]) -> dict[str, float | None]:
    """What the routes of a web application come to."""
    p99s = [(route.get("latency_ms") or {}).get("p99") for route in routes.values()]
    return {
        "requests_per_s": _sum(route.get("per_s") for route in routes.values()),
        "errors_per_s": _sum(route.get("errors_per_s") for route in routes.values()),
        "worst_p99_ms": max((p99 for p99 in p99s if p99 is not None), default=None),
    }


def _sum(values: Any) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None
