"""What preflight says of clusters that no test can make of a real one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from kapture_tui.model.errors import UsageError
from kapture_tui.model.spec import ClusterSpec, Component, StackSpec
from kapture_tui.targets.base import Finding
from kapture_tui.targets.kubernetes.demand import Demand, demand
from kapture_tui.targets.kubernetes.deploy import demand_of
from kapture_tui.targets.kubernetes.preflight import Ground, look
from tests.unit.targets.kubernetes.answers import Answer, answering, refused
from tests.unit.targets.kubernetes.ask import container, deployment, node, pod

INSIDE = "/api/v1/namespaces/pets"
NODES = "/api/v1/nodes"
PODS = "/api/v1/pods"
CLASSES = "/apis/storage.k8s.io/v1/storageclasses"
METRICS = "/apis/metrics.k8s.io/v1beta1/namespaces/pets/pods"
MONITORS = "/apis/monitoring.coreos.com/v1"

NOT_FOUND = (404, "404 page not found")
HERE: dict[str, Answer] = {
    INSIDE: (200, {"kind": "Namespace", "metadata": {"name": "pets"}}),
    NODES: (200, {"items": [node("one")]}),
}
"""A cluster with one empty node and the namespace."""


def asks(cpu_limits: bool, _pod_monitor: bool = False) -> Demand:
    limits = {"cpu": "1"} if cpu_limits else {}
    return demand([deployment("etl", container("etl", "200m", **limits), replicas=2)])


async def ground(
    folder: Path, answers: Mapping[str, Answer], spec: StackSpec | None = None, **cluster: Any
) -> Ground:
    asked = spec or StackSpec("pets", cluster=ClusterSpec(**cluster))
    async with answering(folder, {**HERE, **answers}) as api:
        return await look(api, asked, asks)


def troubles(found: Ground) -> list[Finding]:
    return [finding for finding in found.findings if not finding.ok]


async def only(folder: Path, answers: Mapping[str, Answer], **cluster: Any) -> Finding:
    [finding] = troubles(await ground(folder, answers, **cluster))
    return finding


async def test_nothing_to_complain_about(tmp_path: Path) -> None:
    found = await ground(tmp_path, {})
    assert troubles(found) == []
    assert (found.user, found.exists, found.cpu_limits, found.architectures) == (
        "alice",
        True,
        False,
        ("amd64",),
    )


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (NOT_FOUND, "metrics-server is missing"),
        (refused(503, "ServiceUnavailable", "the server is away"), "metrics-server does not answer"),
    ],
)
async def test_no_metrics_server_costs_figures_only(tmp_path: Path, answer: Answer, text: str) -> None:
    finding = await only(tmp_path, {METRICS: answer})
    assert finding.subject == "metrics"
    assert text in finding.text
    assert "CPU and memory" in finding.text
    assert "metrics-server" in finding.remedy
    assert not finding.fatal


FAST = {"metadata": {"name": "fast"}}
DEFAULT = {
    "metadata": {"name": "usual", "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}}
}


@pytest.mark.parametrize(
    ("classes", "wanted", "text", "remedy"),
    [
        ([FAST], None, "there is no default storage class", "choose --storage-class from fast"),
        ([], None, "there is no default storage class", "have a storage class made"),
        ([DEFAULT], "slow", "there is no storage class 'slow'", "choose --storage-class from usual"),
    ],
)
async def test_volumes_need_a_storage_class(
    tmp_path: Path, classes: list[Any], wanted: str | None, text: str, remedy: str
) -> None:
    answers = {CLASSES: (200, {"items": classes})}
    finding = await only(tmp_path, answers, storage="persistent", storage_class=wanted)
    assert (finding.subject, finding.text, finding.fatal) == ("storage", text, True)
    assert finding.remedy == f"{remedy}, or use --storage ephemeral"
    assert troubles(await ground(tmp_path, answers)) == []


@pytest.mark.parametrize(("classes", "wanted"), [([DEFAULT], None), ([DEFAULT, FAST], "fast")])
async def test_storage_class_is_there(tmp_path: Path, classes: list[Any], wanted: str | None) -> None:
    answers = {CLASSES: (200, {"items": classes})}
    found = await ground(tmp_path, answers, storage="persistent", storage_class=wanted)
    assert troubles(found) == []


async def test_what_may_not_be_looked_at_stops_nothing(tmp_path: Path) -> None:
    """As the Role of one namespace: neither nodes nor storage classes."""
    no = refused(
        403, "Forbidden", 'nodes is forbidden: User "alice" cannot list resource "nodes" in API group ""'
    )
    hidden = [NODES, CLASSES, INSIDE, f"{INSIDE}/resourcequotas", f"{INSIDE}/limitranges"]
    found = await ground(tmp_path, dict.fromkeys(hidden, no), storage="persistent")
    subjects = {finding.subject for finding in troubles(found)}
    assert subjects == {"namespace", "quota", "limit range", "nodes", "storage"}
    assert all(finding.text.startswith("could not be looked at") for finding in troubles(found))
    assert not any(finding.fatal for finding in found.findings)
    assert found.exists is None
    assert found.architectures == ("arm64",)  # the server's own


async def test_pods_of_others_take_room(tmp_path: Path) -> None:
    others = (200, {"items": [pod("other", container("other", "3700m"))]})
    finding = await only(tmp_path, {PODS: others})
    assert finding.subject == "nodes"
    assert finding.fatal
    assert finding.text.startswith("one has 0.1 cores left, etl-1 wants 0.2 cores")


async def test_own_pods_make_room_for_themselves(tmp_path: Path) -> None:
    mine = pod("etl-x", container("etl", "3700m"))
    mine["metadata"] |= {"namespace": "pets", "labels": {"app.kubernetes.io/part-of": "kapture"}}
    assert troubles(await ground(tmp_path, {PODS: (200, {"items": [mine]})})) == []


async def test_rooms_of_others_may_be_hidden(tmp_path: Path) -> None:
    finding = await only(
        tmp_path, {PODS: refused(403, "Forbidden", 'pods is forbidden: User "alice" cannot list')}
    )
    assert finding.text.startswith("the pods fit on empty nodes")
    assert not finding.fatal


async def test_no_more_nodes_are_read_than_needed(tmp_path: Path) -> None:
    """Ten thousand pods are 73 MB: of a large cluster only some nodes are looked at."""
    large = {NODES: (200, {"items": [node(f"n{index}") for index in range(50)]})}
    found = await ground(tmp_path, large)
    [fit] = [finding for finding in found.findings if finding.subject == "nodes"]
    assert "8 nodes" in fit.text


async def test_a_very_large_cluster_is_looked_at_in_part(tmp_path: Path) -> None:
    """Nobody can tell of what was not looked at, so it stops nothing."""
    large = {NODES: (200, {"items": [node(f"n{index}", cpu="100m") for index in range(65)]})}
    finding = await only(tmp_path, large)
    assert finding.text.startswith("on the 64 largest of 65 nodes the pods do not fit: ")
    assert not finding.fatal


async def test_stack_without_pods_fits_anywhere(tmp_path: Path) -> None:
    async with answering(tmp_path, {**HERE, NODES: (200, {"items": []})}) as api:
        assert troubles(await look(api, StackSpec("pets"), lambda *_: Demand(()))) == []


async def test_node_that_is_not_ready_is_told(tmp_path: Path) -> None:
    away = node("away")
    away["status"]["conditions"] = [{"type": "Ready", "status": "Unknown", "message": "no word from it"}]
    finding = await only(tmp_path, {NODES: (200, {"items": [node("one"), away]})})
    assert finding.text == "away is not ready: no word from it"
    assert not finding.fatal


@pytest.mark.parametrize(("others", "remedy"), [([], ""), (["arm64"], "kubernetes.io/arch=arm64")])
async def test_architecture_without_a_bundle(tmp_path: Path, others: list[str], remedy: str) -> None:
    nodes = [node(f"n-{name}") for name in ("s390x", *others)]
    for item in nodes:
        item["metadata"]["labels"]["kubernetes.io/arch"] = item["metadata"]["name"].removeprefix("n-")
    finding = await only(tmp_path, {NODES: (200, {"items": nodes})})
    assert (finding.subject, finding.fatal) == ("architecture", True)
    assert "s390x" in finding.text
    assert remedy in finding.remedy
    assert troubles(await ground(tmp_path, {NODES: (200, {"items": nodes})}, image="mine:1")) == []


@pytest.mark.parametrize("there", [True, False])
async def test_pod_monitor_where_the_cluster_has_them(tmp_path: Path, there: bool) -> None:
    answer = (
        (200, {"kind": "APIResourceList", "resources": [{"name": "podmonitors"}]}) if there else NOT_FOUND
    )
    spec = StackSpec("pets", components=frozenset({Component.PROMETHEUS}))
    found = await ground(tmp_path, {MONITORS: answer}, spec)
    assert found.pod_monitor is there
    assert troubles(found) == []


async def test_where_pod_monitors_are_there_is_no_prometheus_to_place(tmp_path: Path) -> None:
    spec = StackSpec("pets", components=frozenset({Component.PROMETHEUS}))
    there = (200, {"kind": "APIResourceList", "resources": [{"name": "podmonitors"}]})
    placed = []
    for answer in (NOT_FOUND, there):
        async with answering(tmp_path, {**HERE, MONITORS: answer}) as api:
            findings = (await look(api, spec, demand_of(spec))).findings
        [room] = [finding.text for finding in findings if finding.subject == "nodes"]
        placed.append(int(room.split(" pods want")[0]))
    assert placed[0] - placed[1] == 1


async def test_rights_for_pod_monitors_are_needed_only_where_there_are_any(tmp_path: Path) -> None:
    spec = StackSpec("pets", components=frozenset({Component.PROMETHEUS}))
    there = (200, {"kind": "APIResourceList", "resources": [{"name": "podmonitors"}]})
    for answer, fatal in ((there, 1), (NOT_FOUND, 0)):
        async with answering(
            tmp_path, {**HERE, MONITORS: answer}, lambda asked: asked["resource"] != "podmonitors"
        ) as api:
            found = troubles(await look(api, spec, asks))
        assert len(found) == fatal
        assert all("podmonitors.monitoring.coreos.com" in finding.text for finding in found)


async def test_namespace_that_may_not_be_made(tmp_path: Path) -> None:
    async with answering(
        tmp_path,
        {**HERE, INSIDE: refused(404, "NotFound", "gone")},
        lambda asked: asked["resource"] != "namespaces",
    ) as api:
        [finding] = troubles(await look(api, StackSpec("pets"), asks))
    assert finding.fatal
    assert finding.text == "pets is not there, and alice may not create namespaces"
    assert "kubectl create namespace pets" in finding.remedy


async def test_namespace_that_may_be_made_but_not_removed(tmp_path: Path) -> None:
    async with answering(
        tmp_path, {**HERE, INSIDE: refused(404, "NotFound", "gone")}, lambda asked: asked["verb"] != "delete"
    ) as api:
        found = troubles(await look(api, StackSpec("pets"), asks))
    [finding] = [finding for finding in found if finding.subject == "namespace"]
    assert finding.text == "alice may not delete namespaces: pets will stay when the stack goes"
    assert not finding.fatal


async def test_what_cannot_be_asked_for_is_refused_before_anything_is_looked_at(tmp_path: Path) -> None:
    def unheard_of(cpu_limits: bool, pod_monitor: bool) -> Demand:
        raise UsageError("deploying postgres", "not available")

    async with answering(tmp_path, {REVIEWS.format("v1"): refused(500, "InternalError", "asked")}) as api:
        with pytest.raises(UsageError, match="not available"):
            await look(api, StackSpec("pets"), unheard_of)


@pytest.mark.parametrize("name", ["default", "kube-system", "kube-anything"])
async def test_namespaces_of_the_cluster_are_refused(tmp_path: Path, name: str) -> None:
    async with answering(tmp_path, HERE) as api:
        with pytest.raises(UsageError, match=name):
            await look(api, StackSpec(name), asks)


REVIEWS = "/apis/authentication.k8s.io/{}/selfsubjectreviews"


@pytest.mark.parametrize(("unknown", "user"), [(["v1"], "alice"), (["v1", "v1beta1"], "")])
async def test_older_servers_say_less_of_who_we_are(tmp_path: Path, unknown: list[str], user: str) -> None:
    found = await ground(tmp_path, {REVIEWS.format(version): NOT_FOUND for version in unknown})
    assert found.user == user
    assert troubles(found) == []
