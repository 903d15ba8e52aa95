"""The Prometheus of a stack on the cluster, asked through the service proxy."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Collection, Iterator, Mapping
from typing import Any

import yaml

from kapture_tui.resources import manifests_dir
from kapture_tui.targets.kubernetes.api import Api

COMPONENT = manifests_dir() / "components" / "prometheus"
WAIT_S = 600.0


def queries(absent: Collection[str] = ()) -> Iterator[str]:
    """Those of the dashboard and what the rules record, but for parts, or figures, that a stack does not have."""

    def is_there(expression: str) -> bool:
        return not any(f"kapture_{part}" in expression for part in absent)

    for panel in json.loads((COMPONENT / "kapture.json").read_text())["panels"]:
        yield from (target["expr"] for target in panel.get("targets", ()) if is_there(target["expr"]))
    for group in yaml.safe_load((COMPONENT / "rules.yml").read_text())["groups"]:
        yield from (rule["record"] for rule in group["rules"] if is_there(rule["expr"]))


async def every_query_has_data(
    api: Api, namespace: str, absent: Collection[str] = (), within: str = ""
) -> None:
    """Wait until each has; one that never has is named.

    Args:
        within: "15m": it is enough if there was data at some time of the last quarter of an hour; "": there is now.
    """
    waiting = set(queries(absent))
    assert len(waiting) > 30
    try:
        async with asyncio.timeout(WAIT_S):
            while waiting:
                await asyncio.sleep(2)
                waiting = {query for query in waiting if not await _has_data(api, namespace, query, within)}
    except TimeoutError:
        raise AssertionError(f"no data: {sorted(waiting)}") from None


async def _has_data(api: Api, namespace: str, query: str, within: str) -> bool:
    path = f"/api/v1/namespaces/{namespace}/services/prometheus:9090/proxy/api/v1/query"
    asked = f"max_over_time(({query})[{within}:5s])" if within else query
    answer: Mapping[str, Any] = await api.request("GET", path, query={"query": asked})
    assert answer["status"] == "success", answer
    return any(not math.isnan(float(sample["value"][1])) for sample in answer["data"]["result"])
