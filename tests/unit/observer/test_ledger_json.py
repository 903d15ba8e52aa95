"""The fast encoding of the ledger's halves says exactly what the general one says."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kapture_tui.model.histogram import Histogram
from kapture_tui.model.intervals import IntervalSet
from kapture_tui.model.ledger import GroupHalf, LoaderHalf, LoaderState, Read, Sent
from kapture_tui.model.wire import WireError, from_wire, to_wire
from kapture_tui.workload.ledger_json import decode, decode_group, decode_loader, encode, group_of, key_of

counts = st.integers(0, 1 << 48)
seconds = st.floats(0, 2e9)
names = st.text(max_size=12)
ids = st.text("0123456789abcdef", min_size=16, max_size=16)
keys = st.builds("transactions.{}/{}".format, st.sampled_from(["MA", "WY"]), st.integers(0, 9))
ranges = st.lists(st.tuples(counts, counts), max_size=4).map(lambda pairs: IntervalSet.of(pairs).ranges)
histograms = st.lists(st.integers(0, 1 << 40), max_size=20).map(Histogram.of)

loader_halves = st.builds(
    LoaderHalf,
    loader=names,
    id=ids,
    incarnation=counts,
    time_s=seconds,
    state=st.sampled_from(LoaderState),
    partitions=st.dictionaries(keys, st.builds(Sent, counts, ranges, ranges), max_size=4),
    offered=counts,
    slip_s=st.none() | seconds,
    rate=st.none() | seconds,
    held_back=counts,
    limited_by=names,
    ack_latency=histograms,
    paused=st.booleans(),
    waiting=st.booleans(),
    component=names,
)
group_halves = st.builds(
    GroupHalf,
    group=names,
    partition=keys,
    owner=names,
    offset=counts,
    time_s=seconds,
    loaders=st.dictionaries(ids, st.builds(Read, counts, ranges, counts, counts), max_size=4),
    redelivered=counts,
    foreign=counts,
    expired=counts,
    latency=histograms,
)


@given(loader_halves | group_halves)
def test_same_as_the_general_encoding(half: LoaderHalf | GroupHalf) -> None:
    assert from_wire(type(half), json.loads(encode(half))) == half
    assert decode(key_of(half), json.dumps(to_wire(half)).encode()) == half
    assert list(json.loads(encode(half))) == list(to_wire(half))


@given(st.sampled_from(["etl", "etl-redis"]), group_halves | loader_halves)
def test_the_key_tells_the_group(group: str, half: LoaderHalf | GroupHalf) -> None:
    if isinstance(half, GroupHalf):
        assert group_of(key_of(replace(half, group=group))) == group
    else:
        assert group_of(key_of(half)) == ""


def test_a_record_without_a_readable_key_is_no_groups() -> None:
    assert [group_of(key) for key in (None, b"", b"group", b"\xff/x")] == [""] * 4


@given(loader_halves | group_halves)
def test_there_and_back(half: LoaderHalf | GroupHalf) -> None:
    assert decode(key_of(half), encode(half)) == half


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b"{}",
        b'"text"',
        b'{"group": 1}',
        b'{"loader": "x", "id": "y", "state": "asleep"}',
    ],
)
def test_what_is_no_half(value: bytes) -> None:
    assert decode(b"loader/x/0", value) is None
    assert decode(b"group/etl/transactions.MA/0", value) is None
    with pytest.raises(WireError):
        decode_group(value)
    with pytest.raises(WireError):
        decode_loader(value)


def test_counts_that_are_no_numbers_are_refused() -> None:
    wire = to_wire(GroupHalf("etl", "transactions.MA/0", "etl-0", 1, 1.0, latency=Histogram.of([5])))
    wire["latency"]["counts"]["5"] = "many"
    assert decode(b"group/etl/transactions.MA/0", json.dumps(wire).encode()) is None


@given(group_halves)
def test_keys_of_others_are_ignored(half: GroupHalf) -> None:
    assert decode(b"something/else", encode(half)) is None
    assert decode(None, encode(half)) is None
    assert decode(key_of(half), None) is None
