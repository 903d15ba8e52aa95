"""Arrivals come from the seed alone: not from how they are asked for, and in order whatever happens to the rate."""

from __future__ import annotations

import math
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kapture_tui.workload.schedule import Schedule

seeds = st.integers(0, 1 << 32)
rates = st.floats(0.5, 5000)
steps = st.lists(st.tuples(st.floats(0, 0.5), st.integers(0, 40)), max_size=20)
END_S = 1e9


def taken(schedule: Schedule, most: int) -> list[float]:
    """The next arrivals, whenever they are."""
    return schedule.take(END_S, most)


@given(seeds, rates, steps)
def test_asking_differently_changes_nothing(seed: int, rate: float, asked: list[tuple[float, int]]) -> None:
    schedule, now, found = Schedule(Random(seed), rate, 100.0), 100.0, []
    for step, most in asked:
        now += step
        found += schedule.take(now, most)
    found += taken(schedule, 10)
    assert found == taken(Schedule(Random(seed), rate, 100.0), len(found))


@given(seeds, rates, st.floats(0, 5), st.integers(0, 100))
def test_what_is_due_is_given_once_and_nothing_else_is(
    seed: int, rate: float, until: float, most: int
) -> None:
    schedule = Schedule(Random(seed), rate, 0.0)
    due = schedule.take(until, most)
    everything = [at for at in taken(Schedule(Random(seed), rate, 0.0), 3 * most + 3) if at <= until]
    assert due == everything[:most]
    assert schedule.next_s >= until or len(due) == most


@given(seeds, rates)
def test_next_is_the_next_that_is_given(seed: int, rate: float) -> None:
    schedule = Schedule(Random(seed), rate, 7.0)
    for _ in range(5):
        announced = schedule.next_s
        assert schedule.take(announced - 1e-6, 5) == []
        assert taken(schedule, 1) == [announced]


@given(seeds)
def test_another_rate_is_the_same_arrivals_on_another_scale(seed: int) -> None:
    slow, fast = (taken(Schedule(Random(seed), rate, 0.0), 50) for rate in (10.0, 80.0))
    assert [at / 8 for at in slow] == pytest.approx(fast)


@pytest.mark.parametrize("seed", range(5))
def test_gaps_are_exponential_with_the_mean_of_the_rate(seed: int) -> None:
    count, rate = 20_000, 250.0
    arrivals = taken(Schedule(Random(seed), rate, 3.0), count)
    gaps = sorted(b - a for a, b in pairwise([3.0, *arrivals]))
    mean = sum(gaps) / count
    assert mean * rate == pytest.approx(1.0, abs=4 / math.sqrt(count))
    # Kolmogorov-Smirnov at 1 in 10,000: a clock-like or a clumped schedule of the same mean is far beyond.
    distance = max(abs((i + 1) / count - (1 - math.exp(-gap * rate))) for i, gap in enumerate(gaps))
    assert distance < 2.23 / math.sqrt(count)


changes = st.lists(st.tuples(st.floats(0, 1), st.integers(0, 20), rates), min_size=1, max_size=8)


@given(seeds, rates, changes)
def test_changing_the_rate_keeps_order_and_never_reaches_back(
    seed: int, rate: float, script: list[tuple[float, int, float]]
) -> None:
    schedule, now, given_out = Schedule(Random(seed), rate, 0.0), 0.0, [0.0]
    for step, most, new_rate in script:
        now += step
        given_out += schedule.take(now, most)
        overdue = schedule.next_s
        schedule.change_rate(new_rate, now)
        if overdue <= now:  # what was overdue stays due when it was
            assert schedule.next_s == pytest.approx(overdue)
        else:
            assert schedule.next_s >= now - 1e-9
    given_out += taken(schedule, 20)
    assert all(b - a >= -1e-9 for a, b in pairwise(given_out))


@given(seeds, rates, rates)
def test_after_a_change_a_gap_lasts_as_long_as_the_new_rate_says(
    seed: int, before: float, after: float
) -> None:
    first, rest = (lambda all_: (all_[0], all_[1:]))(taken(Schedule(Random(seed), before, 0.0), 20))
    schedule = Schedule(Random(seed), before, 0.0)
    assert taken(schedule, 1) == [first]
    schedule.change_rate(after, first)
    scale = before / after
    assert taken(schedule, 19) == pytest.approx([first + (at - first) * scale for at in rest])


@given(seeds, rates, st.floats(0, 1000))
def test_a_pause_puts_everything_off(seed: int, rate: float, pause: float) -> None:
    plain, shifted = Schedule(Random(seed), rate, 0.0), Schedule(Random(seed), rate, 0.0)
    assert taken(plain, 5) == taken(shifted, 5)
    shifted.shift(pause)
    assert taken(shifted, 20) == pytest.approx([at + pause for at in taken(plain, 20)])
