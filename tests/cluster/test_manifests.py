"""The manifests on a real API server, and Kafka as they set it up."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from kapture_tui.model.spec import ClusterSpec, Component, StackSpec
from kapture_tui.resources import manifests_dir
from kapture_tui.stack.kustomize import Manifest
from kapture_tui.stack.render import RunFacts, render, write
from kapture_tui.targets.kubernetes.api import Api
from tests.unit.stack.samples import BUNDLE, FACTS

pytestmark = [
    pytest.mark.skipif(not shutil.which("kubectl"), reason="kubectl is not installed"),
    pytest.mark.slow,
]

REDIS = frozenset({Component.REDIS})
EXAMPLES = sorted(path.name for path in (manifests_dir() / "examples").iterdir())
WORKLOADS = ("Deployment", "StatefulSet", "Job")


def kubectl(*words: str) -> str:
    done = subprocess.run(("kubectl", *words), capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, f"kubectl {' '.join(words)}: {done.stdout}{done.stderr}"
    return done.stdout


async def accepted(api: Api, spec: StackSpec, folder: Path, facts: RunFacts = FACTS) -> None:
    """Have the server take the stack without keeping it; a warning counts as refused, and so does a pod."""
    objects = render(spec, facts)
    write(spec, objects, folder)
    kubectl("apply", "--server-side", "--dry-run=server", "--warnings-as-errors", "-k", str(folder))
    for found in objects:
        if found["kind"] in WORKLOADS:
            # Pod Security stops the pod only, not what would make it.
            path = f"/api/v1/namespaces/{spec.namespace}/pods"
            await api.request("POST", path, query={"dryRun": "All"}, body=pod_of(found))


def pod_of(found: Manifest) -> Manifest:
    """A pod as the workload's controller makes it."""
    spec = found["spec"]["template"]["spec"]
    claims = [claim["metadata"]["name"] for claim in found["spec"].get("volumeClaimTemplates", ())]
    volumes = [*spec.get("volumes", ()), *({"name": name, "emptyDir": {}} for name in claims)]
    return {"metadata": {"name": found["metadata"]["name"]}, "spec": {**spec, "volumes": volumes}}


CLUSTERS = {
    "plain": ClusterSpec(),
    "limits": ClusterSpec(cpu_limits=True, registry="registry.example/mirror", pull_secret="pull"),
    "persistent": ClusterSpec(
        storage="persistent", node_selector=("a=b",), tolerations=("c=d:NoSchedule", "e")
    ),
    "image": ClusterSpec(image="registry.example/kapture:1"),
}


@pytest.mark.parametrize("scale", [1, 3])
@pytest.mark.parametrize("name", CLUSTERS)
async def test_the_server_takes_the_stack(
    api: Api, namespace: str, tmp_path: Path, name: str, scale: int
) -> None:
    cluster = CLUSTERS[name]
    chosen = REDIS | {Component.PROMETHEUS, Component.ZOOKEEPER}
    bundles = () if cluster.image else (BUNDLE,)
    spec = StackSpec(namespace, scale, chosen, cluster=cluster)
    await accepted(api, spec, tmp_path / "out", replace(FACTS, bundles=bundles))


@pytest.mark.parametrize("name", EXAMPLES)
async def test_the_server_takes_each_example(api: Api, namespace: str, tmp_path: Path, name: str) -> None:
    cluster = ClusterSpec(kustomize=str(manifests_dir() / "examples" / name))
    await accepted(api, StackSpec(namespace, 2, REDIS, cluster=cluster), tmp_path / "out")


def start_kafka(namespace: str, brokers: int, folder: Path) -> None:
    spec = StackSpec(namespace, brokers)
    write(
        spec,
        render(spec, RunFacts("r1", (), {})),
        folder,
    )
    kubectl("apply", "--server-side", "-f", str(folder / "kafka.yaml"))
    wait_for_brokers(namespace, brokers)


def wait_for_brokers(namespace: str, brokers: int) -> None:
    ready = f"jsonpath={{.status.readyReplicas}}={brokers}"
    kubectl("wait", "-n", namespace, f"--for={ready}", "statefulset/kafka", "--timeout=180s")


def on_broker(namespace: str, pod: str, command: str) -> str:
    """Run a command with Kafka's tools on PATH, light enough to run beside the broker."""
    quick = (
        "export LOG_DIR=/tmp KAFKA_HEAP_OPTS=-Xmx128m KAFKA_JVM_PERFORMANCE_OPTS=-XX:TieredStopAtLevel=1; "
    )
    words = f"{quick} cd /opt/kafka/bin; {command}"
    return kubectl("exec", "-n", namespace, pod, "--", "sh", "-c", words)


async def until(holds: Callable[[], Awaitable[bool]], what: str, tries: int = 40) -> None:
    for _ in range(tries):
        if await holds():
            return
        await asyncio.sleep(1)
    pytest.fail(f"never: {what}")


@pytest.mark.thorough
async def test_a_broker_that_lost_its_disk_copies_it_from_the_others(
    api: Api, namespace: str, tmp_path: Path
) -> None:
    start_kafka(namespace, 3, tmp_path / "out")
    make = "./kafka-topics.sh --bootstrap-server kafka:9092 --create --topic t --partitions 3 --replication-factor 3"
    fill = "seq 1000 | ./kafka-console-producer.sh --bootstrap-server kafka:9092 --topic t"
    on_broker(namespace, "kafka-0", f"{make} && {fill}")

    path = f"/api/v1/namespaces/{namespace}/pods/kafka-1"
    before = (await api.request("GET", path))["metadata"]["uid"]
    await api.request("DELETE", path, query={"gracePeriodSeconds": "0"})

    async def is_another() -> bool:
        pods = (await api.request("GET", f"/api/v1/namespaces/{namespace}/pods"))["items"]
        found = [pod for pod in pods if pod["metadata"]["name"] == "kafka-1"]
        conditions = found[0]["status"].get("conditions", ()) if found else ()
        ready = any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)
        return ready and found[0]["metadata"]["uid"] != before

    await until(is_another, "another kafka-1 is ready", tries=120)

    async def is_in_sync() -> bool:
        describe = "./kafka-topics.sh --bootstrap-server kafka:9092 --describe"
        return not on_broker(namespace, "kafka-0", f"{describe} --under-replicated-partitions").strip()

    await until(is_in_sync, "every replica is in sync")
    offsets = on_broker(
        namespace, "kafka-1", "./kafka-get-offsets.sh --bootstrap-server kafka:9092 --topic t"
    )
    assert sum(int(line.rpartition(":")[2]) for line in offsets.split()) == 1000


@pytest.mark.thorough
async def test_applying_again_changes_neither_cluster_id_nor_pods(
    api: Api, namespace: str, tmp_path: Path
) -> None:
    start_kafka(namespace, 1, tmp_path / "out")
    read = "cat /var/lib/kafka/data/log/meta.properties"
    first = on_broker(namespace, "kafka-0", read)
    path = f"/api/v1/namespaces/{namespace}/pods/kafka-0"
    before = (await api.request("GET", path))["metadata"]["uid"]
    start_kafka(namespace, 1, tmp_path / "out")
    assert (await api.request("GET", path))["metadata"]["uid"] == before
    # The container alone starts again: same disk, same identity.
    kubectl("exec", "-n", namespace, "kafka-0", "--", "sh", "-c", "kill 1")

    async def has_restarted() -> bool:
        status = (await api.request("GET", path))["status"]["containerStatuses"][0]
        return bool(status["restartCount"] == 1 and status["ready"])

    await until(has_restarted, "the broker runs again", tries=120)
    assert on_broker(namespace, "kafka-0", read) == first
