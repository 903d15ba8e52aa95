"""What may be asked for, and the names of states and topics."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kapture_tui.model.errors import UsageError
from kapture_tui.model.spec import ALWAYS, CHOICES, MAX_CUSTOMERS, Component, LoadSpec, StackSpec
from kapture_tui.model.states import STATES, rollups_topic, transactions_topic
from kapture_tui.model.times import timestamp


@pytest.mark.parametrize(
    ("load", "message"),
    [
        (LoadSpec(stores=0), "--stores 0: must be 1 or more"),
        (LoadSpec(customers=-1), "--customers -1: must be 1 or more"),
        (
            LoadSpec(customers=MAX_CUSTOMERS + 1),
            "--customers 1048577: a loader has at most 1,048,576 .*more loaders",
        ),
        (LoadSpec(days=0), "--days 0: must be 1 or more"),
        (LoadSpec(models=0), "--models 0: must be 1 or more"),
        (LoadSpec(rate=0.0), "--rate 0.0: must be more than 0 .*leave it out"),
        (LoadSpec(rate=-1.0), "--rate -1.0: must be more than 0"),
        (LoadSpec(rate=float("nan")), "--rate nan: must be more than 0"),
        (LoadSpec(rate=float("inf")), "--rate inf: must be more than 0 and at most 10,000,000"),
    ],
)
def test_a_load_out_of_range_says_which_figure(load: LoadSpec, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        StackSpec("demo", load=load).check()


@pytest.mark.parametrize("scale", [0, -1, 101])
def test_a_scale_out_of_range(scale: int) -> None:
    with pytest.raises(UsageError, match=f"scale {scale}: must be from 1 to 100"):
        StackSpec("demo", scale).check()


@pytest.mark.parametrize("scale", [1, 100])
def test_the_bounds_are_allowed(scale: int) -> None:
    StackSpec("demo", scale, load=LoadSpec(1, MAX_CUSTOMERS, 1, 1, 10_000_000.0)).check()


@pytest.mark.parametrize("name", ["a", "0", "a-b", "demo", "x" * 63])
def test_dns_labels_are_namespaces(name: str) -> None:
    StackSpec(name).check()


@pytest.mark.parametrize("name", ["", "-a", "a-", "A", "a.b", "a_b", "x" * 64, "a\n", "ä", "../x", "a b"])
def test_others_are_not(name: str) -> None:
    with pytest.raises(UsageError, match="not a DNS label"):
        StackSpec(name).check()


def test_choosing_a_database_brings_its_sink_and_its_group() -> None:
    bare, with_redis = StackSpec("demo"), StackSpec("demo").with_component(Component.REDIS)
    assert (bare.has(Component.REDIS_SINK), with_redis.has(Component.REDIS_SINK)) == (False, True)
    assert (bare.groups, with_redis.groups) == (("etl",), ("etl", "etl-redis"))
    assert all(bare.has(component) for component in ALWAYS)
    assert not any(bare.has(component) for component in CHOICES)
    assert with_redis.with_component(Component.REDIS) == with_redis


def test_fifty_states_and_the_district() -> None:
    assert len(set(STATES)) == 51
    assert "DC" in STATES
    assert "PR" not in STATES
    assert list(STATES) == sorted(STATES)
    assert all(len(state) == 2 and set(state) <= set(string.ascii_uppercase) for state in STATES)


def test_topics_are_named_after_states() -> None:
    assert transactions_topic("MA") == "transactions.MA"
    assert rollups_topic("MA") == "rollups.MA"


@given(st.floats(0, 4e9))
def test_timestamps_are_utc_with_milliseconds(seconds: float) -> None:
    text = timestamp(seconds)
    assert len(text) == len("2026-11-22T19:48:00.000Z")
    assert text.endswith("Z")


def test_a_known_timestamp() -> None:
    assert timestamp(1_000_000_000.25) == "2001-09-09T01:46:40.250Z"
    assert timestamp(0) == "1970-01-01T00:00:00.000Z"
