"""The API client against a real server, and against one that goes away."""

from __future__ import annotations

import asyncio
import socket
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from kapture_tui.model.errors import NotAllowed, Unreachable
from kapture_tui.targets.base import Connection
from kapture_tui.targets.kubernetes.api import Api, ApiError, Forbidden
from kapture_tui.targets.kubernetes.connection import KEEPALIVE
from tests.cluster.conftest import bound_user
from tests.cluster.cut import CutProxy
from tests.cluster.reach import write_kubeconfig

MAPS = "/api/v1/namespaces/{}/configmaps"
READ_MAPS = [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "list"]}]


async def test_objects_are_applied_changed_and_removed(api: Api, namespace: str) -> None:
    path = MAPS.format(namespace) + "/one"
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "one"}, "data": {"a": "ä \x7f 1"}}
    query = {"fieldManager": "kapture-tui", "force": "false"}
    applied = await api.request(
        "PATCH", path, query=query, body=body, content_type="application/apply-patch+yaml"
    )
    assert applied["data"] == body["data"]
    assert applied["metadata"]["managedFields"][0]["manager"] == "kapture-tui"
    assert (await api.request("GET", path))["data"] == body["data"]
    assert (await api.request("DELETE", path))["status"] == "Success"
    with pytest.raises(ApiError) as caught:
        await api.request("GET", path)
    assert (caught.value.status, caught.value.reason) == (404, "NotFound")
    assert str(caught.value).startswith(f"reading configmaps/one in {namespace}: 404 NotFound")


async def test_a_selector_reaches_the_server_as_it_is(api: Api, namespace: str) -> None:
    for name in ("a", "b"):
        labels = {"app.kubernetes.io/name": name}
        await api.request("POST", MAPS.format(namespace), body={"metadata": {"name": name, "labels": labels}})
    found = await api.request(
        "GET", MAPS.format(namespace), query={"labelSelector": "app.kubernetes.io/name in (a,c)"}
    )
    assert [item["metadata"]["name"] for item in found["items"]] == ["a"]


async def test_a_missing_right_is_named(api: Api, namespace: str, tmp_path: Path) -> None:
    theirs = await Api.open(Connection(str(await bound_user(api, namespace, tmp_path / "few", READ_MAPS))))
    try:
        assert (theirs.namespace, theirs.context) == (namespace, "tested")
        assert (await theirs.request("GET", MAPS.format(namespace)))["kind"] == "ConfigMapList"
        with pytest.raises(Forbidden) as caught:
            await theirs.request("GET", f"/apis/apps/v1/namespaces/{namespace}/deployments")
        error = caught.value
        assert (error.verb, error.resource, error.group, error.namespace) == (
            "list",
            "deployments",
            "apps",
            namespace,
        )
        with pytest.raises(Forbidden) as caught:
            await theirs.namespaces()
        assert (caught.value.verb, caught.value.resource, caught.value.namespace) == (
            "list",
            "namespaces",
            "",
        )
    finally:
        await theirs.close()


async def claim_until_refused(api: Api, namespace: str, claim: dict[str, Any]) -> None:
    """Admission hears of a new limit a moment later."""
    for _ in range(40):
        path = f"/api/v1/namespaces/{namespace}/persistentvolumeclaims"
        await api.request("POST", path, query={"dryRun": "All"}, body=claim)
        await asyncio.sleep(0.25)


async def test_what_admission_refuses_is_no_missing_right(api: Api, namespace: str) -> None:
    pod = {"metadata": {"name": "root"}, "spec": {"containers": [{"name": "c", "image": "busybox"}]}}
    with pytest.raises(ApiError, match="violates PodSecurity") as caught:
        await api.request("POST", f"/api/v1/namespaces/{namespace}/pods", body=pod)
    assert caught.value.status == 403
    limit = {"type": "PersistentVolumeClaim", "max": {"storage": "1Mi"}}
    await api.request(
        "POST",
        f"/api/v1/namespaces/{namespace}/limitranges",
        body={"metadata": {"name": "small"}, "spec": {"limits": [limit]}},
    )
    claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    with pytest.raises(ApiError, match="maximum storage usage") as caught:
        await claim_until_refused(api, namespace, {"metadata": {"name": "large"}, "spec": claim})
    assert caught.value.status == 403


async def test_a_token_the_server_does_not_know(tmp_path: Path) -> None:
    path = write_kubeconfig(tmp_path / "config", user={"token": "s3cret-s3cret"})
    with pytest.raises(NotAllowed, match="expired credentials") as caught:
        await Api.open(Connection(str(path)))
    assert "put a new token into the kubeconfig" in str(caught.value)
    assert "s3cret" not in str(caught.value)


async def test_an_untrusted_server(tmp_path: Path) -> None:
    path = write_kubeconfig(tmp_path / "config")
    text = path.read_text(encoding="utf-8")
    kept = [line for line in text.splitlines() if "certificate-authority-data" not in line]
    path.write_text("\n".join(kept), encoding="utf-8")
    with pytest.raises(
        Unreachable, match=r"its certificate is not accepted: .*certificate-authority is not this"
    ):
        await Api.open(Connection(str(path)))


async def test_connections_keep_an_eye_on_their_peer(api: Api) -> None:
    async with api.stream("/api/v1/namespaces", {"watch": "1", "timeoutSeconds": "1"}, 10.0):
        (connection,) = _connections(api)
        assert connection.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
        for name, value in KEEPALIVE:
            if hasattr(socket, name):
                assert connection.getsockopt(socket.IPPROTO_TCP, getattr(socket, name)) == value


def _connections(api: Api) -> list[socket.socket]:
    (session,) = api._sessions
    assert session.connector is not None
    return [held.transport.get_extra_info("socket") for held in session.connector._acquired]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("way", "said"),
    [
        ("refuse", "connection refused"),
        ("reset", "reset|closed the connection"),
        ("hang", "no answer within"),
    ],
)
async def test_a_server_that_goes_away_and_comes_back(proxy: CutProxy, way: str, said: str) -> None:
    api = await Api.open(Connection(str(proxy.kubeconfig)))
    try:
        assert api.reachable.is_set()
        proxy.cut(way)  # type: ignore[arg-type]
        with pytest.raises(Unreachable, match=said):
            await api.request("GET", "/version", timeout_s=1)
        assert not api.reachable.is_set()
        proxy.mend()
        assert "gitVersion" in await api.request("GET", "/version")
        assert api.reachable.is_set()
    finally:
        await api.close()


@pytest.mark.parametrize("way", ["refuse", "reset", "hang"])
async def test_a_stream_ends_with_its_connection(proxy: CutProxy, way: str) -> None:
    api = await Api.open(Connection(str(proxy.kubeconfig)))
    try:
        async with aclosing(api.lines("/api/v1/namespaces", {"watch": "1"}, 0.5)) as lines:
            assert await anext(lines)
            proxy.cut(way)  # type: ignore[arg-type]
            with pytest.raises(Unreachable):
                async for _ in lines:
                    pass
    finally:
        await api.close()


async def test_leaving_a_stream_closes_its_connection(proxy: CutProxy) -> None:
    api = await Api.open(Connection(str(proxy.kubeconfig)))
    async with api.stream("/api/v1/namespaces", {"watch": "1"}) as lines:
        await anext(lines)
    await api.close()
    await asyncio.to_thread(proxy.wait_unused)
