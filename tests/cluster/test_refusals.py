"""What cannot be deployed, from the command line: one message with its remedy, and nothing half-made."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from kapture_tui.targets.kubernetes.api import Api
from kapture_tui.targets.kubernetes.destroy import find
from tests.cluster.reach import write_kubeconfig

pytestmark = pytest.mark.slow


def up(*words: str, **env: str) -> subprocess.CompletedProcess[str]:
    """`up` with these words."""
    surroundings = {key: value for key, value in os.environ.items() if key != "KAFKA_HOME"} | env
    line = [sys.executable, "-m", "kapture_tui", "up", *words, "--yes"]
    return subprocess.run(line, capture_output=True, text=True, timeout=100, env=surroundings)


def message(done: subprocess.CompletedProcess[str]) -> str:
    """The last line, which must be the message; nothing of Python may be seen."""
    assert "Traceback" not in done.stderr
    last = done.stderr.splitlines()[-1]
    assert last.startswith("kapture-tui: ")
    assert last.endswith(")"), "a remedy in brackets"
    return last


async def quota(api: Api, namespace: str, hard: dict[str, str]) -> None:
    body = {"metadata": {"name": "small"}, "spec": {"hard": hard}}
    await api.request("POST", f"/api/v1/namespaces/{namespace}/resourcequotas", body=body)
    # The quota controller fills the status in a moment later, and what is free is read from there.
    path = f"/api/v1/namespaces/{namespace}/resourcequotas/small"
    while not (await api.request("GET", path)).get("status", {}).get("hard"):
        pass


async def limit_range(api: Api, namespace: str, limit: dict[str, Any]) -> None:
    body = {"metadata": {"name": "narrow"}, "spec": {"limits": [{"type": "Container", **limit}]}}
    await api.request("POST", f"/api/v1/namespaces/{namespace}/limitranges", body=body)


def test_no_kubeconfig(tmp_path: Path) -> None:
    done = up("pets", "1", "--target", "kubernetes", KUBECONFIG=str(tmp_path / "none"))
    assert done.returncode == 2
    assert "--kubeconfig" in message(done)


def test_an_unknown_context() -> None:
    done = up("pets", "1", "--context", "mars")
    assert done.returncode == 2
    assert "mars" in message(done)


def test_a_server_that_is_not_there(tmp_path: Path) -> None:
    path = write_kubeconfig(tmp_path / "config", server="https://127.0.0.1:9")
    done = up("pets", "1", "--kubeconfig", str(path))
    assert done.returncode == 3
    assert "127.0.0.1:9" in message(done)


@pytest.mark.parametrize("name", ["default", "kube-system"])
def test_namespaces_of_the_cluster_are_refused(name: str) -> None:
    done = up(name, "1", "--target", "kubernetes")
    assert done.returncode == 2
    assert name in message(done)


async def test_a_quota_that_is_too_small(api: Api, namespace: str) -> None:
    await quota(api, namespace, {"pods": "3"})
    done = up(namespace, "1", "--target", "kubernetes")
    assert done.returncode == 2
    assert "quota" in message(done)
    assert "small" in message(done)
    assert await find(api, namespace) == []


async def test_a_limit_range_that_is_too_narrow(api: Api, namespace: str) -> None:
    await limit_range(api, namespace, {"max": {"memory": "64Mi"}})
    done = up(namespace, "1", "--target", "kubernetes")
    assert done.returncode == 2
    assert "limit range" in message(done).lower()
    assert await find(api, namespace) == []


async def test_a_stack_that_is_larger_than_the_nodes(api: Api, namespace: str) -> None:
    done = up(namespace, "100", "--target", "kubernetes")
    assert done.returncode == 2
    assert "cores" in message(done)
    assert await find(api, namespace) == []


async def test_a_storage_class_that_is_not_there(api: Api, namespace: str) -> None:
    words = ("--storage", "persistent", "--storage-class", "no-such-class")
    done = up(namespace, "1", "--target", "kubernetes", *words)
    assert done.returncode == 2
    assert "no-such-class" in message(done)
    assert await find(api, namespace) == []


async def test_a_namespace_that_is_being_removed(api: Api, namespace: str) -> None:
    held = {"metadata": {"name": "held", "finalizers": ["kapture.run/test"]}}
    configs = f"/api/v1/namespaces/{namespace}/configmaps"
    await api.request("POST", configs, body=held)
    await api.request("DELETE", f"/api/v1/namespaces/{namespace}")
    try:
        done = up(namespace, "1", "--target", "kubernetes")
        assert done.returncode == 2
        assert "Terminating" in message(done) or "being removed" in message(done)
    finally:
        await api.request(
            "PATCH",
            f"{configs}/held",
            body={"metadata": {"finalizers": None}},
            content_type="application/merge-patch+json",
        )


async def test_a_user_who_may_nothing(api: Api, namespace: str, tmp_path: Path) -> None:
    from tests.cluster.conftest import bound_user

    path = await bound_user(api, namespace, tmp_path / "nobody", [])
    done = up(namespace, "1", "--kubeconfig", str(path))
    assert done.returncode == 3
    assert "may not" in message(done)
    assert await find(api, namespace) == []
