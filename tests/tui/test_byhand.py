"""Command lines that do what the console did."""

from __future__ import annotations

import shlex

import pytest

from kapture_tui.model.spec import Component
from kapture_tui.tui.byhand import ByHand

CLUSTER = ByHand("perf-test", "kubernetes", "gke lab")
HERE = ByHand("perf-test", "local")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (CLUSTER.scale(Component.LOADER, 3), ["scale", "deployment/data-loader", "--replicas=3"]),
        (CLUSTER.kill("etl-0"), ["delete", "pod", "etl-0", "--grace-period=0", "--force"]),
        (CLUSTER.logs("etl-0", one=True), ["logs", "etl-0", "--follow", "--tail=200"]),
        (CLUSTER.describe("etl-0"), ["describe", "pod", "etl-0"]),
    ],
)
def test_on_a_cluster_it_is_kubectl_with_context_and_namespace(line: str, words: list[str]) -> None:
    assert shlex.split(line) == ["kubectl", "--context", "gke lab", "--namespace", "perf-test", *words]


def test_a_components_log_is_that_of_all_its_pods() -> None:
    assert "--selector app.kubernetes.io/component=etl --prefix" in CLUSTER.logs("etl", one=False)


def test_without_a_context_kubectl_takes_its_own() -> None:
    assert ByHand("a", "kubernetes").describe("x") == "kubectl --namespace a describe pod x"


def test_on_this_machine_it_is_our_own_command_or_nothing() -> None:
    assert HERE.scale(Component.LOADER, 3) == "kapture-tui scale perf-test data-loader=3"
    assert HERE.kill("etl-0") == HERE.logs("etl", one=False) == HERE.describe("etl-0") == ""
