"""Laws of lag in seconds."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from kapture_tui.workload.observer.lag import KEPT, Age, EndOffsets, Sample, age_of, lag_age

steps = st.lists(st.tuples(st.floats(0.01, 100), st.integers(0, 1000)), min_size=1, max_size=40)


def samples_of(steps: list[tuple[float, int]], start: int = 0) -> list[Sample]:
    out, time_s, end = [], 0.0, start
    for seconds, records in steps:
        out.append((time_s, end))
        time_s, end = time_s + seconds, end + records
    return out


histories = st.builds(samples_of, steps, st.integers(0, 50))
offsets = st.integers(0, 40_000)
delays = st.floats(0, 100)


@given(histories, offsets, delays)
def test_never_negative(samples: list[Sample], offset: int, delay: float) -> None:
    age = age_of(samples, offset, samples[-1][0] + delay)
    assert age is None or age.seconds >= 0


@given(histories, offsets, offsets, delays)
def test_a_later_offset_is_never_older(samples: list[Sample], one: int, other: int, delay: float) -> None:
    now_s = samples[-1][0] + delay
    earlier, later = age_of(samples, min(one, other), now_s), age_of(samples, max(one, other), now_s)
    if earlier is None:
        assert later is None  # not written yet, so what comes after it is not either
    elif later is not None:
        assert later.seconds <= earlier.seconds + 1e-6
        assert earlier.at_least or not later.at_least


@given(histories, offsets, delays, delays)
def test_a_record_ages_as_fast_as_time_passes(
    samples: list[Sample], offset: int, one: float, two: float
) -> None:
    now_s = samples[-1][0] + one
    age, later = age_of(samples, offset, now_s), age_of(samples, offset, now_s + two)
    assume(age is not None and later is not None)
    assert age is not None
    assert later is not None
    assert later.seconds == pytest.approx(age.seconds + two)


@given(histories, delays)
def test_known_exactly_between_the_first_and_the_last_sample(samples: list[Sample], delay: float) -> None:
    now_s = samples[-1][0] + delay
    first, last = samples[0][1], samples[-1][1]
    for offset in {0, first - 1, first, (first + last) // 2, last - 1, last, last + 1} - {-1}:
        age = age_of(samples, offset, now_s)
        assert (age is None) == (offset >= last)
        if age:
            assert age.at_least == (offset < first)
            assert age.seconds <= now_s - samples[0][0] + 1e-9
            assert age.seconds >= delay - 1e-9  # it was there at the last sample


@given(histories, st.integers(0, 100), delays)
def test_no_lag_is_no_age(samples: list[Sample], ahead: int, delay: float) -> None:
    end = samples[-1][1]
    assert lag_age(samples, end + ahead, end, samples[-1][0] + delay) == Age(0.0)


@given(st.integers(1, 10_000), st.integers(2, 50))
def test_at_a_steady_rate_it_is_lag_over_rate(per_s: int, seconds: int) -> None:
    samples = [(float(second), second * per_s) for second in range(seconds + 1)]
    for behind in (1, per_s, per_s * seconds // 2, per_s * seconds):
        end = per_s * seconds
        age = lag_age(samples, end - behind, end, float(seconds))
        assert age is not None
        assert not age.at_least
        assert age.seconds == pytest.approx(behind / per_s)


def test_nothing_known_is_not_zero() -> None:
    assert age_of([], 5, 1.0) is None
    assert lag_age([], 5, 6, 1.0) is None


def test_older_than_the_first_sample_is_a_lower_bound() -> None:
    assert age_of([(10.0, 100), (11.0, 200)], 99, 20.0) == Age(10.0, at_least=True)


def test_an_idle_time_does_not_count() -> None:
    ends = EndOffsets()
    for second in range(60):
        ends.add(float(second), 100)
    ends.add(60.0, 200)
    assert len(ends.samples) == 3
    assert age_of(ends.samples, 100, 60.0) == Age(1.0)


@given(steps, st.lists(offsets, min_size=1, max_size=5))
def test_forgetting_what_is_committed_changes_no_later_answer(
    steps: list[tuple[float, int]], asked: list[int]
) -> None:
    ends = EndOffsets()
    for time_s, end in samples_of(steps):
        ends.add(time_s, end)
    now_s = ends.samples[-1][0]
    before = [age_of(ends.samples, offset, now_s) for offset in asked]
    ends.forget_before(min(asked))
    assert [age_of(ends.samples, offset, now_s) for offset in asked] == before


def test_memory_is_bounded_and_the_past_stays_reachable() -> None:
    ends = EndOffsets()
    hours = 20_000
    for second in range(hours):
        ends.add(float(second), second * 10)
    assert len(ends.samples) <= KEPT
    assert ends.samples[0] == (0.0, 0)
    for offset in (0, 12_345, 100_000, hours * 10 - 20):
        age = age_of(ends.samples, offset, float(hours))
        assert age is not None
        assert age.seconds == pytest.approx(hours - offset / 10)


def test_a_lower_end_offset_is_another_topic() -> None:
    ends = EndOffsets()
    for time_s, end in ((0.0, 10), (1.0, 20), (2.0, 5), (3.0, 15)):
        ends.add(time_s, end)
    assert list(ends.samples) == [(2.0, 5), (3.0, 15)]
