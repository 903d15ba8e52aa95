"""Orders to the loaders: written, read, and refused where nobody could obey them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kapture_tui.model.errors import UsageError
from kapture_tui.model.spec import MAX_RATE
from kapture_tui.workload.control import KEY, Order, decode, encode

orders = st.builds(
    Order,
    rate=st.none() | st.floats(0, MAX_RATE, exclude_min=True),
    paused=st.booleans(),
    groups=st.none() | st.lists(st.text(max_size=5), max_size=3).map(tuple),
)


@given(orders)
def test_there_and_back(order: Order) -> None:
    assert decode(encode(order)) == order


def test_the_key_is_the_component() -> None:
    assert KEY == b"data-loader"


def test_a_short_order() -> None:
    assert decode(b'{"rate": 10}') == Order(10.0)
    assert decode(b'{"paused": true}') == Order(paused=True)
    assert decode(b"{}") == Order()


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b"\xff",
        b"[" * 100_000,
        b'{"rate": 0}',
        b'{"rate": -1}',
        b'{"rate": "10"}',
        b'{"rate": NaN}',
        b'{"rate": Infinity}',
        b'{"rate": 1e300}',
        b'{"paused": 1}',
        b'{"groups": "etl"}',
        b'{"groups": [1]}',
    ],
)
def test_broken_orders_are_passed_over(value: bytes) -> None:
    assert decode(value) is None


@given(st.binary(max_size=30))
def test_any_bytes(value: bytes) -> None:
    assert decode(value) is None


@pytest.mark.parametrize("rate", [0.0, -1.0, float("nan"), float("inf"), 2 * MAX_RATE])
def test_an_impossible_rate_says_what_to_do_instead(rate: float) -> None:
    with pytest.raises(UsageError, match=r"must be more than 0 and at most 10,000,000 .*pause the loaders"):
        Order(rate).check()
