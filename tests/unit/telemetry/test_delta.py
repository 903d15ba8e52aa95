"""Patches: whatever has changed, the new value comes out, and the old one stays what it was."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kapture_tui.telemetry.delta import SAME, diff, patched

names = st.text(max_size=3)
# Adding 0.0 makes 0.0 of -0.0, which equals it.
leaves = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False).map(lambda x: x + 0.0) | names
rows = st.lists(st.dictionaries(st.sampled_from(["name", "a", "b"]), st.integers() | st.sampled_from("xyz")))
values = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=4),
    max_leaves=12,
)
named_rows = st.lists(
    st.fixed_dictionaries({"name": st.sampled_from("abcdefgh"), "n": st.integers(0, 3)}),
    unique_by=lambda row: row["name"],
)


def text(value: Any) -> str:
    """Equal texts mean equal values, types and order of fields."""
    return json.dumps(value)


@given(values | rows | named_rows, values | rows | named_rows)
def test_a_patch_makes_the_new_value_of_the_old_one(old: Any, new: Any) -> None:
    before = text(old)
    patch = diff(old, new)
    made = old if patch is SAME else patched(old, json.loads(json.dumps(patch)))
    assert made == new
    assert text(made) == text(new)
    assert text(old) == before


@given(named_rows, named_rows)
def test_rows_that_come_go_and_change(old: Any, new: Any) -> None:
    patch = diff(old, new)
    assert (old if patch is SAME else patched(old, patch)) == new


@given(values)
def test_of_what_stays_there_is_nothing_to_say(value: Any) -> None:
    assert diff(value, json.loads(json.dumps(value))) is SAME


@pytest.mark.parametrize(
    ("old", "new", "patch"),
    [
        (5, 12, 7),
        (1, True, [True]),
        ({"a": 1, "b": 2}, {"a": 1, "b": 3}, {"b": 1}),
        ({"a": 1, "b": 2}, {"b": 2}, {"a": None}),
        ({"a": 1}, {"a": None}, {"a": [None]}),
        ({"get": 1, "set": 2}, {"set": 2, "get": 1}, [{"set": 2, "get": 1}]),
        ([1, 2, 3], [2, 3, 4], [1, [4]]),
        (
            [{"name": "a"}, {"name": "c"}],
            [{"name": "b"}, {"name": "c"}],
            {"b": [0, {"name": "b"}], "a": None},
        ),
    ],
)
def test_what_a_patch_says(old: Any, new: Any, patch: Any) -> None:
    assert diff(old, new) == patch
    assert text(patched(old, patch)) == text(new)


@given(values, values)
def test_a_patch_for_another_value_is_refused_or_made_sense_of(old: Any, patch: Any) -> None:
    with suppress(TypeError, ValueError, KeyError, IndexError):
        patched(old, patch)
