"""What a scale means, and what a stack will take."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kapture_tui.model.errors import UsageError
from kapture_tui.model.spec import CHOICES, Component, LoadSpec, StackSpec
from kapture_tui.stack.catalogue import CATALOGUE, check_scale, component_named
from kapture_tui.stack.render import render
from kapture_tui.stack.sizing import (
    PARTITIONS_PER_CONSUMER,
    estimate,
    min_insync,
    replication,
    size,
    voters,
)
from kapture_tui.targets.kubernetes.demand import demand
from tests.unit.stack.samples import FACTS, stack

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
    assert estimate(replace(whole, urls={"redis": "redis://there"}), 2).processes == 11
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
    assert {c for c in CHOICES if CATALOGUE[c].local and CATALOGUE[c].available} == {
        Component.REDIS,
        Component.ELASTICSEARCH,
    }


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


def table(number: int) -> list[list[str]]:
    """The rows of a table of docs/sizing.md, without its head."""
    text = (Path(__file__).parents[3] / "docs/sizing.md").read_text()
    blocks = re.findall(r"(?:^\|.*\|\n)+", text, re.MULTILINE)
    return [[cell.strip() for cell in row.strip("|\n").split("|")] for row in blocks[number].splitlines()[2:]]


def test_the_documented_scales_are_those_of_the_code() -> None:
    rows = table(0)
    assert len(rows) >= 5
    for row in rows:
        of = size(int(row[0]))
        counted = [of.brokers, len(voters(of.brokers)), replication(of.brokers), min_insync(of.brokers)]
        counted += [of.partitions, of.loaders, of.etl, of.sinks]
        assert row[1:9] == [str(number) for number in counted]
        asked = demand(render(stack(int(row[0])), FACTS))
        memory = [asked.total("memory", limits=limits) / 2**30 for limits in (False, True)]
        assert row[9:] == [f"{asked.total('cpu'):.2f}", f"{memory[0]:.1f}", f"{memory[1]:.1f}"]


def test_the_documented_pods_are_those_of_the_manifests() -> None:
    found = {}
    whole = frozenset(component for component in CHOICES if CATALOGUE[component].available)
    for spec in (stack(1, whole), stack(1, whole, storage="persistent", cpu_limits=True)):
        objects = render(spec, FACTS)
        for pods in (asked := demand(objects)).pods:
            found[pods.owner] = pods
    servers = [o["metadata"]["name"] for o in objects if o["kind"] == "StatefulSet"]
    claims = dict(zip(servers, asked.claims, strict=True))
    rows = {row[0].strip("`"): row[1:] for row in table(1)}
    assert rows.keys() == found.keys()
    for name, row in rows.items():
        pods, claim = found[name], claims.get(name)
        assert row == [
            f"{pods.requests['cpu'] * 1000:.0f} m",
            f"{pods.requests['memory'] / 2**20:.0f} MiB",
            f"{pods.limits['memory'] / 2**20:.0f} MiB",
            f"{pods.limits['cpu']:.0f}",
            f"{claim.bytes / 2**30:.0f}Gi" if claim else "–",
        ]


def test_voters_survive_one_of_them_where_there_are_three() -> None:
    for brokers in range(1, 10):
        ids = voters(brokers)
        assert len(ids) % 2 == 1
        assert max(ids) < brokers
        assert min_insync(brokers) <= replication(brokers) <= brokers
        assert (len(ids) == 3) == (min_insync(brokers) == 2)
