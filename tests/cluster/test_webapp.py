"""The shop on the cluster: deployed by a user with few rights, visited, killed in mid-run, and nothing is lost."""

from __future__ import annotations

import asyncio
from pathlib import Path
from urllib.parse import urlencode

import pytest

from kapture_tui.model.snapshot import Snapshot
from kapture_tui.targets import Connection
from kapture_tui.targets.kubernetes.api import Api
from kapture_tui.targets.kubernetes.target import KubernetesTarget
from kapture_tui.telemetry import Hub
from kapture_tui.workload.shoppers import SHARES
from tests.cluster.recounting import recount
from tests.cluster.test_stack import kapture
from tests.watching import until

pytestmark = [pytest.mark.thorough, pytest.mark.timeout(900)]

WAIT_S = 240.0
FORM = "application/x-www-form-urlencoded"


def routes_are_known(snapshot: Snapshot) -> bool:
    """Whether each route has been visited lately, and well."""
    found = (snapshot.webapp or {}).get("routes", {})
    routes = [found.get(name, {}) for name in SHARES]
    return all(r.get("per_s") and r["latency_ms"]["p99"] and r["errors_per_s"] == 0 for r in routes)


def shops(snapshot: Snapshot) -> dict[str, int]:
    """What each shop has had acknowledged."""
    return {row.name: row.acked for row in snapshot.loaders if row.name.startswith("webapp")}


async def test_a_shop_that_people_and_shoppers_visit_and_that_is_killed(
    api: Api, namespace: str, user: Path
) -> None:
    line = ("up", namespace, "1", "-rw", "--rate", "50", "--shoppers", "10", "--yes")
    done = await asyncio.to_thread(kapture, user, *line)
    assert done.returncode == 0, done.stderr
    target = KubernetesTarget(namespace, Connection(str(user)))
    hub = Hub(target)
    try:
        seen = await until(hub, routes_are_known, "figures of every route", WAIT_S)
        assert f"kubectl port-forward -n {namespace} service/webapp" in seen.run.addresses["webapp"]
        shop = f"/api/v1/namespaces/{namespace}/services/webapp:8080/proxy"
        page = (await api.raw("GET", f"{shop}/states/CA")).body.decode()
        assert "Popular in CA" in page
        order = urlencode({"products": 3, "amount": 2, "state": "CA", "customer": 12345}).encode()
        thanks = await api.raw("POST", f"{shop}/orders", body=order, content_type=FORM)
        assert "Thank you" in thanks.body.decode()

        (victim,) = [row.name for row in seen.pods if row.component == "webapp"]
        pod = f"/api/v1/namespaces/{namespace}/pods/{victim}"
        await api.request("DELETE", pod, body={"gracePeriodSeconds": 0})
        await until(
            hub,
            lambda s: any(orders > 5 for name, orders in shops(s).items() if name != victim),
            "orders at another shop",
            WAIT_S,
        )
        stop = ("scale", namespace, "shoppers=0", "webapp=0", "data-loader=0", "--yes")
        done = await asyncio.to_thread(kapture, user, *stop)
        assert done.returncode == 0, done.stderr
        final = await until(hub, lambda s: s.drained, "drained", WAIT_S)
        assert final.ledger is not None
        counted = await recount(api, namespace)
        for name, group in final.ledger.groups.items():
            assert (group.lost, group.duplicated, group.unexpected) == (0, 0, 0), (name, group)
            assert group.delivered == counted["messages"] == final.ledger.acked + group.recovered, name
        assert (counted["redis_orders"], counted["redis_cents"]) == (counted["orders"], counted["cents"])
    finally:
        await target.close()
        done = await asyncio.to_thread(kapture, user, "down", namespace, "--yes")
    assert "nothing left" in done.stderr, done.stderr
