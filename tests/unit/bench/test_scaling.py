"""The scaling law."""

from __future__ import annotations

import math
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kapture_tui.bench.scaling import Law, fit

SCALES = (1, 2, 4, 8)


@settings(max_examples=15)
@given(st.floats(100, 1e5), st.floats(0, 0.3), st.floats(0, 0.01))
def test_the_law_that_made_the_figures_is_found(one: float, contention: float, coherency: float) -> None:
    law = Law(one, contention, coherency)
    found = fit({scale: [law.at(scale)] for scale in SCALES})
    assert found is not None
    assert found.law.one == pytest.approx(one, rel=1e-3)
    for scale in (*SCALES, 16):
        assert found.law.at(scale) == pytest.approx(law.at(scale), rel=0.01)


def test_what_grows_in_step_has_no_contention_and_no_peak() -> None:
    found = fit({scale: [1000.0 * scale] for scale in SCALES})
    assert found is not None
    assert found.law == Law(pytest.approx(1000.0), 0.0, 0.0)
    assert found.law.peak is None


def test_better_than_in_step_is_not_taken_for_negative_contention() -> None:
    found = fit({1: [1000.0], 2: [2100.0], 4: [4500.0]})
    assert found is not None
    assert min(found.law.contention, found.law.coherency) >= 0


def test_the_peak_is_where_more_becomes_less() -> None:
    law = Law(1000.0, 0.05, 0.01)
    assert law.peak == pytest.approx(math.sqrt(95))
    assert law.peak is not None
    assert law.at(law.peak) > max(law.at(law.peak * 0.9), law.at(law.peak * 1.1))


def test_its_uncertainty_holds_the_truth() -> None:
    random, law = Random(3), Law(1000.0, 0.1, 0.005)
    measured = {n: [law.at(n) * math.exp(random.gauss(0, 0.03)) for _ in range(6)] for n in SCALES}
    found = fit(measured)
    assert found is not None
    low, high = found.band(4)
    assert low < law.at(4) < high
    assert high / low < 1.1
    assert found.one[0] < found.law.one < found.one[1]


def test_two_scales_are_no_curve() -> None:
    assert fit({1: [1.0], 2: [2.0], 4: []}) is None
