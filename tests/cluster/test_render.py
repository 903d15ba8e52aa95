"""`render -o DIR` and kubectl give the stack that our own deploy gives: one goes on where the other has begun."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from kapture_tui.targets.kubernetes.api import Api
from kapture_tui.targets.kubernetes.destroy import find
from kapture_tui.targets.kubernetes.kinds import CONFIG_MAP, KINDS, OURS, name_of

pytestmark = [
    pytest.mark.skipif(not shutil.which("kubectl"), reason="kubectl is not installed"),
    pytest.mark.slow,
    pytest.mark.timeout(400),
]

STACK = ("1", "-r", "-c", "200", "--rate", "50")


def kapture(*words: str) -> subprocess.CompletedProcess[str]:
    env = {key: value for key, value in os.environ.items() if key != "KAFKA_HOME"}
    words = (sys.executable, "-m", "kapture_tui", *words)
    done = subprocess.run(words, capture_output=True, text=True, timeout=300, env=env)
    assert done.returncode == 0, done.stderr
    return done


def apply(folder: Path) -> None:
    words = ("kubectl", "apply", "--server-side", "-k", str(folder))
    done = subprocess.run(words, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


async def wishes(api: Api, namespace: str) -> dict[str, Any]:
    """What the objects of the stack ask for, without what the server keeps about them."""
    found = {}
    for kind in KINDS:
        if kind.name == "PodMonitor":
            continue
        listed = await api.request("GET", kind.collection(namespace), query={"labelSelector": OURS})
        for item in listed["items"]:
            metadata = item["metadata"]
            found[f"{kind.name}/{name_of(item)}"] = {
                "labels": metadata.get("labels"),
                "generation": metadata.get("generation"),
                **{key: item.get(key) for key in ("spec", "data", "binaryData", "immutable", "type")},
            }
    return found


async def test_what_kubectl_applied_is_what_we_would_apply(api: Api, namespace: str, tmp_path: Path) -> None:
    folder = tmp_path / "stack"
    kapture("render", namespace, *STACK, "-o", str(folder))
    apply(folder)
    by_kubectl = await wishes(api, namespace)
    done = kapture("up", namespace, *STACK, "--target", "kubernetes", "--yes", "--json")
    assert json.loads(done.stdout.splitlines()[-1])["run"]["phase"] == "flowing"
    by_us = await wishes(api, namespace)
    assert by_us.keys() == by_kubectl.keys()
    different = [name for name, wish in by_us.items() if wish != by_kubectl[name]]
    assert different == []
    assert {f"{CONFIG_MAP.name}/kapture-run", "Deployment/data-loader"} <= by_us.keys()
    kapture("down", namespace, "--target", "kubernetes", "--yes")
    assert await find(api, namespace) == []
