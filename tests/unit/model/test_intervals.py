"""An IntervalSet is a set: Python's own is the model."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from kapture_tui.model.intervals import IntervalSet

numbers = st.integers(-5, 14)
# By bits, so that neighbours are as likely as gaps: ranges that touch, span and nest are where the faults would be.
sets = st.integers(0, (1 << 16) - 1).map(lambda bits: {n - 3 for n in range(16) if bits >> n & 1})
pairs = st.lists(st.tuples(numbers, numbers), max_size=12)


def of(members: set[int]) -> IntervalSet:
    """Number by number, in no particular order."""
    return IntervalSet.of((n, n + 1) for n in members)


def is_canonical(found: IntervalSet) -> bool:
    """Whether no other value stands for the same set."""
    return all(a < b for a, b in found.ranges) and all(a[1] < b[0] for a, b in pairwise(found.ranges))


@given(pairs)
def test_of_is_the_union_of_its_ranges(ranges: list[tuple[int, int]]) -> None:
    found = IntervalSet.of(ranges)
    assert set(found) == {n for start, stop in ranges for n in range(start, stop)}
    assert is_canonical(found)
    assert found == IntervalSet.of(reversed(ranges)) == of(set(found))


@given(sets, sets)
def test_operators_are_those_of_sets(a: set[int], b: set[int]) -> None:
    for found, members in ((of(a) | of(b), a | b), (of(a) & of(b), a & b), (of(a) - of(b), a - b)):
        assert found == of(members)
        assert is_canonical(found)


@given(sets, numbers)
def test_questions_are_those_of_sets(members: set[int], number: int) -> None:
    found = of(members)
    assert (len(found), bool(found), list(found)) == (len(members), bool(members), sorted(members))
    assert (number in found) == (number in members)
    assert found.stop == (max(members) + 1 if members else 0)


@given(numbers, numbers)
def test_until(stop: int, start: int) -> None:
    assert set(IntervalSet.until(stop, start)) == set(range(start, stop))
    assert IntervalSet.until(stop) == IntervalSet.until(stop, 0)


def test_size_does_not_depend_on_the_numbers() -> None:
    most = IntervalSet.until(1 << 60) - IntervalSet.of([(5, 6)])
    assert most.ranges == ((0, 5), (6, 1 << 60))
    assert len(most) == (1 << 60) - 1
