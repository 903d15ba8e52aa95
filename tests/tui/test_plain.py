"""The screen in ASCII."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kapture_tui.tui.plain import in_ascii, wanted
from kapture_tui.tui.text import clean, width
from tests.tui import sample
from tests.tui.stage import LARGE, dashboard


@given(st.text())
def test_text_is_as_wide_in_ascii(text: str) -> None:
    shown = in_ascii(clean(text))
    assert shown.isascii()
    assert len(shown) == width(clean(text))


@pytest.mark.parametrize(
    ("environment", "ascii_only"),
    [
        ({}, False),
        ({"LANG": "C"}, True),
        ({"LANG": "C.UTF-8"}, False),
        ({"LANG": "de_DE.UTF-8", "LC_ALL": "POSIX"}, True),
        ({"LANG": "C", "LC_CTYPE": "en_US.UTF-8"}, False),
    ],
)
def test_it_is_wanted_where_the_locale_has_nothing_else(
    environment: dict[str, str], ascii_only: bool
) -> None:
    assert wanted(environment) is ascii_only


async def test_lang_c_shows_the_same_screen_in_ascii(monkeypatch: pytest.MonkeyPatch) -> None:
    async with dashboard(sample.everything(), size=LARGE) as stage:
        rich = stage.lines()
    monkeypatch.setenv("LC_ALL", "C")
    async with dashboard(sample.everything(), size=LARGE) as stage:
        plain = stage.lines()
    assert all(line.isascii() for line in plain)
    assert plain == [in_ascii(line) for line in rich]
    assert "CA%%" in "".join(plain)
