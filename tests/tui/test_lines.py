"""Which cells differ between two lines."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from kapture_tui.tui.lines import Line, changes, crop, fit, line_width, select

ROLES = st.sampled_from(["text", "dim", "warn"])
SPANS = st.lists(st.tuples(st.text(st.sampled_from("abc 漢🐕▂–"), max_size=8), ROLES), max_size=8).map(tuple)


@given(SPANS, st.integers(0, 40))
def test_a_fitted_line_has_exactly_its_width(spans: Line, width: int) -> None:
    assert line_width(fit(spans, width)) == width


@given(SPANS, st.integers(0, 20), st.integers(0, 20))
def test_a_cropped_line_has_the_width_it_was_cut_to(spans: Line, start: int, length: int) -> None:
    available = max(0, min(line_width(spans) - start, length))
    assert line_width(crop(spans, start, start + length)) == available


@given(SPANS, SPANS, st.integers(1, 40))
def test_painting_only_the_changes_gives_the_new_line(old: Line, new: Line, width: int) -> None:
    before, after = fit(old, width), fit(new, width)
    painted = cells_with_halves(before)
    for start, stop in changes(before, after):
        painted[start:stop] = cells_with_halves(after)[start:stop]
    assert painted == cells_with_halves(after)


@given(SPANS, st.integers(1, 40))
def test_a_line_that_is_the_same_has_no_changes(spans: Line, width: int) -> None:
    assert changes(fit(spans, width), fit(spans, width)) == []


def test_figures_between_labels_of_another_colour_are_sent_alone() -> None:
    old = (("AK", "dim"), ("  12 ", "text"), ("AL", "dim"), ("  34 ", "text"))
    new = (("AK", "dim"), ("  13 ", "text"), ("AL", "dim"), ("  35 ", "text"))
    assert changes(old, new) == [(5, 6), (12, 13)]


def test_changes_of_one_colour_that_are_close_are_sent_as_one() -> None:
    assert changes((("a1b2c", "text"),), (("a3b4c", "text"),)) == [(1, 4)]


def test_selecting_marks_the_roles_of_some_cells() -> None:
    assert select((("abc", "text"), ("de", "warn")), 2, 2) == (
        ("ab", "text"),
        ("c", "text!"),
        ("d", "warn!"),
        ("e", "warn"),
    )


def test_half_a_wide_character_becomes_a_blank() -> None:
    assert crop((("漢字", "text"),), 1, 3) == (("  ", "text"),)


def cells_with_halves(spans: Line) -> list[tuple[str, str]]:
    """One entry a cell; the second half of a wide character is told by its role and an empty text."""
    found: list[tuple[str, str]] = []
    for text, role in spans:
        for char in text:
            found.append((char, role))
            found.extend([("", role)] * (line_width(((char, role),)) - 1))
    return found
