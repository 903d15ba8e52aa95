"""A transaction as a document: what was published, and what it takes to search in it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kapture_tui.model.states import STATES
from kapture_tui.workload.sinks.elasticsearch_documents import (
    ALIASES,
    document,
    document_id,
    index_of,
    refused_document,
    templates,
)
from kapture_tui.workload.transaction import parse

LOCATION = {
    "zipcode": "01118",
    "coordinates": {"first": 42.09, "second": -72.53},
    "city": "Springfield",
    "state": "MA",
    "medianHouseholdIncome": 62283.0,
    "population": 14071,
}
TRANSACTION = {
    "id": 4,
    "customer": {"id": 30, "name": {"first": "Joe", "second": "Sloan"}, "location": LOCATION},
    "store": {
        "id": 143,
        "name": "Store_143",
        "location": LOCATION | {"coordinates": {"first": 42.16, "second": -72.48}},
    },
    "dateTime": 1.5,
    "products": [{"category": "kitty litter", "brand": "Clump King", "size": 28.0, "per_unit_cost": 1.5}],
}


def test_the_document_is_the_transaction_and_what_helps_to_find_it() -> None:
    order = parse(json.dumps(TRANSACTION).encode(), 1_700_000_000_123_456, loader=1 << 63, sequence=7)
    assert json.loads(document(order, "MA")) == TRANSACTION | {
        "@timestamp": 1_700_000_000_123,
        "loader": "8000000000000000",
        "sequence": 7,
        "state": "MA",
        "cents": 4200,
        "product_names": ["Clump King kitty litter 28"],
        "store_at": [-72.48, 42.16],
        "customer_at": [-72.53, 42.09],
    }


@pytest.mark.parametrize(
    "where",
    [None, 7, "here", {}, {"location": []}, {"location": {"coordinates": {"first": "x", "second": 1}}}],
)
def test_a_location_that_is_none_has_no_point(where: Any) -> None:
    order = parse(json.dumps(TRANSACTION | {"store": where}).encode(), 0)
    found = json.loads(document(order, "MA"))
    assert found["store_at"] is None
    assert found["store"] == where


@given(st.floats(allow_nan=False), st.floats(allow_nan=False))
def test_points_are_on_earth(latitude: float, longitude: float) -> None:
    location = {"coordinates": {"first": latitude, "second": longitude}}
    order = parse(json.dumps(TRANSACTION).encode(), 0)._replace(document={"store": {"location": location}})
    point = json.loads(document(order, "MA"))["store_at"]
    assert point is None or (-180 <= point[0] <= 180 and -90 <= point[1] <= 90)


def test_what_is_refused_keeps_its_text_and_is_counted() -> None:
    order = parse(json.dumps(TRANSACTION).encode(), 5_000)
    kept = json.loads(refused_document(order, "MA", "why"))
    assert json.loads(kept["text"]) == TRANSACTION
    assert (kept["customer"], kept["cents"], kept["refused"]) == ({"id": 30}, 4200, "why")


@given(st.tuples(*[st.integers(0, 1 << 62)] * 2), st.tuples(*[st.integers(0, 1 << 62)] * 2))
def test_an_id_names_one_transaction(one: tuple[int, int], other: tuple[int, int]) -> None:
    order = parse(json.dumps(TRANSACTION).encode(), 0)

    def name(sent: tuple[int, int], partition: int) -> str:
        return document_id(order._replace(loader=sent[0], sequence=sent[1]), partition)

    assert (name(one, 0) == name(other, 0)) == (one == other)
    assert name(one, 0) != name(one, 1)


def test_every_index_has_a_mapping_and_a_name_that_is_allowed() -> None:
    assert set(ALIASES) == set(STATES)
    (pattern,) = templates()["kapture-transactions"]["index_patterns"]
    prefix, suffix = pattern.split("*")
    for alias in ALIASES.values():
        assert alias == alias.lower()
        assert index_of(alias).startswith(prefix)
        assert index_of(alias).endswith(suffix)
    fields = templates()["kapture-transactions"]["template"]["mappings"]["properties"]
    assert fields["store_at"] == {"type": "geo_point"}
    assert fields["@timestamp"]["type"] == "date"
    assert fields["store"]["properties"]["location"]["properties"]["state"]["type"] == "keyword"
