"""The bundle and nothing else makes python:3.13-slim run every workload process, in the strictest pod there is."""

from __future__ import annotations

import base64
import json
import secrets
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from kapture_tui.model.ledger import LoaderState
from kapture_tui.model.snapshot import ObserverReport
from kapture_tui.model.wire import from_wire
from kapture_tui.resources import manifests_dir
from kapture_tui.stack.bundle import CONFIG_MAP, Bundle, bundle, facts, volume_sources
from kapture_tui.targets.local.kafka import cluster_id, kraft, properties

pytestmark = [
    pytest.mark.skipif(not shutil.which("kubectl"), reason="kubectl is not installed"),
    pytest.mark.thorough,
]

PATIENCE_S = 120.0
"""Only a test that fails waits for so long."""

STRICT = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
}
PROCESSES = {
    "topics": "topics",
    "data-loader": "loader",
    "etl": "etl",
    "etl-redis": "sink redis",
    "observer": "observer",
}
ABSENT = ["psutil", "yaml", "textual", "kubernetes", "platformdirs", "kapture_tui.stack", "kapture_tui.tui"]


def kubectl(*words: str, given: Any = None) -> str:
    done = subprocess.run(
        ["kubectl", *words],
        input=None if given is None else json.dumps(given),
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
    )
    assert done.returncode == 0, f"kubectl {' '.join(words)}: {done.stderr}"
    return done.stdout


@pytest.fixture
def namespace() -> Iterator[str]:
    name = f"kapture-test-{secrets.token_hex(3)}"
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    metadata = {"name": name, "labels": labels}
    kubectl("create", "-f", "-", given={"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
    yield name
    kubectl("delete", "namespace", name, "--wait=false")


@pytest.fixture(params=["all wheels", "pure Python"])
def packed(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Bundle:
    architecture = kubectl("get", "nodes", "-o", "jsonpath={.items[0].status.nodeInfo.architecture}")
    if request.param == "all wheels":
        found = bundle(architecture)
        if found.slow:
            pytest.skip(found.slow)
        return found
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    return bundle(architecture, tmp_path)


def config_map(name: str, **content: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}} | content


def carried(packed: Bundle) -> list[dict[str, Any]]:
    script = {"unpack.py": (manifests_dir() / "base/unpack.py").read_text()}
    chunks = {name: base64.b64encode(chunk).decode() for name, chunk in packed.config_maps.items()}
    return [
        config_map(CONFIG_MAP, data=script | facts([packed])),
        *(config_map(name, immutable=True, binaryData={"chunk": chunk}) for name, chunk in chunks.items()),
    ]


def python(name: str, *command: str, mounts: Mapping[str, str], **env: str) -> dict[str, Any]:
    return {
        "name": name,
        "image": "python:3.13-slim",
        "command": ["python", *command],
        "env": [{"name": key, "value": value} for key, value in env.items()],
        "securityContext": STRICT,
        "volumeMounts": [{"name": volume, "mountPath": path} for volume, path in mounts.items()],
    }


def process(name: str) -> dict[str, Any]:
    probe = {"httpGet": {"path": "/healthz", "port": 8080}, "periodSeconds": 1}
    ready = {"readinessProbe": probe} if name == "observer" else {}
    return ready | python(
        name,
        *("-P", "-m", "kapture_tui.workload", *PROCESSES[name].split()),
        mounts={"code": "/code", "run": "/run/kapture"},
        PYTHONPATH="/code",
        PYTHONUNBUFFERED="1",
        KAPTURE_NAME=name,
        KAPTURE_RUN_ID="r1",
        KAPTURE_BOOTSTRAP="127.0.0.1:9092",
        KAPTURE_GROUPS="etl,etl-redis",
        KAPTURE_CUSTOMERS="200",
        KAPTURE_RATE="50",
        KAPTURE_REDIS_URL="redis://127.0.0.1:6379",
        KAPTURE_READY_FILE=f"/run/kapture/{name}",
        KAPTURE_PORT="8080",
        KAPTURE_HOST="0.0.0.0",
    )


def kafka() -> dict[str, Any]:
    """Not before a file says so: the others must wait for it."""
    start = f"""
        until [ -f /data/go ]; do sleep 0.2; done
        cat >/data/server.properties <<'END'
{properties(9092, kraft(9092, 9093), Path("/data/log"))}
END
        export LOG_DIR=/data KAFKA_HEAP_OPTS=-Xmx512m
        /opt/kafka/bin/kafka-storage.sh format --cluster-id {cluster_id()} --config /data/server.properties
        exec /opt/kafka/bin/kafka-server-start.sh /data/server.properties
    """
    return {
        "name": "kafka",
        "image": "apache/kafka:4.1.1",
        "command": ["bash", "-c", start],
        "securityContext": STRICT | {"runAsUser": 1000, "readOnlyRootFilesystem": False},
        "volumeMounts": [{"name": "data", "mountPath": "/data"}],
    }


def redis() -> dict[str, Any]:
    return {
        "name": "redis",
        "image": "redis:8",
        "args": ["redis-server", "--save", ""],
        "securityContext": STRICT | {"runAsUser": 999},
    }


def pod(packed: Bundle) -> dict[str, Any]:
    unpack = ("/bundle/unpack.py", "/bundle", "/code")
    sources = volume_sources([packed])
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "all"},
        "spec": {
            "restartPolicy": "Never",
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "terminationGracePeriodSeconds": 5,
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": 65532,
                "runAsGroup": 65532,
                "fsGroup": 65532,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "initContainers": [python("bundle", *unpack, mounts={"bundle": "/bundle", "code": "/code"})],
            "containers": [*map(process, PROCESSES), kafka(), redis()],
            "volumes": [
                {"name": "bundle", "projected": {"sources": sources}},
                *({"name": name, "emptyDir": {}} for name in ("code", "run", "data")),
            ],
        },
    }


class Pod:
    """The pod `all` of a namespace."""

    def __init__(self, namespace: str) -> None:
        self._namespace = namespace
        self._proxy = f"/api/v1/namespaces/{namespace}/pods/all:8080/proxy"

    def run(self, *command: str, container: str = "observer") -> str:
        return kubectl("exec", "-n", self._namespace, "all", "-c", container, "--", *command)

    def logs(self, container: str) -> str:
        return kubectl("logs", "-n", self._namespace, "all", "-c", container)

    def order(self, **order: Any) -> None:
        kubectl("create", "--raw", f"{self._proxy}/control", "-f", "-", given=order)

    def report(self) -> ObserverReport:
        return from_wire(ObserverReport, json.loads(kubectl("get", "--raw", f"{self._proxy}/report")))

    def until(self, wanted: Callable[[ObserverReport], bool], what: str) -> ObserverReport:
        """The first report that is as wanted."""
        end = time.monotonic() + PATIENCE_S
        while not wanted(report := self.report()):
            assert time.monotonic() < end, f"not within {PATIENCE_S:.0f} s: {what}; last: {report}"
            time.sleep(0.5)
        return report


@pytest.fixture
def started(namespace: str, packed: Bundle) -> Pod:
    everything = {"apiVersion": "v1", "kind": "List", "items": [*carried(packed), pod(packed)]}
    kubectl("apply", "--server-side", "-n", namespace, "-f", "-", given=everything)
    ready = "jsonpath={.status.containerStatuses[?(@.name=='observer')].ready}=true"
    kubectl("wait", "-n", namespace, "pod/all", "--for", ready, f"--timeout={PATIENCE_S:.0f}s")
    return Pod(namespace)


def delivered(report: ObserverReport) -> int:
    groups = report.ledger.groups if report.ledger else {}
    return min((row.delivered for row in groups.values()), default=0)


def test_everything_runs_from_it_and_waits_for_kafka(started: Pod) -> None:
    code = f"""
import importlib.util, os
print([name for name in {ABSENT} if importlib.util.find_spec(name.split('.')[0]) and importlib.util.find_spec(name)])
print(os.getuid(), os.access('/', os.W_OK), os.access('/code', os.W_OK))
"""
    assert started.run("python", "-c", code).splitlines()[0] == "[]"
    waiting = started.until(
        lambda r: "kafka" in r.unavailable and "127.0.0.1:9092" in r.unavailable["kafka"], "a reason"
    )
    assert "Connection refused" in waiting.unavailable["kafka"]
    started.run("touch", "/data/go", container="kafka")

    started.until(lambda r: delivered(r) > 100, "transactions in every group")
    for name in ("topics", "data-loader", "etl", "etl-redis"):
        assert "waiting for" in started.logs(name)

    started.order(rate=20.0, paused=False)
    started.until(lambda r: [row.rate for row in r.loaders] == [20.0], "the new rate")
    started.run("python", "-c", "import os, signal; os.kill(1, signal.SIGTERM)", container="data-loader")
    last = started.until(lambda r: r.drained, "everything read")
    assert [row.state for row in last.loaders] == [LoaderState.DONE.value]
    assert last.ledger is not None
    for row in last.ledger.groups.values():
        assert (row.delivered, row.lost, row.duplicated, row.unexpected) == (last.ledger.acked, 0, 0, 0)
