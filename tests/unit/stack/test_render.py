"""What a person asked for, as objects of a namespace."""

from __future__ import annotations

import base64
import json
from dataclasses import replace

import pytest

from kapture_tui.model.spec import Component, LoadSpec, StackSpec
from kapture_tui.model.wire import from_wire
from kapture_tui.stack.kustomize import Manifest
from kapture_tui.stack.render import CHECKSUM, RunFacts, render, scaled
from kapture_tui.stack.sizing import size
from kapture_tui.targets.kubernetes.demand import demand
from kapture_tui.workload.settings import Settings
from tests.unit.stack.samples import FACTS, REDIS, containers, pod_of, pods_of, rendered, stack

LABELS = {
    "app.kubernetes.io/part-of": "kapture",
    "app.kubernetes.io/managed-by": "kapture-tui",
    "kapture.run": "r7",
}
WORKLOAD = {"data-loader", "etl", "etl-redis", "observer", "topics"}


def test_the_record_comes_first_and_knows_everything() -> None:
    spec = stack()
    objects = render(spec, FACTS)
    record = objects[0]
    assert (record["kind"], record["metadata"]["name"]) == ("ConfigMap", "kapture-run")
    references = {f"{o['apiVersion']}/{o['kind']}/{o['metadata']['name']}" for o in objects}
    assert set(json.loads(record["data"]["inventory"])) == references
    assert record["data"]["run_id"] == "r7"
    assert from_wire(StackSpec, json.loads(record["data"]["spec"])) == spec


def test_what_is_needed_by_others_comes_before_them() -> None:
    order = [(found["kind"], found["metadata"]["name"]) for found in render(stack(), FACTS)]
    workloads = [name for kind, name in order if kind in ("StatefulSet", "Job", "Deployment")]
    assert workloads[:3] == ["kafka", "redis", "topics"]
    assert workloads[-1] == "data-loader"
    kinds = [kind for kind, _ in order]
    assert kinds.index("StatefulSet") > max(
        i for i, k in enumerate(kinds) if k in ("ConfigMap", "Secret", "Service")
    )


def test_everything_carries_the_labels() -> None:
    for (kind, name), found in rendered(stack(storage="persistent")).items():
        places = [found, *found.get("spec", {}).get("volumeClaimTemplates", ())]
        if kind in ("Deployment", "StatefulSet", "Job"):
            places.append(found["spec"]["template"])
        for place in places:
            labels = place["metadata"]["labels"]
            assert labels.items() >= LABELS.items(), (kind, name)
            assert labels["app.kubernetes.io/name"] == labels["app.kubernetes.io/component"]
        assert found["metadata"]["namespace"] == "perf-test"


def test_selectors_outlive_the_run() -> None:
    for (kind, name), found in rendered(stack()).items():
        selector = found.get("spec", {}).get("selector")
        if selector and kind != "Job":
            labels = selector.get("matchLabels", selector)
            assert list(labels) == ["app.kubernetes.io/name"], (kind, name)


def test_names_are_those_others_know() -> None:
    assert {f"{kind}/{name}" for kind, name in rendered(stack())} == {
        "ConfigMap/kapture-run",
        "ConfigMap/bundle",
        "ConfigMap/bundle-amd64-abababab-00",
        "ConfigMap/bundle-amd64-abababab-01",
        "ConfigMap/kafka",
        "ConfigMap/kapture-dashboard",
        "ConfigMap/prometheus",
        "ConfigMap/redis",
        "ConfigMap/workload",
        "Secret/redis",
        "Service/kafka",
        "Service/kafka-brokers",
        "Service/observer",
        "Service/observer-pods",
        "Service/prometheus",
        "Service/redis",
        "PodDisruptionBudget/kafka",
        "StatefulSet/kafka",
        "StatefulSet/redis",
        "Job/topics",
        "Deployment/data-loader",
        "Deployment/etl",
        "Deployment/etl-redis",
        "Deployment/observer",
        "Deployment/prometheus",
    }


@pytest.mark.parametrize("scale", [1, 2, 3, 20])
def test_a_scale_becomes_replicas(scale: int) -> None:
    objects = rendered(stack(scale))
    for name in scaled() & {name for kind, name in objects if kind == "Deployment"}:
        assert objects["Deployment", name]["spec"]["replicas"] == scale
    assert objects["StatefulSet", "kafka"]["spec"]["replicas"] == scale
    assert objects["Deployment", "observer"]["spec"]["replicas"] == 1
    data = objects["ConfigMap", "workload"]["data"]
    assert data["KAPTURE_PARTITIONS"] == str(size(scale).partitions)
    assert data["KAPTURE_REPLICATION"] == str(min(3, scale))
    (kafka,) = pod_of(objects["StatefulSet", "kafka"])["containers"]
    assert {"name": "BROKERS", "value": str(scale)} in kafka["env"]


@pytest.mark.parametrize(("scale", "members"), [(1, 1), (2, 1), (3, 3), (20, 3)])
def test_zookeeper_takes_the_place_of_the_voters(scale: int, members: int) -> None:
    spec = stack(scale, frozenset({Component.ZOOKEEPER}))
    objects = rendered(spec)
    for name, image in (("kafka", "apache/kafka:3.9.1"), ("zookeeper", "zookeeper:3.9")):
        (container,) = pod_of(objects["StatefulSet", name])["containers"]
        assert container["image"] == image
        assert {"name": "ZOOKEEPERS", "value": str(members)} in container["env"]
    assert objects["StatefulSet", "zookeeper"]["spec"]["replicas"] == members
    assert "zookeeper.connect" in objects["ConfigMap", "kafka"]["data"]["start.sh"]
    sets = [found["metadata"]["name"] for found in render(spec, FACTS) if found["kind"] == "StatefulSet"]
    assert sets == ["zookeeper", "kafka"]
    assert "9093" not in json.dumps([objects["Service", "kafka-brokers"], objects["StatefulSet", "kafka"]])


def test_pods_are_told_the_load_that_was_asked_for() -> None:
    load = LoadSpec(stores=3, customers=70, days=9, models=2, rate=12.5, seed=8, compat=True)
    for spec in (replace(stack(), load=load), stack(1, frozenset())):
        data = rendered(spec)["ConfigMap", "workload"]["data"]
        told = Settings.from_env({**data, "KAPTURE_NAME": "pod"})
        assert (told.load, told.groups, told.run_id) == (spec.load, spec.groups, "r7")
        assert told.bootstrap == "kafka:9092"


def test_another_load_rolls_those_who_are_told_and_nobody_else() -> None:
    slow, fast = (rendered(replace(stack(), load=LoadSpec(rate=rate))) for rate in (1.0, 2.0))
    rolled = {name for name in pods_of(slow) if template(slow, name) != template(fast, name)}
    assert rolled == WORKLOAD - {"topics"}
    # A Job's template cannot be changed: there the Job itself is marked.
    notes = [objects["Job", "topics"]["metadata"]["annotations"][CHECKSUM] for objects in (slow, fast)]
    assert notes[0] != notes[1]


def template(objects: dict[tuple[str, str], Manifest], name: str) -> Manifest:
    held = (objects.get((kind, name)) for kind in ("Deployment", "StatefulSet", "Job"))
    return next(found["spec"]["template"] for found in held if found)


def test_the_bundle_is_where_the_init_container_looks() -> None:
    objects = rendered(stack())
    chunk = objects["ConfigMap", "bundle-amd64-abababab-00"]
    assert chunk["immutable"] is True
    assert base64.b64decode(chunk["binaryData"]["chunk"]) == b"\x00first"
    facts = objects["ConfigMap", "bundle"]["data"]
    assert json.loads(facts["amd64.json"])["chunks"] == 2
    assert "unpack.py" in facts
    for name in WORKLOAD:
        (volume,) = [v for v in pods_of(objects)[name]["volumes"] if v["name"] == "chunks"]
        maps = [source["configMap"]["name"] for source in volume["projected"]["sources"]]
        assert maps == ["bundle", "bundle-amd64-abababab-00", "bundle-amd64-abababab-01"]


def test_an_image_takes_the_place_of_the_bundle() -> None:
    objects = rendered(stack(image="registry.example/kapture:1"), replace(FACTS, bundles=()))
    assert not [name for kind, name in objects if name.startswith("bundle")]
    for name, pod in pods_of(objects).items():
        assert "initContainers" not in pod
        mounted = {mount["name"] for c in pod["containers"] for mount in c.get("volumeMounts", ())}
        assert mounted == {volume["name"] for volume in pod.get("volumes", ())}, name
        (container,) = pod["containers"]
        if name in WORKLOAD:
            assert container["image"] == "registry.example/kapture:1"
            assert "PYTHONPATH" not in {entry["name"] for entry in container["env"]}
        else:
            assert container["image"].startswith(("apache/", "redis:", "prom/"))


def test_a_registry_replaces_whatever_stands_before_an_image() -> None:
    pods = pods_of(rendered(stack(registry="registry.example/mirror/")))
    images = {container["image"] for pod in pods.values() for container in containers(pod)}
    assert {image.rpartition("/")[0] for image in images} == {"registry.example/mirror"}
    assert "registry.example/mirror/kafka:4.3.0" in images


def test_pods_go_where_they_were_sent() -> None:
    cluster = {
        "pull_secret": "pull",
        "node_selector": ("disk=fast", "zone="),
        "tolerations": ("dedicated=perf:NoSchedule", "spot", "gone:NoExecute"),
    }
    for pod in pods_of(rendered(stack(**cluster))).values():
        assert pod["imagePullSecrets"] == [{"name": "pull"}]
        assert pod["nodeSelector"] == {"disk": "fast", "zone": ""}
        assert pod["tolerations"] == [
            {"key": "dedicated", "operator": "Equal", "value": "perf", "effect": "NoSchedule"},
            {"key": "spot", "operator": "Exists"},
            {"key": "gone", "operator": "Exists", "effect": "NoExecute"},
        ]


def test_data_lies_on_the_node_or_on_claimed_volumes() -> None:
    for name in ("kafka", "redis"):
        held = rendered(stack())["StatefulSet", name]
        assert {"name": "data", "emptyDir": {}} in pod_of(held)["volumes"]
        assert "volumeClaimTemplates" not in held["spec"]
        for storage_class in (None, "fast"):
            objects = rendered(stack(storage="persistent", storage_class=storage_class))
            found = objects["StatefulSet", name]
            assert "data" not in {volume["name"] for volume in pod_of(found)["volumes"]}
            (claim,) = found["spec"]["volumeClaimTemplates"]
            assert claim["metadata"]["name"] == "data"
            assert claim["spec"].get("storageClassName") == storage_class
            assert claim["spec"]["resources"]["requests"]["storage"].endswith("Gi")


def test_everything_has_requests_and_a_memory_limit_and_cpu_limits_only_where_wanted() -> None:
    for options, wanted in (({}, False), ({"cpu_limits": True}, True)):
        for name, pod in pods_of(rendered(stack(**options))).items():
            for container in containers(pod):
                resources = container["resources"]
                assert resources["requests"].keys() == {"cpu", "memory"}, name
                assert "memory" in resources["limits"], name
                assert ("cpu" in resources["limits"]) is wanted, name
    because_of_the_namespace = rendered(stack(), replace(FACTS, cpu_limits=True))
    assert (
        because_of_the_namespace["StatefulSet", "kafka"]
        == rendered(stack(cpu_limits=True))["StatefulSet", "kafka"]
    )


def test_a_small_node_takes_scale_three() -> None:
    assert round(demand(render(stack(3), FACTS)).total("cpu"), 3) <= 1.3


def test_every_pod_is_restricted() -> None:
    for name, pod in pods_of(rendered(stack())).items():
        assert pod["automountServiceAccountToken"] is False, name
        assert pod["enableServiceLinks"] is False, name
        context = pod["securityContext"]
        assert context["runAsNonRoot"] is True
        assert isinstance(context["runAsUser"], int)
        assert context["seccompProfile"] == {"type": "RuntimeDefault"}
        for container in containers(pod):
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }, name


def test_prometheus_is_ours_only_where_there_is_none() -> None:
    spec = stack(components=frozenset({Component.PROMETHEUS}))
    assert ("Deployment", "prometheus") in rendered(spec)
    monitored = rendered(spec, replace(FACTS, pod_monitor=True))
    assert ("PodMonitor", "observer") in monitored
    assert not [name for _, name in monitored if name == "prometheus"]
    assert ("PodMonitor", "observer") not in rendered(
        stack(components=REDIS), replace(FACTS, pod_monitor=True)
    )


def test_the_password_is_in_the_secret_and_nowhere_else() -> None:
    objects = rendered(stack())
    secret = objects.pop(("Secret", "redis"))
    assert base64.b64decode(secret["data"]["password"]) == b"s3cret"
    assert "s3cret" not in json.dumps(list(objects.values()))
    assert ("Secret", "redis") not in rendered(stack(components=frozenset()))


def test_the_same_stack_is_rendered_to_the_same_objects() -> None:
    assert render(stack(), FACTS) == render(stack(), FACTS)
    other = RunFacts("r8", FACTS.bundles, FACTS.passwords)
    assert render(stack(), FACTS) != render(stack(), other)


def test_several_redis_servers_have_sentinels_and_clients_ask_them() -> None:
    objects = rendered(stack(3, REDIS | {Component.WEBAPP}, redis_count=3))
    servers = objects["StatefulSet", "redis"]
    assert servers["spec"]["replicas"] == 3
    for container in pod_of(servers)["containers"]:
        assert {"name": "REDIS_COUNT", "value": "3"} in container["env"]
    for name in ("etl-redis", "observer", "webapp"):
        (container,) = pods_of(objects)[name]["containers"]
        addresses = [entry["value"] for entry in container["env"] if entry["name"] == "KAPTURE_REDIS_URL"]
        assert addresses == ["redis+sentinel://:$(REDIS_PASSWORD)@redis:26379/kapture"], name
    one = rendered(stack())
    assert one["StatefulSet", "redis"]["spec"]["replicas"] == 1
    assert [container["name"] for container in pod_of(one["StatefulSet", "redis"])["containers"]] == ["redis"]
    assert ("PodDisruptionBudget", "redis") in objects.keys() - one.keys()
