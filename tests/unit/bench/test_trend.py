"""What grows and what only jumps about."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kapture_tui.bench.trend import LEAST, trend

lags = st.lists(st.integers(0, 10**6), min_size=LEAST, max_size=30)


def at_seconds(values: list[int]) -> list[tuple[float, float]]:
    return [(float(second), float(value)) for second, value in enumerate(values)]


def test_the_textbook_example() -> None:
    """Ten values, S = 23, no ties: variance 125, z = 22 / 11.18 = 1.97 (Gilbert 1987, section 16.4.1)."""
    found = trend(at_seconds([1, 0, 3, 2, 5, 4, 7, 6, 9, 2]))
    assert found is not None
    assert 0.01 < found.chance < 0.05


def test_too_few_samples_show_nothing() -> None:
    assert trend(at_seconds([1, 2, 3, 4])) is None


def test_a_constant_shows_no_trend() -> None:
    found = trend(at_seconds([7] * 12))
    assert found is not None
    assert (found.slope, found.chance) == (0.0, 1.0)


def test_a_line_has_its_slope_in_spite_of_outliers() -> None:
    samples = [(float(s), 100.0 * s) for s in range(20)]
    samples[5] = (5.0, 90_000.0)
    found = trend(samples)
    assert found is not None
    assert found.slope == pytest.approx(100.0)
    assert found.chance < 1e-5


@given(lags)
def test_backwards_it_falls_as_it_rose(values: list[int]) -> None:
    forth, back = trend(at_seconds(values)), trend(at_seconds(values[::-1]))
    assert forth is not None
    assert back is not None
    assert forth.slope == pytest.approx(-back.slope)
    assert forth.chance + back.chance >= 1 - 1e-9


def test_noise_is_called_a_trend_as_rarely_as_it_should() -> None:
    random = Random(5)
    called = 0
    for _ in range(1000):
        found = trend([(float(s), random.gauss(0, 1)) for s in range(15)])
        called += found is not None and found.chance < 0.05
    assert 25 <= called <= 75
