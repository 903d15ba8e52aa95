"""What a scale means, and what a stack will take."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kapture_tui.model.errors import UsageError
from kapture_tui.model.spec import CHOICES, Component, LoadSpec, StackSpec
from kapture_tui.stack.catalogue import CATALOGUE, check_scale, component_named
from kapture_tui.stack.sizing import PARTITIONS_PER_CONSUMER, estimate, size

REDIS = frozenset({Component.REDIS})


def test_scale_two_is_two_of_everything_that_scales() -> None:
    two = size(2)
    assert (two.loaders, two.etl, two.sinks, two.topics, two.partitions) == (2, 2, 2, 51, 1)
    assert two.replicas(Component.LOADER) == 2
    assert two.replicas(Component.OBSERVER) == 1


@given(st.integers(1, 100))
def test_every_consumer_finds_partitions_and_no_more_than_needed(scale: int) -> None:
    of = size(scale)
    assert of.topics * of.partitions >= PARTITIONS_PER_CONSUMER * of.etl
    assert of.partitions == 1 or of.topics * (of.partitions - 1) < PARTITIONS_PER_CONSUMER * of.etl


@given(st.integers(1, 99))
def test_a_larger_scale_takes_more(scale: int) -> None:
    less = estimate(StackSpec("n", scale, REDIS), cores=2)
    more = estimate(StackSpec("n", scale + 1, REDIS), cores=2)
    assert more.processes == less.processes + 6
    assert more.memory_bytes > less.memory_bytes
    assert more.seconds > less.seconds


def test_what_is_elsewhere_takes_nothing_here() -> None:
    whole = StackSpec("n", 1, REDIS)
    assert estimate(whole, 2).processes == 13
    assert estimate(replace(whole, redis_url="redis://there"), 2).processes == 11
    assert estimate(replace(whole, kafka_bootstrap="there:9092"), 2).processes == 11
    assert estimate(StackSpec("n", 1), 2).processes == 9
    assert (
        estimate(replace(whole, kafka_home="/kafka"), 2).memory_bytes > 1.5 * estimate(whole, 2).memory_bytes
    )
    assert estimate(whole, 1).seconds > estimate(whole, 8).seconds


def test_customers_cost_memory_and_time() -> None:
    few, many = (estimate(StackSpec("n", 1, load=LoadSpec(customers=n)), 2) for n in (1000, 101_000))
    assert 500 < (many.memory_bytes - few.memory_bytes) / 2**20 < 700
    assert 5 < many.seconds - few.seconds < 12
    assert many.processes == few.processes


def test_the_catalogue_has_every_component() -> None:
    assert set(CATALOGUE) == set(Component)
    assert {name for name in CHOICES if CATALOGUE[name].local} == {Component.REDIS}


def test_names() -> None:
    assert component_named("etl-redis") is Component.REDIS_SINK
    with pytest.raises(UsageError, match=r"'redsi'.*unknown.*redis, elasticsearch"):
        component_named("redsi")


@pytest.mark.parametrize(
    ("component", "replicas", "says"),
    [
        (Component.KAFKA, 2, "cannot be scaled"),
        (Component.ETL, 0, "must be from 1 to 100"),
        (Component.LOADER, -1, "must be from 0 to 100"),
        (Component.LOADER, 101, "must be from 0 to 100"),
    ],
)
def test_scales_that_are_refused(component: Component, replicas: int, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        check_scale(component, replicas)


def test_loaders_may_go_and_consumers_may_not() -> None:
    check_scale(Component.LOADER, 0)
    check_scale(Component.REDIS_SINK, 1)
