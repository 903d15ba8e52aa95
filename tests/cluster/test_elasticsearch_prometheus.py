"""A stack with Elasticsearch and Prometheus: each is asked by its own API, through the service proxy of the cluster."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import yaml

from kapture_tui.model.snapshot import Snapshot
from kapture_tui.model.spec import Component
from kapture_tui.resources import manifests_dir
from kapture_tui.targets import Connection
from kapture_tui.targets.kubernetes.api import Api
from kapture_tui.targets.kubernetes.target import KubernetesTarget
from kapture_tui.telemetry import Hub
from tests.cluster.recounting import recount
from tests.cluster.test_stack import delivered, environment

pytestmark = [pytest.mark.thorough, pytest.mark.timeout(1800)]

GROUPS = {"etl", "etl-redis", "etl-elasticsearch"}
WAIT_S = 600.0
COMPONENT = manifests_dir() / "components" / "prometheus"
ABSENT = ("postgres", "mongo", "webapp", "spout")
"""What this stack does not have, so that the dashboard has no data for it."""


async def test_totals_after_the_server_came_back_empty_and_every_query_of_the_dashboard(
    api: Api, namespace: str
) -> None:
    words = ("up", namespace, "1", "-rep", "--rate", "40", "-c", "300", "--yes")
    await kapture(*words)
    target = KubernetesTarget(namespace, Connection())
    hub = Hub(target)
    try:
        flowing = await until(hub, lambda s: delivered(s) > 500 and bool(s.elasticsearch), "transactions")
        assert set(flowing.ledger.groups) == GROUPS if flowing.ledger else False
        # Without a claimed volume it comes back without its data, and the sink reads everything again.
        await api.request("DELETE", f"/api/v1/namespaces/{namespace}/pods/elasticsearch-0")
        await until(hub, lambda s: redelivered(s) >= 500, "the sink reads again")
        await until(hub, lambda s: shows(s, "index_per_s") and shows(s, "docs"), "figures")
        await every_query_has_data(api, namespace)
        await target.scale(Component.LOADER, 0)
        final = await until(hub, lambda s: s.drained, "drained")
        assert final.ledger is not None
        for name in GROUPS:
            group = final.ledger.groups[name]
            assert (group.lost, group.duplicated, group.unexpected) == (0, 0, 0), (name, group)
        counted = await recount(api, namespace)
        found = await customer_totals(api, namespace)
        assert found == {int(customer): tuple(total) for customer, total in counted["customers"].items()}
    finally:
        await target.close()


async def kapture(*words: str) -> None:
    """One command line of ours, as whoever KUBECONFIG says we are."""
    import os
    import sys

    env = environment() | {"KUBECONFIG": os.environ["KUBECONFIG"]}
    line = (sys.executable, "-m", "kapture_tui", *words, "--target", "kubernetes")
    process = await asyncio.create_subprocess_exec(*line, env=env, stderr=asyncio.subprocess.PIPE)
    _, said = await process.communicate()
    assert process.returncode == 0, said.decode()


async def until(hub: Hub, wanted: Any, what: str) -> Snapshot:
    """The first snapshot that is as wanted."""
    last = Snapshot()
    try:
        async with asyncio.timeout(WAIT_S):
            async for last in hub.snapshots():
                if wanted(last):
                    return last
    except TimeoutError:
        pass
    raise AssertionError(f"not seen: {what}; last: {last}")


def redelivered(snapshot: Snapshot) -> int:
    groups = snapshot.ledger.groups if snapshot.ledger else {}
    return groups["etl-elasticsearch"].redelivered if "etl-elasticsearch" in groups else 0


def shows(snapshot: Snapshot, figure: str) -> bool:
    return bool((snapshot.elasticsearch or {}).get(figure))


# --- Elasticsearch --------------------------------------------------------------------------------------------


async def search(api: Api, namespace: str, path: str, body: Any = None) -> Any:
    proxy = f"/api/v1/namespaces/{namespace}/services/elasticsearch:9200/proxy"
    return await api.request("POST", f"{proxy}/kapture-transactions-*/{path}", body=body, timeout_s=60)


async def customer_totals(api: Api, namespace: str) -> dict[int, tuple[int, int]]:
    """Orders and cents of every customer, summed up by the server."""
    await search(api, namespace, "_refresh")
    by_customer = {"size": 10_000, "sources": [{"customer": {"terms": {"field": "customer.id"}}}]}
    spent = {"spent": {"sum": {"field": "cents"}}}
    wanted = {"size": 0, "aggs": {"all": {"composite": by_customer, "aggs": spent}}}
    found = (await search(api, namespace, "_search", wanted))["aggregations"]["all"]["buckets"]
    assert len(found) < 10_000
    return {b["key"]["customer"]: (b["doc_count"], round(b["spent"]["value"])) for b in found}


# --- Prometheus --------------------------------------------------------------------------------------------


def queries() -> Iterator[str]:
    """Those of the dashboard, of parts that this stack has, and what the rules record."""
    for panel in json.loads((COMPONENT / "kapture.json").read_text())["panels"]:
        for target in panel.get("targets", ()):
            if not any(f"kapture_{part}_" in target["expr"] for part in ABSENT):
                yield target["expr"]
    for group in yaml.safe_load((COMPONENT / "rules.yml").read_text())["groups"]:
        yield from (rule["record"] for rule in group["rules"])


async def every_query_has_data(api: Api, namespace: str) -> None:
    """Wait until each has; one that never has is named."""
    waiting = set(queries())
    assert len(waiting) > 30
    try:
        async with asyncio.timeout(WAIT_S):
            while waiting:
                await asyncio.sleep(2)
                waiting = {query for query in waiting if not await has_data(api, namespace, query)}
    except TimeoutError:
        raise AssertionError(f"no data: {sorted(waiting)}") from None


async def has_data(api: Api, namespace: str, query: str) -> bool:
    path = f"/api/v1/namespaces/{namespace}/services/prometheus:9090/proxy/api/v1/query"
    answer: Mapping[str, Any] = await api.request("GET", path, query={"query": query})
    assert answer["status"] == "success", answer
    return any(not math.isnan(float(sample["value"][1])) for sample in answer["data"]["result"])
