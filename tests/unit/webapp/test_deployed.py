"""The shop's pods, and what the shop changes about the rest of a stack."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kapture_tui.model.errors import UsageError
from kapture_tui.model.spec import Component, LoadSpec, StackSpec
from kapture_tui.stack.render import scaled
from kapture_tui.targets.local.stack import stop_order
from kapture_tui.workload.settings import Settings
from tests.unit.stack.samples import REDIS, containers, pods_of, rendered, stack

SHOP = REDIS | {Component.WEBAPP}


def test_pods_run_the_workload_and_are_restricted() -> None:
    spec = replace(stack(components=SHOP), load=LoadSpec(shoppers=7))
    objects = rendered(spec)
    pods = pods_of(objects)
    for name in ("webapp", "shoppers"):
        (container,) = pods[name]["containers"]
        assert container["command"][-1] == name
        assert pods[name]["securityContext"]["runAsNonRoot"] is True
        for each in containers(pods[name]):
            assert each["securityContext"]["readOnlyRootFilesystem"] is True
            assert each["securityContext"]["capabilities"] == {"drop": ["ALL"]}
            assert "cpu" not in each["resources"]["limits"]
    assert objects["ConfigMap", "workload"]["data"]["KAPTURE_SHOPPERS"] == "7"
    assert {"webapp", "shoppers"} <= scaled()


def test_shoppers_are_told_where_the_service_is() -> None:
    objects = rendered(stack(components=SHOP))
    (port,) = objects["Service", "webapp"]["spec"]["ports"]
    (container,) = pods_of(objects)["shoppers"]["containers"]
    env = {entry["name"]: entry.get("value", "") for entry in container["env"]}
    told = Settings.from_env(env | {"KAPTURE_NAME": "x", "KAPTURE_RUN_ID": "r", "KAPTURE_BOOTSTRAP": "b"})
    assert told.webapp == f"http://webapp:{port['port']}"
    assert told.urls == {}
    (webapp,) = pods_of(objects)["webapp"]["containers"]
    ports = {entry["name"]: entry["containerPort"] for entry in webapp["ports"]}
    assert ports[port["targetPort"]] == 8080
    assert {"name": "KAPTURE_PORT", "value": "8080"} in webapp["env"]


def test_what_sends_stops_before_what_reads() -> None:
    order = stop_order(StackSpec("n", components=SHOP))
    place = {component: rank for rank, components in enumerate(order) for component in components}
    assert place[Component.SHOPPERS] < place[Component.WEBAPP] == place[Component.LOADER]
    assert place[Component.WEBAPP] < place[Component.ETL] < place[Component.REDIS]


def test_settings_travel_through_the_environment() -> None:
    settings = Settings("shoppers-0", "r", "b", webapp="http://h:1", load=LoadSpec(shoppers=9))
    assert Settings.from_env(settings.to_env()) == settings


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        (StackSpec("n", components=frozenset({Component.WEBAPP})), "add Redis"),
        (StackSpec("n", components=SHOP, load=LoadSpec(shoppers=0)), "must be 1 or more"),
        (StackSpec("n", components=SHOP, load=LoadSpec(shoppers=1001)), "scale the shoppers"),
    ],
)
def test_what_cannot_be_meant(spec: StackSpec, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        spec.check()
