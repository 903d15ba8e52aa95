"""Student's t against published tables, and its laws."""

from __future__ import annotations

import math
from statistics import NormalDist

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kapture_tui.bench.student import incomplete_beta, probability, quantile, two_sided

TABLE = [
    # p, degrees of freedom, t: Abramowitz and Stegun (1964), table 26.10
    (0.95, 1, 6.314),
    (0.95, 2, 2.920),
    (0.95, 5, 2.015),
    (0.99, 5, 3.365),
    (0.975, 10, 2.228),
    (0.995, 10, 3.169),
    (0.99, 30, 2.457),
    (0.95, 120, 1.658),
]


@pytest.mark.parametrize(("p", "freedom", "t"), TABLE)
def test_quantiles_are_those_of_the_tables(p: float, freedom: float, t: float) -> None:
    assert quantile(p, freedom) == pytest.approx(t, abs=0.0006)


def test_one_degree_of_freedom_is_the_cauchy_distribution() -> None:
    for t in (-3.0, -0.2, 0.0, 0.7, 12.0):
        assert probability(t, 1) == pytest.approx(0.5 + math.atan(t) / math.pi, abs=1e-12)


def test_many_degrees_of_freedom_are_the_normal_distribution() -> None:
    assert two_sided(0.9, 1e7) == pytest.approx(NormalDist().inv_cdf(0.95), rel=1e-5)


@given(st.floats(0.001, 0.999), st.floats(0.5, 500))
def test_the_quantile_undoes_the_probability(p: float, freedom: float) -> None:
    assert probability(quantile(p, freedom), freedom) == pytest.approx(p, abs=1e-8)


@given(st.floats(0.3, 40), st.floats(0.3, 40), st.floats(0, 1))
def test_the_beta_function_is_symmetric(a: float, b: float, x: float) -> None:
    assert incomplete_beta(a, b, x) == pytest.approx(1 - incomplete_beta(b, a, 1 - x), abs=1e-9)
