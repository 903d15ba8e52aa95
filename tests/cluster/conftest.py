"""A cluster to test with: ways to it, a namespace that goes again, a user with few rights."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from kapture_tui.resources import manifests_dir
from kapture_tui.targets.base import Connection
from kapture_tui.targets.kubernetes.api import Api
from kapture_tui.targets.kubernetes.kubeconfig import load
from tests.cluster.cut import CutProxy
from tests.cluster.reach import write_kubeconfig


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    """Who KUBECONFIG says we are."""
    opened = await Api.open(Connection())
    yield opened
    await opened.close()


@pytest.fixture
async def namespace() -> AsyncIterator[str]:
    """The name of a new namespace that enforces restricted Pod Security; removed afterwards."""
    name = f"kapture-test-{secrets.token_hex(3)}"
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    opened = await Api.open(Connection())
    try:
        await opened.request(
            "POST", "/api/v1/namespaces", body={"metadata": {"name": name, "labels": labels}}
        )
        try:
            yield name
        finally:
            await opened.request("DELETE", f"/api/v1/namespaces/{name}")
    finally:
        await opened.close()


@pytest.fixture
def proxy(tmp_path: Path) -> Iterator[CutProxy]:
    """Stands between `proxy.kubeconfig` and the API server, and can be cut and mended."""
    access = load(Connection())
    url = urlsplit(access.server)
    made = CutProxy(url.hostname or "", url.port or (443 if url.scheme == "https" else 80))
    server = f"{url.scheme}://127.0.0.1:{made.port}{url.path}"
    made.kubeconfig = write_kubeconfig(tmp_path / "proxied", server=server)
    yield made
    made.close()


@pytest.fixture
async def user(api: Api, namespace: str, tmp_path: Path) -> Path:
    """A kubeconfig with exactly the rights of manifests/rbac in `namespace`, which is its context's."""
    role = yaml.safe_load((manifests_dir() / "rbac" / "role.yaml").read_text(encoding="utf-8"))
    return await bound_user(api, namespace, tmp_path / "user", role["rules"])


async def bound_user(api: Api, namespace: str, path: Path, rules: list[dict[str, Any]]) -> Path:
    """A kubeconfig at `path` for a new ServiceAccount that may do in `namespace` what the rules say, and no more."""
    name = f"tester-{secrets.token_hex(3)}"
    roles = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}"
    accounts = f"/api/v1/namespaces/{namespace}/serviceaccounts"
    named = {"metadata": {"name": name}}
    binding = {
        **named,
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name},
        "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": namespace}],
    }
    await api.request("POST", accounts, body=named)
    await api.request("POST", f"{roles}/roles", body={**named, "rules": rules})
    await api.request("POST", f"{roles}/rolebindings", body=binding)
    token = await api.request("POST", f"{accounts}/{name}/token", body={"spec": {"expirationSeconds": 3600}})
    write_kubeconfig(path, user={"token": token["status"]["token"]}, namespace=namespace)
    await _in_force(path, namespace, rules)
    return path


async def _in_force(path: Path, namespace: str, rules: list[dict[str, Any]]) -> None:
    """The authorizer reads roles from a cache: wait until it knows the last rule."""
    if not rules:
        return
    resource, _, below = rules[-1]["resources"][-1].partition("/")
    asked = {
        "namespace": namespace,
        "verb": rules[-1]["verbs"][-1],
        "group": rules[-1]["apiGroups"][-1],
        "resource": resource,
        "subresource": below,
    }
    review = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
    theirs = await Api.open(Connection(str(path)))
    try:
        async with asyncio.timeout(30):
            while True:
                answer = await theirs.request("POST", review, body={"spec": {"resourceAttributes": asked}})
                if answer["status"]["allowed"]:
                    return
                await asyncio.sleep(0.05)
    finally:
        await theirs.close()
