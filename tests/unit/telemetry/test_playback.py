"""Where a recording stands when it is played, paused, sped up and sought in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kapture_tui.telemetry.playback import SPEEDS, Playback

times = st.floats(0, 1e4)
played = st.builds(Playback, st.floats(0, 1e4), times, st.just(0.0), st.sampled_from(SPEEDS), st.booleans())


def test_it_plays_at_its_speed_to_its_end() -> None:
    play = Playback(100.0, since_s=50.0, speed=4.0)
    assert [play.position(now) for now in (50, 51, 60, 75, 99)] == [0, 4, 40, 100, 100]
    assert [play.ended(now) for now in (74, 75)] == [False, True]


def test_it_stands_still_and_goes_on_where_it_stood() -> None:
    still = Playback(100.0).toggled(30.0)
    assert (still.playing, still.position(30.0), still.position(90.0)) == (False, 30.0, 30.0)
    assert still.toggled(90.0).position(95.0) == 35.0


def test_at_the_end_it_goes_on_from_the_beginning() -> None:
    again = Playback(100.0).toggled(200.0)
    assert (again.playing, again.position(203.0)) == (True, 3.0)


def test_speeds_end_somewhere() -> None:
    play = Playback(100.0)
    for _ in SPEEDS:
        play = play.faster(0.0)
    assert play.speed == SPEEDS[-1]
    for _ in SPEEDS:
        play = play.slower(0.0)
    assert play.speed == SPEEDS[0]


@given(played, times)
def test_no_change_of_pace_moves_it(play: Playback, now_s: float) -> None:
    here = play.position(now_s)
    for changed in (play.faster(now_s), play.slower(now_s), play.paused(now_s)):
        assert changed.position(now_s) == pytest.approx(here)


@given(played, st.floats(-1e5, 1e5), times)
def test_wherever_it_is_sent_it_stays_within_its_length(play: Playback, to_s: float, now_s: float) -> None:
    sought = play.sought(to_s, now_s)
    assert sought.position(now_s) == min(play.length_s, max(0.0, to_s))
    assert 0 <= sought.position(now_s + 7) <= play.length_s
