"""The limit that trials point to."""

from __future__ import annotations

import math
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kapture_tui.bench.probit import Fit, fit


def outcomes(limit: float, noise: float, count: int, seed: int) -> list[tuple[float, bool]]:
    """Trials within 20 % of the limit, decided by a draw of their own."""
    random = Random(seed)
    loads = [math.log(limit) + random.uniform(-0.2, 0.2) for _ in range(count)]
    return [(x, random.gauss(math.log(limit), noise) > x) for x in loads]


def fitted(trials: list[tuple[float, bool]]) -> Fit:
    found = fit(trials)
    assert found is not None
    return found


def test_it_needs_both_outcomes() -> None:
    assert fit([]) is None
    assert fit([(1.0, True), (2.0, True)]) is None
    assert fit([(1.0, False)]) is None


def test_a_clean_step_is_in_its_middle() -> None:
    clean = [(math.log(rate), rate < 1000) for rate in (900, 960, 980, 1020, 1040, 1100)]
    found = fitted(clean)
    assert found.v == pytest.approx(1000, rel=0.01)
    assert found.sigma < 0.05


def test_limit_and_noise_are_found() -> None:
    found = fitted(outcomes(5000.0, 0.1, 400, seed=2))
    assert found.v == pytest.approx(5000, rel=0.02)
    assert found.sigma == pytest.approx(0.1, rel=0.25)
    assert found.held(found.v) == pytest.approx(0.5)
    assert found.held(found.rate_held(1.2816)) == pytest.approx(0.9, abs=1e-3)


def test_its_error_is_what_it_errs_by() -> None:
    misses = []
    for seed in range(60):
        found = fitted(outcomes(1000.0, 0.1, 40, seed))
        misses.append((found.ln_v - math.log(1000)) / found.error)
    within = sum(abs(miss) < 1.645 for miss in misses) / len(misses)
    assert 0.78 <= within <= 1.0


def test_one_trial_that_failed_for_another_reason_bends_nothing() -> None:
    trials = outcomes(1000.0, 0.03, 60, seed=4)
    lapsed = [*trials, (math.log(600), False)]
    assert fitted(lapsed).v == pytest.approx(fitted(trials).v, rel=0.01)


@given(st.floats(0.01, 1e6), st.integers(0, 50))
def test_it_does_not_matter_in_what_unit_loads_are_counted(factor: float, seed: int) -> None:
    trials = outcomes(1000.0, 0.1, 12, seed)
    moved = [(x + math.log(factor), held) for x, held in trials]
    one, other = fit(trials), fit(moved)
    assert (one is None) == (other is None)
    if one and other:
        assert other.v == pytest.approx(one.v * factor, rel=1e-6)
        assert other.error == pytest.approx(one.error, rel=1e-4)
