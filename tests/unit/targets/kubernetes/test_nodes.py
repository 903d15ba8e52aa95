from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kapture_tui.targets.kubernetes.demand import Demand, demand
from kapture_tui.targets.kubernetes.nodes import Node, node, shortage, takes
from tests.unit.targets.kubernetes.ask import container, deployment, pod
from tests.unit.targets.kubernetes.ask import node as manifest


def brokers(count: int, cpu: str = "500m", memory: str = "1Gi", **pod_spec: Any) -> Demand:
    return demand([deployment("kafka", container("kafka", cpu, memory), replicas=count, **pod_spec)])


def test_what_runs_there_is_not_free() -> None:
    place = node(manifest("n", cpu="2"), [pod("a", container("a", "500m")), pod("b", container("b", "1"))])
    assert place.free["cpu"] == 0.5
    assert place.free["pods"] == 108


def test_shortage_names_node_pod_and_figures() -> None:
    place = node(manifest("kt-node", cpu="2"), [pod("other", container("other", "600m"))])
    assert shortage([place], brokers(2)) is None
    found = shortage([place], brokers(3))
    assert found is not None
    assert found.certain
    assert found.text == (
        "kt-node has 0.4 cores left, kafka-2 wants 0.5 cores (all pods together 1.5 cores; free are 1.4 cores)"
    )


def test_memory_and_number_of_pods_are_short_too() -> None:
    memory = shortage([node(manifest("n", memory="2Gi"))], brokers(3))
    assert memory is not None
    assert memory.text.startswith("n has 0 MiB left, kafka-2 wants 1 GiB of memory")
    pods = shortage([node(manifest("n", pods="2"))], brokers(3))
    assert pods is not None
    assert pods.text == "n takes no more pods, not even kafka-2 (3 are needed in all)"


def test_several_small_gaps_are_no_room_for_a_large_pod() -> None:
    places = [node(manifest(name, cpu="700m")) for name in ("a", "b", "c")]
    assert shortage(places, brokers(3)) is None
    large = shortage(places, brokers(1, cpu="1"))
    assert large is not None
    assert large.certain


def test_bad_luck_is_told_from_impossibility() -> None:
    """Pods of 3, 3, 2, 2, 2 on two nodes of 6: whoever places the largest first where most is left finds no room."""
    places = [node(manifest(name, cpu="6", memory="100Gi")) for name in ("a", "b")]
    workloads = [
        deployment(name, container(name, cpu), replicas=count)
        for name, cpu, count in (("three", "3", 2), ("two", "2", 3))
    ]
    found = shortage(places, demand(workloads))
    assert found is not None
    assert not found.certain


def test_largest_first_finds_what_the_order_of_deploying_does_not() -> None:
    places = [node(manifest("a", cpu="3")), node(manifest("b", cpu="2"))]
    workloads = [
        deployment("small", container("small", "1"), replicas=2),
        deployment("large", container("large", "3")),
    ]
    assert shortage(places, demand(workloads)) is None


TAINT = {"key": "team", "value": "db", "effect": "NoSchedule"}


@pytest.mark.parametrize(
    ("toleration", "borne"),
    [
        ({"key": "team", "operator": "Equal", "value": "db", "effect": "NoSchedule"}, True),
        ({"key": "team", "value": "db"}, True),
        ({"key": "team", "operator": "Exists"}, True),
        ({"operator": "Exists"}, True),
        ({"key": "team", "value": "web", "effect": "NoSchedule"}, False),
        ({"key": "team", "operator": "Exists", "effect": "NoExecute"}, False),
        ({"key": "other", "operator": "Exists"}, False),
    ],
)
def test_taints_and_tolerations(toleration: Mapping[str, str], borne: bool) -> None:
    asked = brokers(1, tolerations=[toleration])
    found = shortage([node(manifest("n", taints=[TAINT]))], asked)
    assert (found is None) is borne
    assert borne or (
        found is not None and found.text == "no node takes kafka: n has the taint team=db:NoSchedule"
    )


def test_soft_taints_repel_nobody() -> None:
    soft = {"key": "team", "effect": "PreferNoSchedule"}
    assert shortage([node(manifest("n", taints=[soft]))], brokers(1)) is None


def test_selector_must_match() -> None:
    places = [node(manifest("n"))]
    assert shortage(places, brokers(1, nodeSelector={"kubernetes.io/os": "linux"})) is None
    found = shortage(places, brokers(1, nodeSelector={"disk": "ssd"}))
    assert found is not None
    assert found.selection
    assert found.text == "no node takes kafka: n has not the label disk=ssd"


def test_nodes_that_are_away_take_nothing() -> None:
    away = manifest("away")
    away["status"]["conditions"][0] |= {
        "status": "Unknown",
        "message": "Kubelet stopped posting node status.",
    }
    cordoned = node(manifest("cordoned", unschedulable=True))
    [pods] = brokers(1).pods
    assert takes(node(away), pods) == "is not ready: Kubelet stopped posting node status."
    assert takes(cordoned, pods) == "is cordoned"
    found = shortage([], brokers(1))
    assert found is not None
    assert found.text == "no node takes kafka: there is none"


@given(
    st.lists(st.integers(0, 40), min_size=1, max_size=5),
    st.lists(st.tuples(st.integers(1, 20), st.integers(1, 4)), min_size=1, max_size=5),
)
def test_verdicts_agree_with_sums(nodes: list[int], workloads: list[tuple[int, int]]) -> None:
    """What fits is never more than there is; what is said to be certainly short would not fit in any order."""
    places = [
        Node(f"n{index}", {"cpu": cpu / 10, "memory": 1e12, "pods": 99}, "")
        for index, cpu in enumerate(nodes)
    ]
    asked = demand(
        deployment(f"d{index}", container("c", f"{cpu}00m"), replicas=count)
        for index, (cpu, count) in enumerate(workloads)
    )
    found = shortage(places, asked)
    sizes = [cpu for cpu, count in workloads for _ in range(count)]
    if found is None:
        assert sum(sizes) <= sum(nodes)
        assert max(sizes) <= max(nodes)
    elif found.certain and len(nodes) > 1:
        assert sum(sizes) > sum(nodes) or max(sizes) > max(nodes)
