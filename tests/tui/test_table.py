"""Filters and orders of tables."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kapture_tui.tui.lazy import Lazy
from kapture_tui.tui.table import PLAIN, Filter, View, kept, ordered

ROW = {"name": "etl-7c9d-q8z", "component": "etl", "state": "MA", "reason": "Out of memory"}

NUMBERS = st.lists(st.one_of(st.none(), st.integers(-5, 5)))


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("", True),
        ("etl", True),
        ("ETL memory", True),
        ("etl kafka", False),
        ("!kafka", True),
        ("!etl", False),
        ("state:MA", True),
        ("state:ma", True),
        ("state:etl", False),
        ("!state:MA", False),
        ("!state:NY", True),
        ("!", True),
        ("state:", True),
        ("node:q8z", False),
    ],
)
def test_words_of_a_filter_all_have_to_hold(text: str, holds: bool) -> None:
    assert Filter.parse(text).holds(ROW) is holds


def test_a_colon_may_stand_in_a_text() -> None:
    assert Filter.parse("10:30").holds({"time": "17:10:30"})


@given(st.text(), st.dictionaries(st.sampled_from(["name", "state"]), st.text()))
def test_what_a_word_lets_pass_its_opposite_does_not(word: str, row: dict[str, str]) -> None:
    word = "".join(word.split()).lstrip("!")
    if Filter.parse(word).terms:
        assert Filter.parse(word).holds(row) is not Filter.parse(f"!{word}").holds(row)


@given(st.text())
def test_nothing_that_is_typed_is_wrong(text: str) -> None:
    Filter.parse(text).holds(ROW)


@given(NUMBERS, st.booleans())
def test_sorting_loses_nothing_and_puts_what_is_not_known_last(rows: list[int | None], down: bool) -> None:
    found = ordered(rows, View(order="x", down=down), lambda row, _: row)
    known = [row for row in found if row is not None]
    assert known == sorted((row for row in rows if row is not None), reverse=down)
    assert found == known + [None] * rows.count(None)


@given(st.lists(st.tuples(st.integers(0, 2), st.integers())), st.booleans())
def test_equals_stay_as_they_come(rows: list[tuple[int, int]], down: bool) -> None:
    found = ordered(rows, View(order="x", down=down), lambda row, _: row[0])
    for value in range(3):
        assert [row for row in found if row[0] == value] == [row for row in rows if row[0] == value]


def test_columns_come_in_turn_and_figures_begin_at_the_largest() -> None:
    view, seen = PLAIN, []
    for _ in range(4):
        view = view.by_next(("name", "cpu"))
        seen.append((view.order, view.down))
    assert seen == [("name", False), ("cpu", True), ("", False), ("name", False)]
    assert view.turned().down


def test_a_plain_view_changes_nothing() -> None:
    assert kept([3, 1, 2], PLAIN, lambda row: {}) == [3, 1, 2]
    assert ordered([3, 1, 2], PLAIN, lambda row, _: row) == [3, 1, 2]


@given(st.integers(0, 20), st.integers(-25, 25), st.integers(-25, 25))
def test_a_lazy_sequence_is_like_a_list(length: int, start: int, stop: int) -> None:
    lazy, eager = Lazy(length, lambda i: i * i), [i * i for i in range(length)]
    assert list(lazy) == eager
    assert lazy[start:stop] == eager[start:stop]
    if -length <= start < length:
        assert lazy[start] == eager[start]
    else:
        with pytest.raises(IndexError):
            lazy[start]


def test_a_lazy_sequence_makes_only_what_is_looked_at() -> None:
    made: list[int] = []
    lazy = Lazy(10_000, lambda i: made.append(i) or i)  # type: ignore[func-returns-value]
    assert lazy[40:43] == [40, 41, 42]
    assert made == [40, 41, 42]
