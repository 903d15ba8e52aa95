"""Rates from counters, and when the next tick is due."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kapture_tui.workload.rates import Meter, Window, next_tick

gaps = st.lists(st.floats(0.001, 20), min_size=1, max_size=60)


@given(gaps, st.floats(0.5, 10))
def test_a_window_is_neither_longer_than_twice_its_length_nor_shorter_than_it_must(
    gaps: list[float], seconds: float
) -> None:
    window: Window[float] = Window(seconds)
    times = [0.0]
    for gap in gaps:
        times.append(times[-1] + gap)
    for time_s in times:
        window.add(time_s, time_s)
    span = window.span()
    recent = [t for t in times if times[-1] - t <= 2 * seconds]
    if len(recent) < 2:
        assert span is None
        return
    assert span is not None
    length, oldest, newest = span
    assert newest == times[-1]
    assert length == newest - oldest <= 2 * seconds
    enough = [t for t in recent if times[-1] - t >= seconds]
    assert oldest == (enough[-1] if enough else recent[0])


def test_after_an_interruption_the_past_does_not_count() -> None:
    window: Window[int] = Window(3.0)
    window.add(0.0, 0)
    window.add(1.0, 100)
    window.add(60.0, 200)
    assert window.span() is None
    window.add(61.0, 300)
    assert window.span() == (1.0, 200, 300)


@given(st.integers(0, 10**6), st.floats(0, 0.4), st.floats(-1e6, 1e9))
def test_a_meter_shows_the_reporters_slope_however_late_reports_are_heard(
    per_s: int, delay: float, skew: float
) -> None:
    meter = Meter()
    for second in range(10):
        heard_s = second + (delay if second % 2 else 0.0)
        meter.add(heard_s, second + skew, second * per_s)
    assert meter.per_s(9.5) == pytest.approx(per_s, rel=1e-6)


def test_a_silent_reporter_is_not_zero_unless_the_caller_says_so() -> None:
    meter = Meter()
    assert meter.per_s(0.0) is None
    meter.add(0.0, 0.0, 0)
    assert meter.per_s(0.0) is None
    meter.add(1.0, 1.0, 50)
    assert meter.per_s(1.0) == 50
    assert meter.per_s(4.0) == 50
    assert meter.per_s(4.1) is None
    assert meter.per_s(4.1, silent=0.0) == 0.0


@given(st.floats(0, 1e6), st.floats(0, 1e4), st.sampled_from([0.5, 1.0, 2.0]))
def test_ticks_are_skipped_and_never_bunched(due_s: float, late_s: float, period_s: float) -> None:
    now_s = due_s + late_s
    following_s = next_tick(due_s, now_s, period_s)
    assert now_s - 1e-6 < following_s <= now_s + period_s + 1e-6
    ticks = (following_s - due_s) / period_s
    assert ticks == pytest.approx(round(ticks), abs=1e-6)


def test_a_tick_that_was_early_keeps_its_phase() -> None:
    assert next_tick(10.0, 9.999, 1.0) == 11.0
    assert next_tick(10.0, 10.0, 1.0) == 11.0
    assert next_tick(10.0, 13.2, 1.0) == 14.0
