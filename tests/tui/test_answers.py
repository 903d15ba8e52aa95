"""What a terminal answers, and how that sets the pace."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kapture_tui.tui.answers import READY, Ear, is_light
from kapture_tui.tui.background import few_colors, said_by
from kapture_tui.tui.pace import LOST_S, REST_S, Pace

WHITE = "\x1b]11;rgb:ffff/ffff/ffff\x1b\\"
BLACK = "\x1b]11;rgb:00/00/00\x07"
PIECES = st.sampled_from(["a", "q", "1", "]", "[", "\x1b", "\x1b[A", "\x1b]", "\x1b[0", READY, WHITE, BLACK])
TYPED = st.sampled_from(["a", "q", "1", "]11;", "[0n", "\x1b[A", "\x1bOP", "é"])


@given(st.lists(st.one_of(TYPED, st.sampled_from([READY, WHITE, BLACK]))), st.data())
def test_answers_are_parted_from_typing_however_it_is_cut(parts: list[str], data: st.DataObject) -> None:
    whole, ear = "".join(parts), Ear()
    ear.awaited = True
    typed, answers = "", []
    while whole:
        cut = data.draw(st.integers(1, len(whole)))
        heard, found = ear.hear(whole[:cut])
        typed, answers, whole = typed + heard, answers + found, whole[cut:]
    typed += ear.give_up()
    assert typed == "".join(part for part in parts if part not in (READY, WHITE, BLACK))
    assert answers == [part for part in parts if part in (READY, WHITE, BLACK)]


@given(st.lists(PIECES))
def test_nothing_that_is_typed_gets_lost(pieces: list[str]) -> None:
    ear = Ear()
    ear.awaited = True
    heard = [ear.hear(piece) for piece in pieces]
    typed = "".join(text for text, _ in heard) + ear.give_up()
    assert len(typed) + sum(len(answer) for _, answers in heard for answer in answers) == len("".join(pieces))


def test_an_escape_waits_only_while_an_answer_is_due() -> None:
    ear = Ear()
    assert ear.hear("\x1b") == ("\x1b", [])
    ear.awaited = True
    assert ear.hear("\x1b") == ("", [])
    assert ear.give_up() == "\x1b"
    assert ear.give_up() == ""


@pytest.mark.parametrize(
    ("answer", "light"),
    [
        (WHITE, True),
        (BLACK, False),
        ("\x1b]11;rgb:fd/f6/e3\x07", True),
        ("\x1b]11;rgba:1111/1515/1c1c/ffff\x07", False),
        ("\x1b]11;?\x07", None),
        ("", None),
    ],
)
def test_a_background_is_light_or_dark_or_not_said(answer: str, light: bool | None) -> None:
    assert is_light(answer) is light


@pytest.mark.parametrize(
    ("said", "light"), [("0;15", True), ("15;0", False), ("15;default;0", False), ("", None), ("0;x", None)]
)
def test_colorfgbg_is_heard_where_it_is_set(said: str, light: bool | None) -> None:
    assert said_by({"COLORFGBG": said}) is light


@pytest.mark.parametrize(
    ("environment", "few"),
    [
        ({"TERM": "xterm-256color"}, False),
        ({"TERM": "xterm", "COLORTERM": "truecolor"}, False),
        ({"TERM": "linux"}, True),
        ({"TERM": "xterm"}, True),
        ({"TERM": "xterm-kitty"}, False),
    ],
)
def test_a_terminal_of_sixteen_colours_is_known_by_its_name(environment: dict[str, str], few: bool) -> None:
    assert few_colors(environment) is few


def test_a_terminal_that_never_answers_is_never_waited_for() -> None:
    pace = Pace()
    pace.asked(1.0)
    assert pace.clear(1.0)
    assert pace.rest_s(1.0) == 0


def test_frames_wait_for_the_one_before_and_figures_as_long_again() -> None:
    pace = Pace()
    pace.asked(0.0)
    pace.answered(0.1)
    pace.asked(1.0)
    assert not pace.clear(1.5)
    pace.answered(3.0)
    assert pace.clear(3.0)
    assert pace.rest_s(3.0) == 2.0
    assert pace.rest_s(5.0) == 0.0


def test_what_is_sent_behind_a_question_is_asked_about_when_that_is_answered() -> None:
    pace = Pace()
    assert pace.asked(0.0)
    assert not pace.asked(1.0)
    assert pace.answered(2.0)
    assert not pace.clear(2.0)
    assert not pace.answered(2.5)
    assert pace.clear(2.5)
    assert pace.rest_s(2.5) == 2.5


def test_a_lost_question_does_not_stop_the_display_for_ever() -> None:
    pace = Pace()
    pace.asked(0.0)
    pace.answered(0.0)
    pace.asked(10.0)
    assert not pace.clear(10.0 + LOST_S)
    assert pace.clear(10.1 + LOST_S)


@given(st.lists(st.floats(0, 1000), min_size=2, max_size=40))
def test_figures_never_rest_longer_than_that(times: list[float]) -> None:
    pace = Pace()
    for index, now in enumerate(sorted(times)):
        (pace.answered if index % 2 else pace.asked)(now)
        assert 0 <= pace.rest_s(now) <= REST_S
