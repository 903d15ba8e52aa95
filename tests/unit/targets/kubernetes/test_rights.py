from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from kapture_tui import resources
from kapture_tui.model.spec import ClusterSpec, Component, StackSpec
from kapture_tui.targets.base import ACTIONS
from kapture_tui.targets.kubernetes.rights import (
    CLAIMS,
    COST,
    POD_MONITORS,
    RIGHTS,
    Right,
    denied_by,
    everything,
    grant,
    needed,
)


def granted() -> Iterator[Right]:
    """The rights in manifests/rbac/role.yaml."""
    role = yaml.safe_load((resources.manifests_dir() / "rbac/role.yaml").read_text())
    for rule in role["rules"]:
        for group in rule["apiGroups"]:
            for resource in rule["resources"]:
                name, _, subresource = resource.partition("/")
                yield from (Right(verb, group, name, subresource) for verb in rule["verbs"])


def test_role_grants_what_is_used_and_nothing_else() -> None:
    rights = list(granted())
    assert set(rights) == set(everything())
    assert len(rights) == len(set(rights))


def test_every_action_needs_something() -> None:
    assert all(RIGHTS[action] for action in ACTIONS)


def test_options_need_more() -> None:
    plain = set(needed(StackSpec("pets"), pod_monitor=True))
    assert not plain & {*POD_MONITORS, *CLAIMS}
    monitored = StackSpec("pets", components=frozenset({Component.PROMETHEUS}))
    assert set(needed(monitored, pod_monitor=True)) - plain == set(POD_MONITORS)
    assert set(needed(monitored, pod_monitor=False)) == plain
    persistent = StackSpec("pets", cluster=ClusterSpec(storage="persistent"))
    assert set(needed(persistent, pod_monitor=False)) - plain == set(CLAIMS)


def test_what_can_be_done_without_is_used_at_all() -> None:
    assert set(COST) <= set(everything())


def test_denied_actions_name_the_first_right_that_is_missing() -> None:
    scale = Right("patch", "apps", "deployments", "scale")
    assert denied_by([scale], "pets") == dict.fromkeys(["deploy", "scale"], "patch deployments/scale in pets")
    denied = denied_by([Right("delete", "", "pods")], "pets")
    assert denied == {"kill": "delete pods in pets", "destroy": "delete pods in pets"}
    assert denied_by([], "pets") == {}
    assert set(denied_by(everything(), "pets")) == set(ACTIONS)


def test_rights_read_as_kubectl_names_them() -> None:
    assert str(Right("list", "metrics.k8s.io", "pods")) == "list pods.metrics.k8s.io"
    assert str(Right("get", "", "pods", "log")) == "get pods/log"
    assert str(Right("create", "policy", "poddisruptionbudgets")) == "create poddisruptionbudgets"


def test_the_role_is_named_where_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = resources.manifests_dir() / "rbac"
    monkeypatch.chdir(folder.parents[1])
    assert grant("pets") == "kubectl apply -n pets -k manifests/rbac"
    monkeypatch.chdir(tmp_path)
    assert grant("pets") == f"kubectl apply -n pets -k {folder}"
