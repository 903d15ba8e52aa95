"""The Role of manifests/rbac on a real cluster: that it is enough, and what is said where a part of it is missing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from kapture_tui.model.spec import ClusterSpec, StackSpec
from kapture_tui.resources import manifests_dir
from kapture_tui.targets.base import Connection, Finding
from kapture_tui.targets.kubernetes.api import Api
from kapture_tui.targets.kubernetes.demand import Demand
from kapture_tui.targets.kubernetes.errors import Forbidden
from kapture_tui.targets.kubernetes.kinds import CONFIG_MAP
from kapture_tui.targets.kubernetes.preflight import Ground, look
from kapture_tui.targets.kubernetes.rights import (
    COST,
    SURROUNDINGS,
    Right,
    denied,
    everything,
    grant,
    missing,
    needed,
    who,
)
from kapture_tui.targets.kubernetes.together import together
from tests.cluster.conftest import bound_user

PERSISTENT = ClusterSpec(storage="persistent")
Rules = list[dict[str, Any]]


def role() -> Rules:
    """The rules of the Role in manifests/rbac."""
    rules: Rules = yaml.safe_load((manifests_dir() / "rbac/role.yaml").read_text())["rules"]
    return rules


def without(rules: Sequence[Mapping[str, Any]], rights: Iterable[Right]) -> Rules:
    """One rule for each right that they grant, but for some."""
    lost = set(rights)
    kept = []
    for rule in rules:
        for resource in rule["resources"]:
            name, _, below = resource.partition("/")
            [group] = rule["apiGroups"]
            verbs = [verb for verb in rule["verbs"] if Right(verb, group, name, below) not in lost]
            if verbs:
                kept.append({"apiGroups": [group], "resources": [resource], "verbs": verbs})
    return kept


@asynccontextmanager
async def lacking(api: Api, namespace: str, folder: Path, *rights: Right) -> AsyncIterator[Api]:
    """Somebody who has the Role in the namespace but for some rights, and nothing anywhere else."""
    path = folder / "-".join(str(right).replace("/", "-") for right in rights)
    theirs = await Api.open(Connection(str(await bound_user(api, namespace, path, without(role(), rights)))))
    try:
        yield theirs
    finally:
        await theirs.close()


async def looked(user: Api, namespace: str, cluster: ClusterSpec = PERSISTENT) -> Ground:
    return await look(user, StackSpec(namespace, cluster=cluster), lambda *_: Demand(()))


def troubles(found: Ground, subject: str) -> list[Finding]:
    return [finding for finding in found.findings if finding.subject == subject and not finding.ok]


async def test_role_is_enough_and_no_more(user: Path, namespace: str) -> None:
    theirs = await Api.open(Connection(str(user)))
    assert (await who(theirs)).startswith(f"system:serviceaccount:{namespace}:")
    assert await missing(theirs, namespace, everything()) == []
    assert await denied(theirs, namespace) == {}
    beyond = [
        Right("create", "", "pods"),
        Right("create", "", "pods", "exec"),
        Right("update", "apps", "deployments"),
        Right("patch", "apps", "statefulsets", "scale"),
        Right("deletecollection", "", "configmaps"),
        Right("patch", "rbac.authorization.k8s.io", "roles"),
    ]
    assert await missing(theirs, namespace, beyond) == beyond
    assert await missing(theirs, "default", everything()) == list(everything())
    assert await missing(theirs, "", everything()) == list(everything())
    await theirs.close()


async def test_user_of_one_namespace_is_told_what_is_hidden(user: Path, namespace: str) -> None:
    theirs = await Api.open(Connection(str(user)))
    found = await looked(theirs, namespace)
    bad = [finding for finding in found.findings if not finding.ok]
    assert {finding.subject for finding in bad} == {"nodes", "storage"}
    assert not any(finding.fatal for finding in bad)
    assert found.exists is True
    assert found.labels["pod-security.kubernetes.io/enforce"] == "restricted"
    assert found.missing == ()
    assert found.architectures
    await theirs.close()


async def test_each_missing_right_has_one_message(api: Api, namespace: str, tmp_path: Path) -> None:
    async def wrong(right: Right) -> str:
        async with lacking(api, namespace, tmp_path, right) as theirs:
            found = await looked(theirs, namespace)
        bad = [finding for finding in found.findings if not finding.ok]
        told = [finding for finding in bad if finding.subject == "rights"]
        as_it_should_be = (
            len(told) == 1
            and f" may not {right} in {namespace}" in told[0].text
            and told[0].remedy.endswith(grant(namespace))
            and told[0].forbidden
            and told[0].fatal is (right not in COST)
            and {finding.subject for finding in bad} <= {"rights", "nodes", "storage"}
        )
        return "" if as_it_should_be else f"{right}: {bad}"

    rights = needed(StackSpec("pets", cluster=PERSISTENT), pod_monitor=True)
    assert len(rights) > 40
    assert list(filter(None, await together(map(wrong, rights), 3))) == []


@pytest.mark.parametrize("right", SURROUNDINGS, ids=str)
async def test_each_missing_look_stops_nothing(
    api: Api, namespace: str, tmp_path: Path, right: Right
) -> None:
    subject = {"namespaces": "namespace", "resourcequotas": "quota", "limitranges": "limit range"}[
        right.resource
    ]
    async with lacking(api, namespace, tmp_path, right) as theirs:
        [finding] = troubles(await looked(theirs, namespace, ClusterSpec()), subject)
    assert finding.text.startswith("could not be looked at")
    assert not finding.fatal


async def test_rights_on_one_resource_are_one_message(api: Api, namespace: str, tmp_path: Path) -> None:
    secrets = [Right(verb, "", "secrets") for verb in ("get", "list", "create", "patch", "delete")]
    async with lacking(api, namespace, tmp_path, *secrets) as theirs:
        [finding] = troubles(await looked(theirs, namespace), "rights")
    assert finding.text.endswith(f"may not get, list, create, patch, delete secrets in {namespace}")


async def test_server_side_apply_wants_patch_and_create(api: Api, namespace: str, tmp_path: Path) -> None:
    manifest = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "applied"}}

    async def apply(by: Api) -> None:
        await by.request(
            "PATCH",
            CONFIG_MAP.path(namespace, "applied"),
            query={"fieldManager": "test"},
            body=manifest,
            content_type="application/apply-patch+yaml",
        )

    for verb in ("create", "patch"):
        async with lacking(api, namespace, tmp_path, Right(verb, "", "configmaps")) as theirs:
            with pytest.raises(Forbidden) as refused:
                await apply(theirs)
            assert refused.value.verb == verb
    async with lacking(api, namespace, tmp_path, Right("list", "", "pods")) as theirs:
        await apply(theirs)


async def test_namespace_that_is_not_there(user: Path, namespace: str) -> None:
    """Who has rights in another namespace only cannot even ask whether this one is there."""
    absent = f"{namespace}-absent"
    theirs = await Api.open(Connection(str(user)))
    found = await looked(theirs, absent, ClusterSpec())
    assert found.exists is None
    assert set(found.missing) == set(needed(StackSpec(absent), pod_monitor=False))
    assert any(finding.fatal for finding in troubles(found, "rights"))
    await theirs.close()
