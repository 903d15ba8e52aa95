"""What quotas and limit ranges would refuse. That the API server agrees: tests/cluster/test_preflight.py."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from kapture_tui.targets.kubernetes.demand import Demand, demand
from kapture_tui.targets.kubernetes.kinds import Manifest
from kapture_tui.targets.kubernetes.quota import refusals
from tests.unit.targets.kubernetes.ask import container, deployment, limit_range, quota

NOTHING = Demand(())
PLAIN = demand(
    [
        deployment("etl", container("etl", "200m", "256Mi"), replicas=3),
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "workload"}},
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "bundle"}},
    ]
)
LIMITED = demand([deployment("etl", container("etl", "200m", "256Mi", cpu="1"), replicas=3)])


def texts(*bounds: Manifest, asked: Demand = PLAIN, held: Demand = NOTHING) -> list[str]:
    quotas = [bound for bound in bounds if "status" in bound]
    ranges = [bound for bound in bounds if "status" not in bound]
    return [refusal.text for refusal in refusals(quotas, ranges, asked, held)]


@pytest.mark.parametrize(
    ("resource", "enough", "short"),
    [
        ("requests.cpu", "600m", "599m"),
        ("cpu", "600m", "599m"),
        ("requests.memory", "768Mi", "767Mi"),
        ("limits.memory", "768Mi", "767Mi"),
        ("pods", "3", "2"),
        ("count/pods", "3", "2"),
        ("configmaps", "2", "1"),
        ("count/configmaps", "2", "1"),
        ("count/deployments.apps", "1", "0"),
        ("count/replicasets.apps", "1", "0"),
    ],
)
def test_quota_is_exact_to_the_last_unit(resource: str, enough: str, short: str) -> None:
    assert texts(quota("q", {resource: enough})) == []
    [text] = texts(quota("q", {resource: short}))
    assert text.startswith(f"quota q is too small: {resource}: ")


def test_quota_names_what_is_needed_and_free() -> None:
    bound = quota("compute", {"requests.cpu": "1", "pods": "4"}, {"requests.cpu": "700m", "pods": "2"})
    assert texts(bound) == [
        "quota compute is too small: requests.cpu: 0.6 cores needed, 0.3 cores of 1 cores free; "
        "pods: 3 needed, 2 of 4 free"
    ]


def test_what_is_there_already_is_not_asked_for_again() -> None:
    used = {"requests.cpu": "600m", "pods": "3", "configmaps": "3"}
    bound = quota("q", {"requests.cpu": "600m", "pods": "3", "configmaps": "3"}, used)
    assert texts(bound, held=PLAIN) == []
    larger = replace(PLAIN, pods=(replace(PLAIN.pods[0], count=4),))
    assert texts(bound, asked=larger, held=PLAIN) == [
        "quota q is too small: requests.cpu: 0.2 cores more needed, 0 cores of 0.6 cores free; "
        "pods: 1 more needed, 0 of 3 free"
    ]


def test_overdrawn_quota_has_nothing_free() -> None:
    [text] = texts(quota("q", {"pods": "2"}, {"pods": "5"}))
    assert text.endswith("0 of 2 free")


def test_resources_the_stack_does_not_use_are_no_matter() -> None:
    hard = {"services.loadbalancers": "0", "requests.nvidia.com/gpu": "0", "count/cronjobs.batch": "0"}
    assert texts(quota("q", {**hard, "secrets": "0", "persistentvolumeclaims": "0"})) == []


def test_storage_is_counted_for_its_class() -> None:
    claim = {"resources": {"requests": {"storage": "5Gi"}}, "storageClassName": "fast"}
    kafka = deployment("kafka", container("kafka"), replicas=2)
    kafka["spec"]["volumeClaimTemplates"] = [{"spec": claim}]
    asked = demand([{**kafka, "kind": "StatefulSet"}])
    fast = "fast.storageclass.storage.k8s.io/requests.storage"
    assert texts(quota("q", {fast: "10Gi", "persistentvolumeclaims": "2"}), asked=asked) == []
    assert texts(quota("q", {fast: "9Gi"}), asked=asked) != []
    assert texts(quota("q", {fast.replace("fast", "slow"): "0"}), asked=asked) == []


@pytest.mark.parametrize(
    ("scope", "counts"),
    [
        ({"scopes": ["NotTerminating"]}, True),
        ({"scopes": ["Terminating"]}, False),
        ({"scopes": ["BestEffort"]}, False),
        ({"scopes": ["NotBestEffort"]}, True),
        ({"scopes": ["NotTerminating", "BestEffort"]}, False),
        (
            {"scopeSelector": {"matchExpressions": [{"scopeName": "PriorityClass", "operator": "Exists"}]}},
            False,
        ),
        (
            {
                "scopeSelector": {
                    "matchExpressions": [
                        {"scopeName": "PriorityClass", "operator": "NotIn", "values": ["high"]}
                    ]
                }
            },
            True,
        ),
    ],
)
def test_quota_counts_the_pods_in_its_scope(scope: Mapping[str, Any], counts: bool) -> None:
    assert bool(texts(quota("q", {"pods": "0"}, **scope))) is counts


def test_quota_on_cpu_limits_demands_them() -> None:
    bound = quota("q", {"limits.cpu": "3"})
    [refusal] = refusals([bound], [], PLAIN, NOTHING)
    assert refusal.cpu_limit
    assert refusal.text == "quota q counts limits.cpu, of which container etl of etl names none"
    assert refusals([bound], [], LIMITED, NOTHING) == []
    [short] = refusals([quota("q", {"limits.cpu": "2"})], [], LIMITED, NOTHING)
    assert not short.cpu_limit


def test_default_of_a_limit_range_satisfies_a_quota() -> None:
    default = limit_range("r", default={"cpu": "500m"})
    assert texts(quota("q", {"limits.cpu": "1500m"}), default) == []
    assert texts(quota("q", {"limits.cpu": "1400m"}), default) != []


@pytest.mark.parametrize(
    ("rule", "refused", "cpu_limit"),
    [
        ({"max": {"memory": "256Mi"}}, "", False),
        ({"max": {"memory": "255Mi"}}, "memory limit 256 MiB, at most 255 MiB allowed", False),
        ({"min": {"memory": "256Mi"}}, "", False),
        ({"min": {"cpu": "201m"}}, "cpu request 0.2 cores, at least 0.201 cores demanded", False),
        ({"max": {"cpu": "2"}}, "has no cpu limit, and must have one of at most 2 cores", True),
        ({"maxLimitRequestRatio": {"memory": "1"}}, "", False),
        (
            {"maxLimitRequestRatio": {"cpu": "4"}},
            "has no cpu limit, which its ratio to the request demands",
            True,
        ),
    ],
)
@pytest.mark.parametrize("kind", ["Container", "Pod"])
def test_limit_range_bounds(kind: str, rule: Mapping[str, Any], refused: str, cpu_limit: bool) -> None:
    found = refusals([], [limit_range("r", kind, **rule)], PLAIN, NOTHING)
    who = "container etl of etl" if kind == "Container" else "pods of etl"
    assert [item.text for item in found] == ([f"LimitRange r: {who}: {refused}"] if refused else [])
    assert [item.cpu_limit for item in found] == ([cpu_limit] if refused else [])


def test_limit_range_ratio() -> None:
    assert texts(limit_range("r", maxLimitRequestRatio={"cpu": "5"}), asked=LIMITED) == []
    assert texts(limit_range("r", maxLimitRequestRatio={"cpu": "4"}), asked=LIMITED) == [
        "LimitRange r: container etl of etl: cpu limit 1 cores is more than 4 times its request 0.2 cores"
    ]


def test_default_below_the_request_is_invalid_unless_we_name_a_limit() -> None:
    bound = limit_range("r", default={"cpu": "100m"})
    [refusal] = refusals([], [bound], PLAIN, NOTHING)
    assert refusal.cpu_limit
    assert refusal.text.endswith("cpu request 0.2 cores is above the limit 0.1 cores")
    assert refusals([], [bound], LIMITED, NOTHING) == []


def test_init_containers_are_bound_too() -> None:
    asked = demand([deployment("etl", container("etl"), init=[container("bundle", "100m", "1Gi")])])
    [text] = texts(limit_range("r", max={"memory": "512Mi"}), asked=asked)
    assert "container bundle of etl" in text
