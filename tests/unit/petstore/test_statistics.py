from __future__ import annotations

import pytest

from benchmark.perf.petstore_stats import Comparison, Deviation, compare, summary


@pytest.mark.slow
def test_a_year_has_the_statistics_of_the_2016_generator() -> None:
    comparison = compare("A")
    assert len(comparison.deviations) == 272
    assert comparison.agrees, str(comparison)


def figure(measured: float, deviation: float, reference: tuple[float, float] = (10.0, 1.0)) -> Deviation:
    return Deviation("figure", reference, (measured, deviation))


def test_a_figure_is_judged_by_the_larger_deviation() -> None:
    assert figure(14.0, 0.5).sigmas == 4.0
    assert figure(14.0, 2.0).sigmas == 2.0
    assert figure(10.0, 0.0, (10.0, 0.0)).sigmas == 0.0
    assert figure(10.1, 0.0, (10.0, 0.0)).sigmas == float("inf")


def test_one_figure_in_fifty_may_be_off_but_none_by_five_deviations() -> None:
    fine = [figure(10.0, 1.0)] * 99
    assert Comparison([*fine, figure(14.0, 1.0)]).agrees
    assert not Comparison([*fine, figure(15.1, 1.0)]).agrees
    assert not Comparison([*fine, *[figure(14.0, 1.0)] * 3]).agrees
    assert "figure: 14 ± 1, reference 10 ± 1: off by 4.0" in str(Comparison([*fine, figure(14.0, 1.0)]))


def test_percentiles_interpolate() -> None:
    figures = summary([4.0, 1.0, 3.0, 2.0, 5.0])
    assert (figures["p50"], figures["p25"], figures["p95"]) == (3.0, 2.0, 4.8)
    assert (figures["mean"], figures["sd"], figures["n"], figures["max"]) == (3.0, 1.5811, 5, 5.0)
