"""A stack with Elasticsearch and Prometheus: each is asked by its own API, through the service proxy of the cluster."""

from __future__ import annotations

from typing import Any

import pytest

from kapture_tui.model.snapshot import Snapshot
from kapture_tui.targets.kubernetes.api import Api
from tests.cluster.prometheus import every_query_has_data
from tests.cluster.recounting import recount
from tests.cluster.stacks import exact, running
from tests.watching import delivered

pytestmark = [pytest.mark.thorough, pytest.mark.timeout(1800)]

GROUPS = {"etl", "etl-redis", "etl-elasticsearch"}
ABSENT = ("postgres", "mongo", "webapp", "spout")
"""What this stack does not have, so that the dashboard has no data for it."""


async def test_totals_after_the_server_came_back_empty_and_every_query_of_the_dashboard(
    api: Api, namespace: str
) -> None:
    async with running(api, namespace, "-rep", "--rate", "40") as stack:
        flowing = await stack.until(lambda s: delivered(s) > 500 and bool(s.elasticsearch), "transactions")
        assert flowing.ledger is not None
        assert set(flowing.ledger.groups) == GROUPS
        # Without a claimed volume it comes back without its data, and the sink reads everything again.
        await stack.delete_pod("elasticsearch-0")
        await stack.until(lambda s: redelivered(s) >= 500, "the sink reads again")
        await stack.until(lambda s: shows(s, "index_per_s") and shows(s, "docs"), "figures")
        await every_query_has_data(api, namespace, ABSENT)
        final = await stack.drain()
        for name in GROUPS:
            exact(final, name)
        counted = await recount(api, namespace)
        found = await customer_totals(api, namespace)
        assert found == {int(customer): tuple(total) for customer, total in counted["customers"].items()}


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
