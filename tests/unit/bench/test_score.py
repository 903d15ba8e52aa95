"""Scores and verdicts."""

from __future__ import annotations

import math
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kapture_tui.bench.score import Comparison, Verdict, compare, score

capacities = st.lists(st.floats(10, 1e6), min_size=2, max_size=8)


def luck(middle: float, spread: float, count: int, seed: int) -> list[float]:
    random = Random(seed)
    return [middle * math.exp(random.gauss(0, spread)) for _ in range(count)]


def test_the_score_is_the_geometric_mean() -> None:
    found = score([100.0, 400.0])
    assert found is not None
    assert found.v == pytest.approx(200.0)
    # t(0.95, 1) = 6.3138, spread of ln V = ln 4 / sqrt 2, error = ln 2
    assert found.high == pytest.approx(200.0 * math.exp(6.3138 * math.log(2)), rel=1e-3)
    assert found.low == pytest.approx(200.0**2 / found.high)


def test_one_deployment_has_no_interval_and_none_no_score() -> None:
    alone = score([5000.0])
    assert alone is not None
    assert (alone.v, alone.low, alone.high, alone.half_width) == (pytest.approx(5000.0), None, None, None)
    assert score([]) is None


def test_welch_by_hand() -> None:
    """ln V of 0, 1, 2 and of 10, 11, 12, 13: difference 10.5, error sqrt(1/3 + (5/3)/4), 4.96 degrees of freedom."""
    found = compare([math.exp(x) for x in (0, 1, 2)], [math.exp(x) for x in (10, 11, 12, 13)])
    error = math.sqrt(1 / 3 + 5 / 12)
    assert math.log(found.ratio) == pytest.approx(10.5)
    assert math.log(found.high) - 10.5 == pytest.approx(2.019 * error, rel=5e-3)
    assert found.verdict is Verdict.FASTER


def test_a_fifth_less_is_slower_and_nothing_less_is_not() -> None:
    usual = luck(1000, 0.04, 6, 1)
    assert compare(usual, luck(800, 0.04, 6, 2)).verdict is Verdict.SLOWER
    assert compare(luck(800, 0.04, 6, 2), usual).verdict is Verdict.FASTER
    assert compare(luck(1000, 0.02, 6, 3), luck(1000, 0.02, 6, 4)).verdict is Verdict.EQUIVALENT


def test_inconclusive_says_how_many_repeats_are_missing() -> None:
    a, b = [1000.0, 1100.0, 930.0], [960.0, 1010.0, 1080.0]
    found = compare(a, b)
    assert found.verdict is Verdict.INCONCLUSIVE
    assert found.needed is not None
    # Should more repeats look like these, so many more and no fewer decide.
    more = -(-(3 + found.needed) // 3)
    assert compare(a * (more + 1), b * (more + 1)).verdict is not Verdict.INCONCLUSIVE
    assert found.needed > 3


def test_what_no_number_of_repeats_can_tell_is_none() -> None:
    assert compare([10.0, 1000.0, 90_000.0], [11.0, 1000.0, 95_000.0]).needed is None


def test_repeats_that_agree_exactly_are_equivalent_not_infinitely_different() -> None:
    assert compare([500.0] * 3, [500.0] * 3).verdict is Verdict.EQUIVALENT


def test_one_capacity_a_side_compares_with_nothing() -> None:
    with pytest.raises(ValueError, match="two"):
        compare([1.0], [1.0, 2.0])


@given(capacities, capacities)
def test_turned_round_it_says_the_opposite(a: list[float], b: list[float]) -> None:
    forth, back = compare(a, b), compare(b, a)
    opposite = {Verdict.FASTER: Verdict.SLOWER, Verdict.SLOWER: Verdict.FASTER}
    assert back.verdict is opposite.get(forth.verdict, forth.verdict)
    assert back.ratio == pytest.approx(1 / forth.ratio)
    assert back.needed == forth.needed


@given(capacities, capacities, st.floats(0.01, 100))
def test_the_unit_does_not_matter(a: list[float], b: list[float], factor: float) -> None:
    one = compare(a, b)
    other = compare([v * factor for v in a], [v * factor for v in b])
    assert isinstance(one, Comparison)
    assert other.ratio == pytest.approx(one.ratio, rel=1e-6)


def test_equal_runs_are_called_different_in_two_of_a_hundred_pairs() -> None:
    different = sum(
        compare(luck(1, 0.04, 6, 2 * n), luck(1, 0.04, 6, 2 * n + 1)).verdict
        in (Verdict.FASTER, Verdict.SLOWER)
        for n in range(500)
    )
    assert different <= 20
