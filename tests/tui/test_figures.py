"""Figures are short, and what is not known is a dash."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kapture_tui.tui import figures

POSITIVE = st.floats(0, 9e14)


@pytest.mark.parametrize(
    ("unit", "value", "text"),
    [
        (figures.count, 0, "0"),
        (figures.count, 999.4, "999"),
        (figures.count, 999.6, "1.0k"),
        (figures.count, 18_204, "18.2k"),
        (figures.count, 99_960, "100k"),
        (figures.count, 999_999, "1.0M"),
        (figures.count, -12, "-12"),
        (figures.short, 18_204, "18k"),
        (figures.rate, 18_204, "18.2k/s"),
        (figures.whole, 4_586_112, "4,586,112"),
        (figures.millis, 0.84, "0.8 ms"),
        (figures.millis, 340.2, "340 ms"),
        (figures.millis, 9_100, "9.1 s"),
        (figures.seconds, 0.42, "0.42 s"),
        (figures.seconds, 720, "12 min"),
        (figures.age, 31.9, "31s"),
        (figures.age, 252, "4m"),
        (figures.age, 200_000, "2d"),
        (figures.clock, 252.8, "04:12"),
        (figures.clock, 3_852, "1:04:12"),
        (figures.size, 88 * 1048576, "88M"),
        (figures.size, 2.1 * 1073741824, "2.1G"),
        (figures.cores, 1.917, "1.92"),
        (figures.percent, 0.97, "97 %"),
        (figures.percent, 0.998, "99.8 %"),
        (figures.percent, 0.004, "0.4 %"),
    ],
)
def test_how_figures_read(unit: object, value: float, text: str) -> None:
    assert unit(value) == text  # type: ignore[operator]


@pytest.mark.parametrize(
    "unit", ["count", "short", "whole", "rate", "millis", "seconds", "age", "size", "cores", "percent"]
)
def test_what_is_not_known_is_a_dash(unit: str) -> None:
    assert getattr(figures, unit)(None) == "–"


@given(POSITIVE)
def test_figures_keep_to_their_columns(value: float) -> None:
    assert len(figures.count(value)) <= 5
    assert len(figures.short(value)) <= 4
    assert len(figures.millis(value)) <= 6
    assert len(figures.age(value)) <= 4
    assert len(figures.size(value)) <= 5


@given(st.lists(st.none() | st.floats(0, 1e9), max_size=40))
def test_a_sparkline_has_one_bar_a_value_and_gaps_where_nothing_was_measured(
    values: list[float | None],
) -> None:
    bars = figures.spark(values)
    assert len(bars) == len(values)
    assert [bar == figures.GAP for bar in bars] == [value is None for value in values]


@given(st.floats(1e-3, 1e12))
def test_the_scale_is_round_and_seldom_changes(value: float) -> None:
    top = figures.ceiling(value)
    assert value <= top <= max(2.5 * value, 1e-3) * 1.001
    assert figures.ceiling(top) == top


@given(st.floats(-1e15, 1e15))
def test_a_tiny_number_has_three_characters_at_most(value: float) -> None:
    assert len(figures.tiny(value).lstrip("-")) <= 3


@pytest.mark.parametrize(
    ("value", "shown"),
    [(None, "–"), (0, "0"), (999, "999"), (1200, "1k"), (18_400, "18k"), (240_000, ".2M"), (5_100_000, "5M")],
)
def test_tiny_numbers(value: float | None, shown: str) -> None:
    assert figures.tiny(value) == shown
