"""Student's t distribution, from its definition: all the statistics here need of a library.

The distribution function is a regularised incomplete beta function (Abramowitz and Stegun 1964, 26.7.1), computed by
its continued fraction (ibid. 26.5.8) with Lentz' method as in Press et al., Numerical Recipes, 3rd ed., 6.4.
"""

from __future__ import annotations

import math

_TINY = 1e-300
_ENOUGH = 1e-15
_TERMS = 500


def incomplete_beta(a: float, b: float, x: float) -> float:
    """The regularised incomplete beta function I_x(a, b), for a, b > 0 and 0 <= x <= 1."""
    if x <= 0 or x >= 1:
        return 0.0 if x <= 0 else 1.0
    # The fraction converges fast on this side only; the other one follows from the symmetry.
    if x > (a + 1) / (a + b + 2):
        return 1 - incomplete_beta(b, a, 1 - x)
    front = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    return math.exp(front) / a * _fraction(a, b, x)


def _fraction(a: float, b: float, x: float) -> float:
    c, d = 1.0, 1 / _not_zero(1 - (a + b) * x / (a + 1))
    value = d
    for m in range(1, _TERMS):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for term in (even, odd):
            d = 1 / _not_zero(1 + term * d)
            c = _not_zero(1 + term / c)
            value *= c * d
        if abs(c * d - 1) < _ENOUGH:
            break
    return value


def _not_zero(value: float) -> float:
    return value if abs(value) > _TINY else _TINY


def probability(t: float, freedom: float) -> float:
    """P(T <= t) for `freedom` degrees of freedom, which need not be whole."""
    tail = incomplete_beta(freedom / 2, 0.5, freedom / (freedom + t * t)) / 2
    return 1 - tail if t > 0 else tail


def quantile(p: float, freedom: float) -> float:
    """The t that is not exceeded with probability p, 0 < p < 1; found by halving, exact to ten digits."""
    if p < 0.5:
        return -quantile(1 - p, freedom)
    low, high = 0.0, 1.0
    while probability(high, freedom) < p:
        high *= 2
    while high - low > 1e-10 * high:
        middle = (low + high) / 2
        low, high = (middle, high) if probability(middle, freedom) < p else (low, middle)
    return (low + high) / 2


def two_sided(confidence: float, freedom: float) -> float:
    """Half the width, in standard errors, of an interval that holds the truth with this probability."""
    return quantile(0.5 + confidence / 2, freedom)
