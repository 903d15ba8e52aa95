"""Somebody's own kustomization: what it says stays, what it leaves out is filled in, what it cannot do is refused."""

from __future__ import annotations

import shutil
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from kapture_tui.model.errors import UsageError
from kapture_tui.model.spec import LoadSpec, StackSpec
from kapture_tui.model.states import STATES
from kapture_tui.resources import manifests_dir
from kapture_tui.stack.kustomize import Manifest
from kapture_tui.workload.settings import Settings
from kapture_tui.workload.transaction import parse
from tests.unit.stack.samples import REDIS, containers, pod_of, pods_of, rendered, stack

pytestmark = pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not on PATH")

EXAMPLES = manifests_dir() / "examples"
Objects = dict[tuple[str, str], Manifest]


def example(name: str, scale: int = 2, load: LoadSpec | None = None, **cluster: Any) -> Objects:
    spec = stack(scale, REDIS, kustomize=str(EXAMPLES / name), **cluster)
    return rendered(replace(spec, load=load or spec.load))


def test_default_resources_asks_for_nothing() -> None:
    for pod in pods_of(example("default-resources")).values():
        assert not any(container.get("resources") for container in containers(pod))


def test_slow_load_gen_wins_over_the_rate_of_the_command_line() -> None:
    data = example("slow-load-gen", load=LoadSpec(rate=500.0, customers=7))["ConfigMap", "workload"]["data"]
    assert (data["KAPTURE_RATE"], data["KAPTURE_CUSTOMERS"]) == ("10", "7")


def test_unbounded_redis_has_no_limit_of_any_kind() -> None:
    (redis,) = pod_of(example("unbounded-redis")["StatefulSet", "redis"])["containers"]
    assert redis["resources"].keys() == {"requests"}
    assert redis["command"][-2:] == ["--maxmemory", "0"]


def test_more_kafka_keeps_its_brokers_and_everybody_knows() -> None:
    objects = example("more-kafka", scale=2)
    kafka = objects["StatefulSet", "kafka"]
    assert kafka["spec"]["replicas"] == 5
    assert {"name": "BROKERS", "value": "5"} in pod_of(kafka)["containers"][0]["env"]
    assert objects["ConfigMap", "workload"]["data"]["KAPTURE_REPLICATION"] == "3"
    assert objects["Deployment", "data-loader"]["spec"]["replicas"] == 2


def test_persistent_keeps_its_own_volumes() -> None:
    for options in ({}, {"storage": "persistent", "storage_class": "fast"}):
        kafka = example("persistent", **options)["StatefulSet", "kafka"]
        (claim,) = kafka["spec"]["volumeClaimTemplates"]
        assert claim["spec"]["resources"]["requests"]["storage"] == "10Gi"
        assert claim["metadata"]["labels"]["kapture.run"] == "r7"
        assert "data" not in {volume["name"] for volume in pod_of(kafka)["volumes"]}


def test_own_load_generator_runs_beside_the_bundle_or_the_image() -> None:
    for options, path in (({}, "/bundle:/generator"), ({"image": "own:1"}, "/generator")):
        (loader,) = pod_of(example("own-load-generator", **options)["Deployment", "data-loader"])[
            "containers"
        ]
        env = {entry["name"]: entry.get("value") for entry in loader["env"]}
        assert (env["PYTHONPATH"], env["KAPTURE_GENERATOR"]) == (path, "generator:transactions")


def test_own_load_generator_yields_what_the_consumers_read() -> None:
    scope: dict[str, Any] = {}
    exec((EXAMPLES / "own-load-generator/generator.py").read_text(), scope)
    one, other = (
        list(islice(scope["transactions"](Settings(name, "r", "b")), 12)) for name in ("loader-a", "loader-b")
    )
    for state, customer, line in one:
        order = parse(line, 0)
        assert state in STATES
        assert (order.customer, order.cents) == (customer, 900)
    assert [parse(line, 0).number for _, _, line in one] == [0] * 6 + [1] * 6
    assert not {customer for _, customer, _ in one} & {customer for _, customer, _ in other}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the manifests, with room for an overlay in `own/`."""
    shutil.copytree(manifests_dir(), tmp_path / "manifests")
    (tmp_path / "own").mkdir()
    return tmp_path / "own"


BASE = "resources: [../manifests/base]\n"
WITH_REDIS = BASE + "components: [../manifests/components/redis]\n"


def own(folder: Path, text: str, spec: StackSpec | None = None, **files: str) -> Objects:
    (folder / "kustomization.yaml").write_text(text)
    for name, content in files.items():
        (folder / f"{name}.yaml").write_text(content)
    spec = spec or stack(2, REDIS)
    return rendered(replace(spec, cluster=replace(spec.cluster, kustomize=str(folder))))


def test_an_overlay_that_says_nothing_is_our_own_stack(folder: Path) -> None:
    ours, theirs = rendered(stack(2, REDIS)), own(folder, WITH_REDIS)
    for objects in (ours, theirs):
        del objects["ConfigMap", "kapture-run"]
    assert ours == theirs


def test_its_replicas_image_and_secret_stay(folder: Path) -> None:
    text = f"""{WITH_REDIS.replace("[../manifests/base]", "[../manifests/base, secret.yaml]")}
replicas: [{{name: etl, count: 7}}]
images: [{{name: redis, newTag: '7.4'}}]
"""
    secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: redis}\nstringData: {password: own}\n"
    objects = own(folder, text, secret=secret)
    assert objects["Deployment", "etl"]["spec"]["replicas"] == 7
    assert pod_of(objects["StatefulSet", "redis"])["containers"][0]["image"] == "redis:7.4"
    assert objects["Secret", "redis"]["stringData"] == {"password": "own"}


def test_what_it_adds_belongs_to_the_run(folder: Path) -> None:
    extra = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: extra, labels: {team: a}}\n"
    objects = own(folder, WITH_REDIS.replace("base]", "base, extra.yaml]"), extra=extra)
    found = objects["ConfigMap", "extra"]["metadata"]
    assert (found["namespace"], found["labels"]["kapture.run"], found["labels"]["team"]) == (
        "perf-test",
        "r7",
        "a",
    )
    assert "v1/ConfigMap/extra" in objects["ConfigMap", "kapture-run"]["data"]["inventory"]


NAMESPACE = "apiVersion: v1\nkind: Namespace\nmetadata: {name: mine}\n"
RECORD = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: kapture-run}\n"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (BASE, "has no redis.*add components/redis"),
        (WITH_REDIS + "namePrefix: x-\n", "Service kafka-brokers is missing.*without a prefix"),
        (WITH_REDIS + "namespace: elsewhere\n", "is in namespace elsewhere, the stack in perf-test"),
        (WITH_REDIS.replace("base]", "base, namespace.yaml]"), "Namespace mine belongs to no namespace"),
        (WITH_REDIS.replace("base]", "base, record.yaml]"), "ConfigMap kapture-run is the record"),
        (WITH_REDIS + "replicas: [{name: kafka, count: 0}]\n", "kafka has 0 replicas"),
    ],
)
def test_what_an_overlay_cannot_do_is_refused(folder: Path, text: str, says: str) -> None:
    with pytest.raises(UsageError, match=f"--kustomize {folder}: .*{says}"):
        own(folder, text, namespace=NAMESPACE, record=RECORD)


def test_a_component_that_was_not_asked_for_is_refused(folder: Path) -> None:
    with pytest.raises(UsageError, match=r"has redis, which was not asked for.*add -r"):
        own(folder, WITH_REDIS, stack(2, frozenset()))


WITH_SENTINELS = BASE + "components: [../manifests/components/redis-sentinel]\n"


def test_several_redis_servers_come_with_their_component(folder: Path) -> None:
    several = stack(2, REDIS, redis_count=3)
    ours, theirs = rendered(several), own(folder, WITH_SENTINELS, several)
    assert ours.keys() == theirs.keys()
    for objects in (ours, theirs):
        for name in ("etl-redis", "observer"):
            names = [entry["name"] for entry in pods_of(objects)[name]["containers"][0]["env"]]
            # Kubernetes puts the password into the address only if it comes first.
            assert names.index("REDIS_PASSWORD") < names.index("KAPTURE_REDIS_URL")
    with pytest.raises(UsageError, match=r"has no Sentinels.*add components/redis-sentinel"):
        own(folder, WITH_REDIS, several)
    with pytest.raises(UsageError, match=r"--redis-count 1, but its Redis has Sentinels"):
        own(folder, WITH_SENTINELS)
