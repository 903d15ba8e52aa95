"""ASCII for terminals that know nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kapture_tui.tui.spelling import ascii_wanted, spelled
from kapture_tui.tui.text import clean, width
from tests.tui import sample
from tests.tui.stage import LARGE, dashboard
from tests.tui.test_pty import console


@given(st.text())
def test_every_character_keeps_its_cells(text: str) -> None:
    shown = clean(text)
    assert spelled(shown).isascii()
    assert len(spelled(shown)) == width(shown)


@given(st.text(st.characters(max_codepoint=127)))
def test_ascii_and_control_sequences_stay(text: str) -> None:
    assert spelled(text) == text


async def test_no_sign_of_the_dashboard_is_unknown() -> None:
    async with dashboard(sample.everything(), sample.troubled(), size=LARGE) as stage:
        await stage.press("right")
        assert "?" not in spelled(stage.text()).replace("? help", "")


@pytest.mark.parametrize(
    ("env", "coerced", "ascii_only"),
    [
        ({"LANG": "C"}, True, True),
        (
            {"LANG": "C", "LC_CTYPE": "C.UTF-8"},
            True,
            True,
        ),  # Python itself says C.UTF-8 where the locale is C
        ({"LANG": "C", "LC_CTYPE": "C.UTF-8"}, False, False),
        ({"LC_ALL": "POSIX", "LANG": "de_DE.UTF-8"}, True, True),
        ({"LANG": "en_US.ISO-8859-1"}, False, True),
        ({"LANG": "en_US"}, False, True),
        ({"LANG": "de_DE.UTF-8"}, False, False),
        ({"LANG": "de_DE.utf8@euro"}, False, False),
        ({"LC_ALL": "C.UTF-8", "LANG": "C"}, False, False),
        ({}, True, False),
        ({"LC_CTYPE": "C.UTF-8"}, True, False),
    ],
)
def test_which_locales_are_ascii(env: dict[str, str], coerced: bool, ascii_only: bool) -> None:
    assert ascii_wanted(env, coerced) is ascii_only


def test_with_lang_c_nothing_but_ascii_reaches_the_terminal() -> None:
    with console("attach", "0.05", "3", LANG="C", LC_ALL="") as child:
        child.until_tick(3)
        child.until("perf-test")
        assert child.seen.isascii()
        assert b"----------" in child.seen
