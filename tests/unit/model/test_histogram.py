"""Histograms add up, and a percentile of one is late by a bucket at most and never early."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kapture_tui.model.histogram import Histogram, bucket_of, lower_bound, merge
from kapture_tui.workload.ledger import HistogramLog

latencies = st.integers(-10, 1 << 40) | st.integers(0, 200)
lists = st.lists(latencies, max_size=12)
percents = st.sampled_from([0.1, 1, 25, 50, 75, 90, 95, 99, 99.9, 100])


def nearest_rank(values: list[int], percent: float) -> int:
    """The textbook percentile: the smallest value that `percent` of all values do not exceed."""
    return sorted(values)[max(1, math.ceil(len(values) * percent / 100)) - 1]


@given(st.integers(0, 1 << 60))
def test_a_bucket_is_at_most_one_32nd_wide(value: int) -> None:
    bucket = bucket_of(value)
    start, stop = lower_bound(bucket), lower_bound(bucket + 1)
    assert start <= value < stop
    assert stop - start <= max(1, start / 32)


@given(st.integers(0, 2000))
def test_buckets_are_in_order_without_gaps(bucket: int) -> None:
    assert bucket_of(lower_bound(bucket)) == bucket
    assert bucket_of(lower_bound(bucket + 1) - 1) == bucket


def test_a_clock_that_stepped_back_counts_as_no_time() -> None:
    assert Histogram.of([-5]) == Histogram.of([0])


@given(lists, lists, lists)
def test_adding_is_counting_everything(a: list[int], b: list[int], c: list[int]) -> None:
    x, y, z = map(Histogram.of, (a, b, c))
    assert x + y == y + x == Histogram.of(a + b)
    assert (x + y) + z == x + (y + z) == merge([x, y, z]) == Histogram.of(a + b + c)
    assert x + Histogram() == x == merge([x])


@given(lists)
def test_totals_and_maximum_are_exact(values: list[int]) -> None:
    histogram = Histogram.of(values)
    assert histogram.total == len(values)
    assert histogram.max_us == max([0, *values])
    assert all(count > 0 for count in histogram.counts.values())


@given(st.lists(latencies, min_size=1, max_size=60), percents)
def test_percentiles_never_flatter_and_are_a_bucket_off_at_most(values: list[int], percent: float) -> None:
    true = max(0, nearest_rank(values, percent))
    found = Histogram.of(values).percentile_us(percent)
    assert found is not None
    assert true <= found <= lower_bound(bucket_of(true) + 1)
    assert found <= max([0, *values])


def test_nothing_counted_has_no_percentile() -> None:
    assert Histogram().percentile_us(99) is None
    assert Histogram().total == 0


@given(lists, lists)
def test_since_is_what_came_later(before: list[int], later: list[int]) -> None:
    earlier = Histogram.of(before)
    found = (earlier + Histogram.of(later)).since(earlier)
    assert found.counts == Histogram.of(later).counts
    top = max([0, *later])
    assert top <= found.max_us or not later
    assert found.max_us <= lower_bound(bucket_of(top) + 1)
    assert found.max_us <= max([0, *before, *later])


def test_a_histogram_cannot_be_changed() -> None:
    counts = {3: 1}
    histogram = Histogram(counts, 3)
    counts[3] = 2
    assert histogram.total == 1
    with pytest.raises(TypeError):
        histogram.counts[3] = 2  # type: ignore[index]


@given(st.lists(lists, max_size=4))
def test_the_growing_one_counts_the_same(batches: list[list[int]]) -> None:
    everything = [value for batch in batches for value in batch]
    log = HistogramLog()
    for batch in batches:
        log.add_all(batch)
        log = HistogramLog(log.histogram())
    assert log.histogram() == Histogram.of(everything)
