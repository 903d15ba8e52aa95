from __future__ import annotations

import io
import json
import os
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kapture_tui.model.errors import UsageError
from kapture_tui.workload.petstore import Petstore, PetstoreSpec, generate, merge_shares

SMALL = PetstoreSpec(stores=5, customers=6, days=90, models=2, seed=3)


def lines(spec: PetstoreSpec) -> list[bytes]:
    return list(Petstore(spec).json_lines())


@settings(max_examples=8, deadline=None)
@given(st.lists(st.integers(0, 6), max_size=3), st.floats(0.5, 200))
def test_what_comes_out_does_not_depend_on_workers_or_windows(cuts: list[int], window_days: float) -> None:
    ends = [0, *sorted(cuts), SMALL.customers]
    shares = [Petstore(SMALL, range(start, stop)).transactions(window_days) for start, stop in pairwise(ends)]
    merged = b"".join(transaction.json + b"\n" for transaction in merge_shares(*shares))
    assert merged == b"".join(lines(SMALL))


def test_transactions_are_ordered_numbered_and_end_with_the_days() -> None:
    transactions = list(Petstore(SMALL).transactions())
    keys = [(t.time, t.customer.id, t.id) for t in transactions]
    assert keys == sorted(set(keys))
    assert 0.0 <= keys[0][0] <= keys[-1][0] < SMALL.days
    for number in range(SMALL.customers):
        ids = [t.id for t in transactions if t.customer.id == number]
        assert ids == list(range(len(ids)))
        assert ids


def test_a_longer_run_begins_like_a_shorter_one() -> None:
    longer = lines(PetstoreSpec(stores=5, customers=6, days=200, models=2, seed=3))
    shorter = lines(SMALL)
    assert len(longer) > len(shorter)
    assert longer[: len(shorter)] == shorter


def test_a_record_has_the_fields_of_the_queue_loader_in_its_order() -> None:
    for transaction in Petstore(SMALL).transactions():
        record = json.loads(transaction.json)
        assert list(record) == ["id", "customer", "store", "dateTime", "products"]
        assert list(record["customer"]) == ["id", "name", "location"]
        assert list(record["customer"]["name"]) == ["first", "second"]
        assert list(record["store"]) == ["id", "name", "location"]
        for location in (record["customer"]["location"], record["store"]["location"]):
            assert list(location) == [
                "zipcode", "coordinates", "city", "state", "medianHouseholdIncome", "population"
            ]  # fmt: skip
            assert list(location["coordinates"]) == ["first", "second"]
            assert isinstance(location["medianHouseholdIncome"], float)
            assert isinstance(location["population"], int)
        assert record["id"] == transaction.id
        assert record["customer"]["id"] == transaction.customer.id
        assert record["store"]["name"] == f"Store_{transaction.customer.store.id}"
        assert isinstance(record["dateTime"], float)
        assert record["dateTime"] == transaction.time
        assert record["products"] == [dict(product.fields) for product in transaction.products]
        assert all(isinstance(product["size"], float) for product in record["products"])


def test_the_time_can_be_cut_out_of_the_text() -> None:
    """The first connector for Redis takes what stands between the label and the next comma and quote."""
    for line in lines(SMALL)[:50]:
        text = line.decode()
        start = text.index('"dateTime":') + len('"dateTime":')
        assert float(text[start : text.index(',"', start)]) == json.loads(text)["dateTime"]


def test_compat_leaves_only_names_of_fields() -> None:
    spec = PetstoreSpec(stores=5, customers=6, days=90, models=2, seed=3, compat=True)
    full, compat = map(json.loads, lines(SMALL)), map(json.loads, lines(spec))
    for record, names in zip(full, compat, strict=True):
        record["products"] = [{"fieldNames": list(product)} for product in record["products"]]
        assert names == record


def test_loaders_share_stores_and_models_but_no_customer() -> None:
    first = Petstore(PetstoreSpec(stores=5, customers=12, days=90, stream="data-loader-0"))
    second = Petstore(
        PetstoreSpec(stores=5, customers=12, days=90, stream="data-loader-1", customer_base=1000)
    )
    assert first.stores == second.stores
    assert [customer.id for customer in second.customers] == list(range(1000, 1012))
    names = [[(c.first_name, c.last_name) for c in store.customers] for store in (first, second)]
    assert names[0] != names[1]
    assert [visit[:3] for visit in first.visits()] != [visit[:3] for visit in second.visits()]


def test_seeds_and_kinds_of_purchasing_differ() -> None:
    variants = [
        SMALL,
        PetstoreSpec(stores=5, customers=6, days=90, models=2, seed=4),
        PetstoreSpec(stores=5, customers=6, days=90, models=2, seed=3, purchasing="static"),
    ]
    outputs = [b"".join(lines(spec)) for spec in variants]
    assert len(set(outputs)) == 3
    assert outputs[0] == b"".join(lines(SMALL))


@pytest.mark.parametrize(
    "wrong",
    [
        {"stores": 0},
        {"customers": 0},
        {"models": 0},
        {"days": 0},
        {"days": float("inf")},
        {"days": float("nan")},
        {"customer_base": -1},
        {"purchasing": "impulsive"},
    ],
)
def test_what_cannot_be_generated_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(UsageError) as refused:
        PetstoreSpec(**wrong)  # type: ignore[arg-type]
    assert str(next(iter(wrong.values()))) in str(refused.value)


@pytest.mark.parametrize("count", [0, 1, 50, None])
def test_generate_writes_that_many_lines(count: int | None) -> None:
    out = io.BytesIO()
    every = lines(SMALL)
    assert generate(SMALL, out, count) == len(out.getvalue().splitlines())
    assert out.getvalue() == b"".join(every[:count])


def test_generate_tells_when_the_reader_has_gone() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb", buffering=0) as out, pytest.raises(BrokenPipeError):
        generate(SMALL, out)
