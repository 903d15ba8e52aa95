"""Every component at once: all databases, the spout, the shop and Prometheus, each with what it should hold."""

from __future__ import annotations

import asyncio
import json
import os
from typing import Any

import pytest

from kapture_tui.model.spec import CHOICES, Component
from kapture_tui.targets.kubernetes.api import Api
from tests.cluster.prometheus import every_query_has_data
from tests.cluster.recounting import recount
from tests.cluster.test_stack import kapture

pytestmark = [pytest.mark.thorough, pytest.mark.timeout(1800)]

SINKS = ("redis", "elasticsearch", "postgres", "mongo")
GROUPS = ("etl", *(f"etl-{name}" for name in SINKS))


async def test_all_databases_agree_with_the_topics(api: Api, namespace: str) -> None:
    await the_others_are_gone(api, namespace)
    kubeconfig = os.environ["KUBECONFIG"]
    line = ("up", namespace, "3", "-erpomw", "--rate", "15", "--shoppers", "5", "-c", "300", "--for", "60")
    words = ("--drain", "600", "--keep", "--yes", "--json")
    done = await asyncio.to_thread(kapture, kubeconfig, *line, *words, timeout_s=1500)
    assert done.returncode == 0, done.stderr
    snapshot = json.loads(done.stdout.splitlines()[-1])
    assert_delivered(snapshot)
    assert_no_part_is_missing(snapshot)

    # Loaders, shop and shoppers have ended by now: their figures are a few minutes old.
    await every_query_has_data(api, namespace, not_counted(snapshot), within="15m")

    counted = await recount(api, namespace, "observer")
    assert counted["written_twice"] == 0
    assert counted["messages"] == snapshot["ledger"]["acked"]
    for name in SINKS:
        assert counted[f"{name}_customers"] == counted["customers"], name

    down = await asyncio.to_thread(kapture, kubeconfig, "down", namespace, "--yes")
    assert down.returncode == 0, down.stderr
    assert "nothing left" in down.stderr


def not_counted(snapshot: dict[str, Any]) -> tuple[str, ...]:
    """FerretDB does not count its connections, which the Snapshot says."""
    return ("mongo_connections",) if "mongo.connections" in snapshot["unavailable"] else ()


async def the_others_are_gone(api: Api, namespace: str) -> None:
    """Everything at once takes nearly all of two cores, and stacks of earlier tests may still be ending."""
    async with asyncio.timeout(300):
        while True:
            found = await api.request("GET", "/api/v1/namespaces")
            names = {item["metadata"]["name"] for item in found["items"]}
            if not {name for name in names if name.startswith("kapture-test-")} - {namespace}:
                return
            await asyncio.sleep(2)


def assert_delivered(snapshot: dict[str, Any]) -> None:
    """Every group has every acknowledged message once, the shop's and the loaders' alike; the loop is closed."""
    ledger = snapshot["ledger"]
    assert set(ledger["groups"]) == set(GROUPS)
    for name, group in ledger["groups"].items():
        assert (group["lost"], group["duplicated"], group["unexpected"]) == (0, 0, 0), (name, group)
        assert group["delivered"] == ledger["acked"] + group["recovered"], name
    kinds = {row["name"].rpartition("-")[0].rpartition("-")[0] for row in snapshot["loaders"]}
    assert {"data-loader", "webapp"} <= kinds
    restock = ledger["restock"]["groups"]["etl"]
    assert (restock["lost"], restock["unexpected"]) == (0, 0)
    assert restock["delivered"] == ledger["restock"]["acked"] > 0


def assert_no_part_is_missing(snapshot: dict[str, Any]) -> None:
    """Every part of the stack has real figures."""
    for part in (*SINKS, "webapp", "spout"):
        assert snapshot[part], (part, snapshot["unavailable"])
    there = {row["component"] for row in snapshot["pods"]}
    stopped = {Component.WEBAPP}  # sends orders, so it ends before the drain, as the loaders do
    assert {c.value for c in set(CHOICES) - {Component.ZOOKEEPER} - stopped} <= there
    assert all(
        row["cpu_cores"] is not None and row["memory_bytes"] for row in snapshot["pods"] if row["ready"]
    )
    assert snapshot["elasticsearch"]["docs"] > 0
    assert snapshot["postgres"]["rows"] > 0
    assert snapshot["redis"]["ops_per_s"] > 0
    assert {route["per_s"] is not None for route in snapshot["webapp"]["routes"].values()} == {True}
