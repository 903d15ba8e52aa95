from __future__ import annotations

from typing import Any

import pytest

from kapture_tui.targets.kubernetes.demand import Demand, demand, pod_sum
from tests.unit.targets.kubernetes.ask import container, deployment

GIB = 2.0**30


def stateful_set(replicas: int) -> dict[str, Any]:
    claim = {"resources": {"requests": {"storage": "10Gi"}}, "storageClassName": "fast"}
    return {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": {"name": "kafka"},
        "spec": {
            "replicas": replicas,
            "template": {"spec": {"containers": [container("kafka", "250m", "1Gi")]}},
            "volumeClaimTemplates": [{"spec": claim}],
        },
    }


def test_everything_a_stack_asks_for() -> None:
    job = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "topics"},
        "spec": {"template": {"spec": {"containers": [container("topics", "50m")]}}},
    }
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "kafka"}}
    asked = demand([service, stateful_set(3), job, deployment("etl", container("etl"), replicas=2)])
    assert asked.running == 6
    assert asked.total("cpu") == pytest.approx(3 * 0.25 + 0.05 + 2 * 0.1)
    assert asked.total("memory", limits=True) == 3 * GIB + 3 * 64 * 2**20
    assert [(claim.count, claim.bytes, claim.storage_class) for claim in asked.claims] == [
        (3, 10 * GIB, "fast")
    ]
    assert asked.objects[("v1", "Service")] == {"kafka"}
    assert asked.objects[("apps/v1", "Deployment")] == {"etl"}


def test_scaled_to_nothing_asks_for_nothing() -> None:
    assert demand([deployment("data-loader", container("loader"), replicas=0)]).total("cpu") == 0


@pytest.mark.parametrize(
    ("init_cpu", "restart", "total"),
    [
        ("100m", None, 0.5),  # the containers want more than what runs before them
        ("700m", None, 0.7),
        ("100m", "Always", 0.6),  # a sidecar runs with them
    ],
)
def test_init_containers_count_as_the_scheduler_counts_them(
    init_cpu: str, restart: str | None, total: float
) -> None:
    first: dict[str, Any] = container("init", init_cpu)
    if restart:
        first["restartPolicy"] = restart
    spec = {"initContainers": [first], "containers": [container("a", "200m"), container("b", "300m")]}
    assert pod_sum(spec, "requests")["cpu"] == pytest.approx(total)


def test_a_limit_that_one_container_lacks_has_no_sum() -> None:
    spec = {"containers": [container("a", "1", **{"ephemeral-storage": "1Gi"}), container("b")]}
    assert pod_sum(spec, "limits") == {"memory": 2 * 64 * 2**20}


def test_a_missing_request_is_taken_from_the_limit() -> None:
    spec = {"containers": [{"name": "a", "resources": {"limits": {"cpu": "2"}}}]}
    assert pod_sum(spec, "requests") == {"cpu": 2.0}


def test_figures_of_the_pod_stand_before_those_of_its_containers() -> None:
    spec = {
        "containers": [container("a", "200m")],
        "resources": {"requests": {"cpu": "1"}},
        "overhead": {"cpu": "250m"},
    }
    assert pod_sum(spec, "requests")["cpu"] == 1.25


def test_nothing_asks_for_nothing() -> None:
    assert demand([]) == Demand(())
