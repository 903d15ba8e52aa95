"""What Elasticsearch stores: an index a state, a document a transaction, and the mapping of its fields."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kapture_tui.model.states import STATES
from kapture_tui.workload.fastjson import dumps
from kapture_tui.workload.header import loader_id
from kapture_tui.workload.transaction import Order

VERSION = 1
"""Of the mapping. It is in the indices' names, so that another one can be filled while this one is read."""

ALIASES: Mapping[str, str] = {state: f"kapture-transactions-{state.lower()}" for state in STATES}
"""Where a state's transactions are written to and read from."""

POSITIONS = "kapture-positions"
"""Where the sink keeps what it has stored of each partition."""

EVERY_ALIAS = "kapture-transactions-*"

LONGEST_KEYWORD = 1024
"""Longer texts are kept and not indexed; a term of more than 32 KiB would be an error."""

_SPREAD = {"number_of_shards": 1, "auto_expand_replicas": "0-1"}
"""A replica as soon as there is a second node for it; with one node the health is green too."""


def index_of(alias: str) -> str:
    """The index behind an alias."""
    return f"{alias}-{VERSION}"


def templates() -> dict[str, dict[str, Any]]:
    """The index templates, by name."""
    return {
        "kapture-transactions": _template(f"{EVERY_ALIAS}-{VERSION}", _TRANSACTIONS, "5s"),
        # Positions are read by id, which needs no refresh.
        POSITIONS: _template(index_of(POSITIONS), _POSITION, "30s"),
    }


def _template(pattern: str, properties: Mapping[str, Any], refresh: str) -> dict[str, Any]:
    settings = _SPREAD | {"refresh_interval": refresh, "mapping.ignore_malformed": True}
    return {
        "index_patterns": [pattern],
        "priority": 500,
        "template": {
            "settings": {"index": settings},
            # Nobody who writes to a topic shall be able to add fields without end.
            "mappings": {"dynamic": False, "properties": properties},
        },
    }


_KEYWORD = {"type": "keyword", "ignore_above": LONGEST_KEYWORD}
_LONG = {"type": "long"}
_DOUBLE = {"type": "double"}
_KEPT = {"type": "object", "enabled": False}
"""In the document, neither looked into nor searchable."""


def _object(**properties: Any) -> dict[str, Any]:
    return {"properties": properties}


_LOCATION = _object(
    zipcode=_KEYWORD,
    city=_KEYWORD,
    state=_KEYWORD,
    coordinates=_KEPT,  # as `at`, in a form that Elasticsearch knows
    medianHouseholdIncome=_DOUBLE,
    population=_LONG,
)
_TRANSACTIONS = {
    "@timestamp": {"type": "date", "format": "epoch_millis"},
    "loader": _KEYWORD,
    "sequence": _LONG,
    "state": _KEYWORD,
    "cents": _LONG,
    "product_names": _KEYWORD,
    "store_at": {"type": "geo_point"},
    "customer_at": {"type": "geo_point"},
    "refused": {"type": "text"},
    "text": {"type": "keyword", "index": False, "doc_values": False},
    "id": _LONG,
    "dateTime": _DOUBLE,
    "customer": _object(
        id=_LONG, name=_object(first=_KEYWORD, second=_KEYWORD), location=_LOCATION, store=_KEPT
    ),
    "store": _object(id=_LONG, name=_KEYWORD, location=_LOCATION),
    "products": _object(
        category=_KEYWORD,
        brand=_KEYWORD,
        flavor=_KEYWORD,
        color=_KEYWORD,
        size=_DOUBLE,
        per_unit_cost=_DOUBLE,
    ),
}
_POSITION = {"offset": _LONG, "half": _KEPT}


def document_id(order: Order, partition: int) -> str:
    """Names a transaction within its state, however often it is written."""
    return f"{loader_id(order.loader)}-{partition}-{order.sequence}"


def document(order: Order, state: str) -> bytes:
    """A transaction as it was published, with what it takes to search in it."""
    return dumps({**order.document, **_ours(order, state)})


def refused_document(order: Order, state: str, reason: str) -> bytes:
    """A transaction whose fields the server does not take: its text and the reason, so that it is counted and kept."""
    kept = {"customer": {"id": order.customer}, "refused": reason, "text": dumps(order.document).decode()}
    fields = _ours(order, state)
    return dumps(
        {name: fields[name] for name in ("@timestamp", "loader", "sequence", "state", "cents")} | kept
    )


def _ours(order: Order, state: str) -> dict[str, Any]:
    return {
        "@timestamp": order.intended_us // 1000,
        "loader": loader_id(order.loader),
        "sequence": order.sequence,
        "state": state,
        "cents": order.cents,
        "product_names": order.products,
        "store_at": _point(order.document.get("store")),
        "customer_at": _point(order.document.get("customer")),
    }


def _point(where: Any) -> tuple[float, float] | None:
    """[longitude, latitude] of a store's or customer's location; None if it has none that is on Earth."""
    try:
        coordinates = where["location"]["coordinates"]
        latitude, longitude = coordinates["first"], coordinates["second"]
        if -90 <= latitude <= 90 and -180 <= longitude <= 180:
            return longitude, latitude
    except (KeyError, TypeError):
        pass
    return None
