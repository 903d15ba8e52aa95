"""Whether there is a cluster to test with, and kubeconfigs of our own that lead to it."""

from __future__ import annotations

import asyncio
import base64
import functools
import os
from pathlib import Path
from typing import Any

import yaml

from kapture_tui.model.errors import KaptureError
from kapture_tui.targets.base import Connection
from kapture_tui.targets.kubernetes.kubeconfig import Entry, load


@functools.cache
def cluster_missing() -> str:
    """Why no cluster can be used; "" if one can."""
    if not os.environ.get("KUBECONFIG"):
        return "KUBECONFIG names no cluster"
    try:
        asyncio.run(_ask())
    except KaptureError as error:
        return str(error)
    return ""


async def _ask() -> None:
    # Late: every run of any test asks whether there is a cluster.
    from kapture_tui.targets.kubernetes.api import Api

    api = await Api.open(Connection())
    await api.close()


def write_kubeconfig(
    path: Path, *, server: str | None = None, user: dict[str, Any] | None = None, namespace: str = ""
) -> Path:
    """A kubeconfig with one context "tested": the cluster of KUBECONFIG, with what is given replaced.

    Args:
        server: another address of the same server; its certificate is still checked for the first one's name.
    """
    access = load(Connection())
    cluster = _inlined(access.cluster, "certificate-authority")
    if server:
        host = access.server.split("://")[1].rpartition(":")[0] or access.server.split("://")[1]
        cluster = {"tls-server-name": host.strip("[]"), **cluster, "server": server}
    found = user or _inlined(access.user, "client-certificate", "client-key")
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "tested",
        "contexts": [
            {"name": "tested", "context": {"cluster": "c", "user": "u", "namespace": namespace or "default"}}
        ],
        "clusters": [{"name": "c", "cluster": cluster}],
        "users": [{"name": "u", "user": found}],
    }
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    path.chmod(0o600)
    return path


def _inlined(entry: Entry, *keys: str) -> dict[str, Any]:
    """The entry with the content of files instead of their paths, so that it can stand anywhere."""
    values = dict(entry.values)
    for key in keys:
        if content := entry.content(key):
            values[f"{key}-data"] = base64.b64encode(content).decode()
        values.pop(key, None)
    if entry.text("tokenFile"):
        values["tokenFile"] = str(entry.folder / entry.text("tokenFile"))
    return values
