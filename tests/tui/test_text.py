"""Text from outside never acts on the terminal."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len, get_character_cell_size

from kapture_tui.tui.text import clean, clip, left, right, width, wrap

ANYTHING = st.text(st.characters(codec=None), max_size=60)
NASTY = st.text(
    st.sampled_from("\x1b\x07\x00\x9b\x7f\r\n\t\u202e\u2066\u200d\u0301\ufe0f\ue000漢🐕aé[2J"), max_size=60
)


@given(ANYTHING | NASTY)
def test_nothing_that_a_terminal_obeys_is_left(text: str) -> None:
    assert all(char.isprintable() and get_character_cell_size(char) > 0 for char in clean(text))


@given(ANYTHING | NASTY)
def test_cleaning_twice_changes_nothing(text: str) -> None:
    assert clean(clean(text)) == clean(text)


@given(st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E)))
def test_plain_text_stays_as_it_is(text: str) -> None:
    assert clean(text) == text


@given(ANYTHING | NASTY, st.integers(0, 40))
def test_aligned_text_takes_exactly_its_cells(text: str, cells: int) -> None:
    for aligned in (left(clean(text), cells), right(clean(text), cells)):
        assert width(aligned) == cells == cell_len(aligned)
    assert width(clip(clean(text), cells)) <= cells


@given(ANYTHING | NASTY, st.integers(2, 40))
def test_wrapped_lines_fit_and_lose_no_word(text: str, cells: int) -> None:
    lines = wrap(clean(text), cells)
    assert lines
    assert all(width(line) <= cells for line in lines)
    assert "".join(lines).replace(" ", "") == clean(text).replace(" ", "")


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("\x1b[2J", "␛[2J"),
        ("\x1b]0;title\x07", "␛]0;title␇"),
        ("a\nb", "a␊b"),
        ("\x9b31m", "\N{REPLACEMENT CHARACTER}31m"),
        ("\u202egpj.exe", "⟨202E⟩gpj.exe"),
        ("e\u0301", "é"),
        ("[bold]x[/]", "[bold]x[/]"),
    ],
)
def test_what_hostile_text_looks_like(hostile: str, shown: str) -> None:
    assert clean(hostile) == shown
