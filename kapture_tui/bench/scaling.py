"""How capacity grows with the scale: Gunther's universal scalability law, with its uncertainty.

    X(N) = λ N / (1 + α (N - 1) + β N (N - 1))

λ is what scale 1 carries, α the part of the work that cannot be shared (contention), β what it costs that everybody
has to agree with everybody (coherency): with β > 0 there is a scale beyond which more is less (Gunther 2007, Guerrilla
Capacity Planning, chapters 4 to 6). N / X is linear in 1/λ, α/λ and β/λ, so least squares find them; neither α nor β
may be negative. How sure they are, a bootstrap over the deployments says (Efron and Tibshirani 1993).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from random import Random

LEAST_SCALES = 3
"""Three unknowns need three scales."""

RESAMPLES = 400
_BAND = (0.05, 0.95)


@dataclass(frozen=True, slots=True)
class Law:
    """The law's three figures."""

    one: float
    contention: float
    coherency: float

    def at(self, scale: float) -> float:
        """The capacity at a scale, transactions a second."""
        slowed = 1 + self.contention * (scale - 1) + self.coherency * scale * (scale - 1)
        return self.one * scale / slowed

    @property
    def peak(self) -> float | None:
        """The scale that carries most; None: more is always more."""
        if self.coherency <= 0:
            return None
        return math.sqrt(max(0.0, 1 - self.contention) / self.coherency)


@dataclass(frozen=True, slots=True)
class Curve:
    """The fitted law and the 90 % interval of each of its figures."""

    law: Law
    one: tuple[float, float]
    contention: tuple[float, float]
    coherency: tuple[float, float]
    others: tuple[Law, ...]
    """The laws of the bootstrap, for a band around the curve."""

    def band(self, scale: float) -> tuple[float, float]:
        """The 90 % interval of the capacity at a scale."""
        return _interval([law.at(scale) for law in self.others])


def fit(capacities: Mapping[int, Sequence[float]], seed: int = 1) -> Curve | None:
    """The curve through the capacities by scale; None with fewer than three scales."""
    known = {scale: list(found) for scale, found in capacities.items() if found}
    if len(known) < LEAST_SCALES:
        return None
    random = Random(seed)
    laws = []
    for _ in range(RESAMPLES):
        again = {scale: random.choices(found, k=len(found)) for scale, found in known.items()}
        laws.append(_law(again))
    return Curve(
        _law(known),
        _interval([law.one for law in laws]),
        _interval([law.contention for law in laws]),
        _interval([law.coherency for law in laws]),
        tuple(laws),
    )


def _interval(values: Sequence[float]) -> tuple[float, float]:
    ordered = sorted(values)
    low, high = (ordered[round(part * (len(ordered) - 1))] for part in _BAND)
    return low, high


def _law(capacities: Mapping[int, Sequence[float]]) -> Law:
    """Least squares of N / X, each point weighed by its own size, since capacities err by a part of themselves."""
    points = [(n, n / x) for n, found in capacities.items() for x in found]
    best: tuple[float, Law] | None = None
    # Where the free fit has a negative figure, the best allowed one has it at 0: there are only four cases to try.
    for used in (subset for size in range(3) for subset in combinations((1, 2), size)):
        solved = _least_squares(points, (0, *used))
        if solved is None or solved[0] <= 0 or min(solved) < 0:
            continue
        law = Law(1 / solved[0], solved[1] / solved[0], solved[2] / solved[0])
        error = sum((math.log(n / y) - math.log(law.at(n))) ** 2 for n, y in points)
        if best is None or error < best[0] - 1e-12:
            best = (error, law)
    assert best is not None, "1/λ alone is a mean of positive figures"
    return best[1]


def _least_squares(points: Sequence[tuple[int, float]], used: Sequence[int]) -> list[float] | None:
    """The three coefficients, those not used 0; None when the points cannot tell them apart."""
    rows = []
    for n, y in points:
        terms = (1.0, n - 1.0, n * (n - 1.0))
        rows.append(([terms[column] / y for column in used], 1.0))
    size = len(used)
    matrix = [[sum(r[i] * r[j] for r, _ in rows) for j in range(size)] for i in range(size)]
    right = [sum(r[i] * target for r, target in rows) for i in range(size)]
    solved = _solve(matrix, right)
    if solved is None:
        return None
    coefficients = [0.0, 0.0, 0.0]
    for column, value in zip(used, solved, strict=True):
        coefficients[column] = value
    return coefficients


def _solve(matrix: list[list[float]], right: list[float]) -> list[float] | None:
    """Gauss' elimination with pivots; None for a singular matrix."""
    rows = [[*row, value] for row, value in zip(matrix, right, strict=True)]
    size = len(rows)
    for column in range(size):
        pivot = max(range(column, size), key=lambda r: abs(rows[r][column]))
        if abs(rows[pivot][column]) < 1e-12:
            return None
        rows[column], rows[pivot] = rows[pivot], rows[column]
        for other in range(size):
            if other != column:
                factor = rows[other][column] / rows[column][column]
                rows[other] = [a - factor * b for a, b in zip(rows[other], rows[column], strict=True)]
    return [row[-1] / row[at] for at, row in enumerate(rows)]
