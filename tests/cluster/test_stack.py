"""A whole stack on the cluster, deployed by the command line as a user with the Role of manifests/rbac and no more."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
import yaml

from kapture_tui.model.event import Event, EventKind
from kapture_tui.model.snapshot import Snapshot
from kapture_tui.resources import manifests_dir
from kapture_tui.targets import Connection
from kapture_tui.targets.kubernetes.api import Api
from kapture_tui.targets.kubernetes.kubeconfig import load
from kapture_tui.targets.kubernetes.target import KubernetesTarget
from kapture_tui.telemetry import Hub
from tests import watching
from tests.cluster.conftest import bound_user
from tests.cluster.cut import CutProxy
from tests.cluster.reach import write_kubeconfig
from tests.cluster.recounting import recount
from tests.watching import delivered, pods

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.thorough,
    pytest.mark.timeout(600),
]

SCALE = 3
RATE = 100
"""A loader; three of them and everything else must fit on two small cores."""

OUTAGE_S = 60.0
WAIT_S = 240.0
GROUPS = ("etl", "etl-redis")
KINDS = ("data-loader", "etl", "etl-redis", "observer", "prometheus", "redis")


@dataclass
class Stack:
    """The stack as the restricted user sees it.

    Attributes:
        api: of somebody who may do everything; for what the test does behind the program's back.
        kubeconfig: of the restricted user, through `proxy`.
        zookeeper: its brokers have ZooKeeper in place of KRaft.
        events: all that were seen, with the monotonic time at which they were.
    """

    api: Api
    namespace: str
    kubeconfig: Path
    proxy: CutProxy
    target: KubernetesTarget
    hub: Hub
    deployed: subprocess.CompletedProcess[str]
    zookeeper: bool
    events: list[tuple[float, Event]] = field(default_factory=list)

    async def watch(self) -> None:
        """Look on all the time, as a console does."""
        known: set[Event] = set()
        async with aclosing(self.hub.snapshots()) as snapshots:
            async for snapshot in snapshots:
                news = [event for event in snapshot.events if event not in known]
                known |= set(news)
                self.events += [(time.monotonic(), event) for event in news]

    async def until(self, wanted: Callable[[Snapshot], bool], what: str, limit_s: float = WAIT_S) -> Snapshot:
        """The first snapshot that is as wanted."""
        return await watching.until(self.hub, wanted, what, limit_s)

    async def until_delivered(self, more: int) -> Snapshot:
        """Until every group has stored so many more messages than now."""
        goal = delivered(await self.until(lambda s: s.ledger is not None, "a ledger")) + more
        return await self.until(lambda s: delivered(s) >= goal, f"{goal} delivered")

    async def delete_pod(self, name: str) -> None:
        """Delete a pod without warning, behind the program's back."""
        path = f"/api/v1/namespaces/{self.namespace}/pods/{name}"
        await self.api.request("DELETE", path, body={"gracePeriodSeconds": 0})

    @property
    def kinds(self) -> tuple[str, ...]:
        """All its components but the brokers."""
        return (*KINDS, "zookeeper") if self.zookeeper else KINDS

    def only_once(self) -> None:
        """Skip a test that takes its time and has nothing to do with what keeps the brokers' metadata."""
        if self.zookeeper:
            pytest.skip("done with KRaft")

    def kapture(self, *words: str) -> subprocess.CompletedProcess[str]:
        """One command line of the restricted user."""
        return kapture(self.kubeconfig, *words)


def kapture(kubeconfig: Path, *words: str, timeout_s: float = 400) -> subprocess.CompletedProcess[str]:
    """One command line, as a shell without a terminal runs it."""
    return subprocess.run(
        command(kubeconfig, *words), capture_output=True, text=True, timeout=timeout_s, env=environment()
    )


def command(kubeconfig: Path, *words: str) -> list[str]:
    return [
        sys.executable,
        "-m",
        "kapture_tui",
        *words,
        "--target",
        "kubernetes",
        "--kubeconfig",
        str(kubeconfig),
    ]


def environment() -> dict[str, str]:
    return {key: value for key, value in os.environ.items() if key not in ("KUBECONFIG", "KAFKA_HOME")}


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["-rp", "-rpz"])
async def stack(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> AsyncIterator[Stack]:
    """Scale 3 with Redis and Prometheus, in a namespace that was there before and enforces restricted pods."""
    folder = tmp_path_factory.mktemp("user")
    namespace = f"kapture-test-{secrets.token_hex(3)}"
    access = load(Connection())
    url = urlsplit(access.server)
    proxy = CutProxy(url.hostname or "", url.port or 443)
    api = await Api.open(Connection())
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    await api.request("POST", "/api/v1/namespaces", body={"metadata": {"name": namespace, "labels": labels}})
    try:
        role = yaml.safe_load((manifests_dir() / "rbac" / "role.yaml").read_text(encoding="utf-8"))
        direct = await bound_user(api, namespace, folder / "direct", role["rules"])
        token = yaml.safe_load(direct.read_text(encoding="utf-8"))["users"][0]["user"]
        through = write_kubeconfig(
            folder / "proxied",
            server=f"{url.scheme}://127.0.0.1:{proxy.port}{url.path}",
            user=token,
            namespace=namespace,
        )
        await _foreign(api, namespace)
        words = (
            "up",
            namespace,
            str(SCALE),
            request.param,
            "--rate",
            str(RATE),
            "-c",
            "500",
            "--yes",
            "--json",
        )
        done = await asyncio.to_thread(kapture, through, *words)
        assert done.returncode == 0, done.stderr
        target = KubernetesTarget(namespace, Connection(str(through)))
        made = Stack(api, namespace, through, proxy, target, Hub(target), done, "z" in request.param)
        reader = asyncio.create_task(made.watch())
        yield made
        reader.cancel()
        await target.close()
    finally:
        proxy.close()
        await api.request("DELETE", f"/api/v1/namespaces/{namespace}")
        await api.close()


async def _foreign(api: Api, namespace: str) -> None:
    """Something that belongs to somebody else, and must still be there at the end."""
    body = {"metadata": {"name": "theirs"}, "data": {"key": "value"}}
    await api.request("POST", f"/api/v1/namespaces/{namespace}/configmaps", body=body)


async def test_up_prints_a_snapshot_of_a_flowing_stack(stack: Stack) -> None:
    found = json.loads(stack.deployed.stdout.splitlines()[-1])
    assert (found["run"]["target"], found["run"]["scale"]) == ("kubernetes", SCALE)
    assert found["run"]["phase"] == "flowing"
    assert set(found["ledger"]["groups"]) == set(GROUPS)
    assert "password" not in stack.deployed.stderr.lower()


async def test_everything_is_seen(stack: Stack) -> None:
    seen = await stack.until(
        lambda s: (
            bool(s.pods)
            and all(row.ready and row.cpu_cores is not None and row.memory_bytes for row in s.pods)
            and s.redis is not None
            and bool(s.redis.ops_per_s)
            and s.kafka is not None
        ),
        "every pod with CPU and memory, Redis operations",
    )
    assert {row.component for row in seen.pods} == {"kafka", *stack.kinds}
    assert all(row.node and row.memory_limit and row.cpu_limit is None for row in seen.pods)
    assert all(row.sample_age_s is not None and row.sample_age_s < 120 for row in seen.pods)
    assert seen.kafka is not None
    assert (seen.kafka.brokers, len(seen.kafka.states)) == (SCALE, 51)
    for view in seen.kafka.states.values():
        assert set(view.groups) == set(GROUPS)
        assert all(group.lag is not None for group in view.groups.values())


async def test_what_another_client_scales_is_told_and_stays(stack: Stack) -> None:
    stack.only_once()
    path = f"/apis/apps/v1/namespaces/{stack.namespace}/deployments/data-loader/scale"
    before = len(stack.events)
    began_s = time.monotonic()
    await stack.api.request(
        "PATCH",
        path,
        query={"fieldManager": "kubectl"},
        body={"spec": {"replicas": 5}},
        content_type="application/merge-patch+json",
    )
    await stack.until(lambda s: len(pods(s, "data-loader")) == 5, "five loaders")
    told = [
        (at_s, event)
        for at_s, event in stack.events[before:]
        if event.subject == "data-loader" and event.kind is EventKind.CHANGE and "3 → 5" in event.text
    ]
    assert told, [event for _, event in stack.events[before:]]
    assert "kubectl" in told[0][1].text
    # Not a wall-clock limit on the machine: a watch tells at once, and a tick is one second.
    print(f"told after {told[0][0] - began_s:.2f} s")
    words = ("up", stack.namespace, str(SCALE), "-rp", "--rate", str(RATE), "-c", "500", "--yes")
    again = await asyncio.to_thread(stack.kapture, *words)
    assert again.returncode == 0, again.stderr
    scale = await stack.api.request("GET", path)
    assert scale["spec"]["replicas"] == 5, "a second `up` has undone it"
    await stack.target.scale(_component("data-loader"), SCALE)
    await stack.until(lambda s: len(pods(s, "data-loader")) == SCALE, "three loaders")


def _component(name: str) -> Any:
    from kapture_tui.model.spec import Component

    return Component(name)


async def test_what_is_fixed_when_brokers_are_made_cannot_be_changed(stack: Stack) -> None:
    same, other = ("-rpz", "-rp") if stack.zookeeper else ("-rp", "-rpz")
    for scale, options, why in (("1", same, "number and voters"), (str(SCALE), other, "metadata in")):
        done = await asyncio.to_thread(stack.kapture, "up", stack.namespace, scale, options, "--yes")
        assert done.returncode == 2
        assert why in done.stderr.splitlines()[-1]


@pytest.mark.parametrize("whose", ["one of each kind", "a broker"])
async def test_deleted_pods_come_back_and_their_reasons_are_seen(stack: Stack, whose: str) -> None:
    components = ("kafka",) if whose == "a broker" else stack.kinds
    before = await stack.until(lambda s: all(row.ready for row in s.pods), "all ready")
    victims = {component: pods(before, component)[-1] for component in components}
    known = len(stack.events)
    for victim in victims.values():
        await stack.delete_pod(victim.name)

    def is_back(snapshot: Snapshot, component: str) -> bool:
        mine, victim = pods(snapshot, component), victims[component]
        same = [row for row in mine if row.name == victim.name and (row.age_s or 0) >= (victim.age_s or 0)]
        return not same and len(mine) == len(pods(before, component)) and all(row.ready for row in mine)

    await stack.until(lambda s: all(is_back(s, component) for component in components), "all back")
    for component, victim in victims.items():
        told = [event for _, event in stack.events[known:] if event.subject.startswith(component)]
        assert any(event.subject == victim.name for event in told), told
        assert any("ready" in event.text for event in told), told
    await stack.until_delivered(200)


async def test_an_api_server_that_is_away_for_a_minute_stops_nothing(stack: Stack) -> None:
    stack.only_once()
    before = await stack.until_delivered(50)
    watching = subprocess.Popen(  # noqa: ASYNC220 - started in a moment, and read in threads
        command(stack.kubeconfig, "status", stack.namespace, "--watch", "1", "--json"),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=environment(),
    )
    assert watching.stdout is not None
    try:
        first = json.loads(await asyncio.to_thread(watching.stdout.readline))
        stack.proxy.cut("hang")
        away = await stack.until(
            lambda s: s.age_s > OUTAGE_S / 2 and "target" in s.unavailable,
            "the last picture, with its age",
            120,
        )
        assert away.pods
        assert away.ledger is not None
        await stack.until(lambda s: s.age_s > OUTAGE_S, "a minute's age", 120)
        stack.proxy.mend()
        back = await stack.until(
            lambda s: s.age_s == 0 and "target" not in s.unavailable, "the server again", 60
        )
        after = await stack.until(
            lambda s: s.report_age_s is not None and s.report_age_s < 3 and delivered(s) > delivered(before),
            "news",
        )
        # The load went on in the cluster: what was delivered meanwhile is about what was offered.
        assert delivered(after) - delivered(before) > OUTAGE_S * RATE * SCALE / 4
        assert back.run.run_id == before.run.run_id
        lines = [first]
        while lines[-1]["age_s"] or delivered_json(lines[-1]) < delivered(after):
            lines.append(json.loads(await asyncio.to_thread(watching.stdout.readline)))
        assert max(line["age_s"] for line in lines) > OUTAGE_S / 2
        assert watching.poll() is None
    finally:
        stack.proxy.mend()
        watching.terminate()
        await asyncio.to_thread(watching.wait, 20)


def delivered_json(snapshot: dict[str, Any]) -> int:
    """`delivered` of a snapshot as it is printed."""
    groups = (snapshot["ledger"] or {}).get("groups", {})
    return min((groups[name]["delivered"] for name in GROUPS if name in groups), default=0)


async def test_nothing_was_lost_and_a_recount_agrees(stack: Stack) -> None:
    done = await asyncio.to_thread(stack.kapture, "scale", stack.namespace, "data-loader=0", "--yes")
    assert done.returncode == 0, done.stderr
    seen = await stack.until(lambda s: s.drained, "drained")
    ledger = seen.ledger
    assert ledger is not None
    for name in GROUPS:
        group = ledger.groups[name]
        assert (group.lost, group.duplicated, group.unexpected) == (0, 0, 0), (name, group)
        assert group.delivered == ledger.acked + group.recovered, (name, group, ledger.acked)
    counted = await recount(stack.api, stack.namespace)
    assert counted["written_twice"] == 0
    assert counted["messages"] == counted["orders"] == ledger.groups["etl"].delivered
    # Its pod was deleted on the way, with all it knew: the sink has read everything again.
    assert (counted["redis_orders"], counted["redis_cents"]) == (counted["orders"], counted["cents"])


async def test_a_broker_can_be_done_without_until_the_end(stack: Stack) -> None:
    await stack.target.lose_one(_component("kafka"))

    def one_less(seen: Snapshot) -> bool:
        brokers = [pod.name for pod in seen.pods if pod.component == "kafka"]
        return (
            brokers == ["kafka-0", "kafka-1"] and seen.kafka is not None and seen.kafka.brokers == SCALE - 1
        )

    await stack.until(one_less, "one broker less")


async def test_down_leaves_nothing_but_what_was_there(stack: Stack) -> None:
    done = await asyncio.to_thread(stack.kapture, "down", stack.namespace, "--yes")
    assert done.returncode == 0, done.stderr
    assert "nothing left" in done.stderr
    core = f"/api/v1/namespaces/{stack.namespace}"
    apps = f"/apis/apps/v1/namespaces/{stack.namespace}"
    left = []
    for path in (
        f"{core}/pods",
        f"{core}/services",
        f"{core}/configmaps",
        f"{core}/secrets",
        f"{apps}/deployments",
    ):
        left += [item["metadata"]["name"] for item in (await stack.api.request("GET", path))["items"]]
    left += [
        item["metadata"]["name"]
        for path in (f"{apps}/statefulsets", f"{core}/persistentvolumeclaims")
        for item in (await stack.api.request("GET", path))["items"]
    ]
    assert sorted(left) == ["kube-root-ca.crt", "theirs"]
