"""`bench` on a cluster: how sure a short run is, and whether an ETL with half of its CPU is found out."""

from __future__ import annotations

import os
import secrets
from functools import partial
from pathlib import Path

import pytest
import yaml

from kapture_tui.bench.campaign import Campaign
from kapture_tui.bench.judge import Objectives
from kapture_tui.bench.live import LiveSite
from kapture_tui.bench.result import Asked, Result, Status
from kapture_tui.bench.score import Verdict, compare
from kapture_tui.bench.search import Plan, look
from kapture_tui.bench.store import read, write
from kapture_tui.model.spec import ClusterSpec, Component, LoadSpec, StackSpec
from kapture_tui.resources import manifests_dir
from kapture_tui.targets import Connection
from kapture_tui.targets.kubernetes.target import KubernetesTarget

pytestmark = [pytest.mark.verdict, pytest.mark.timeout(7200)]

REPEATS = 3
"""Enough to find a factor of two."""

SURE = 6
"""The default of --repeats: with three, 90 % of t are 2.9 standard errors, and an interval says little."""

PLAN = Plan(start=1000.0, stairs=10, explore_s=5.0, stair_s=8.0, confirm_s=15.0)
"""The least that a short --budget gives."""

LOAD = LoadSpec(customers=500)
REDIS = frozenset({Component.REDIS})


def overlay(folder: Path, cores: str) -> Path:
    """A kustomization that limits the ETL's CPU."""
    folder.mkdir()
    home = manifests_dir()
    patch = [
        {"op": "add", "path": "/spec/template/spec/containers/0/resources/limits/cpu", "value": cores},
        {"op": "replace", "path": "/spec/template/spec/containers/0/resources/requests/cpu", "value": cores},
    ]
    kustomization = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": [os.path.relpath(home / "base", folder)],
        "components": [os.path.relpath(home / "components" / "redis", folder)],
        "patches": [{"target": {"kind": "Deployment", "name": "etl"}, "patch": yaml.safe_dump(patch)}],
    }
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(kustomization), encoding="utf-8")
    return folder


async def measured(name: str, tmp_path: Path, cluster: ClusterSpec, repeats: int = REPEATS) -> Result:
    """A short run of `bench NAMESPACE 1 -r`; its file."""
    namespace = f"bench-{name}-{secrets.token_hex(2)}"
    target = KubernetesTarget(namespace, Connection())
    site = LiveSite(
        target, StackSpec(namespace, 1, REDIS, LOAD, cluster=cluster), Objectives(), PLAN.start, print
    )
    asked = Asked("kubernetes", (1,), ("redis",), LOAD, repeats, 20.0, 1000.0)
    path = tmp_path / f"{name}.json"
    campaign = Campaign(Result(name, asked), partial(look, PLAN), site, partial(write, path))
    try:
        async for one in campaign.run():
            print(
                [(round(t.trial.rate), t.judgement, t.result.bottleneck) for t in one.search.tried[-1:]],
                flush=True,
            )
    finally:
        await target.close()
    found = read(path)
    assert found.status is Status.COMPLETE, found.reason
    return found


async def test_an_etl_with_half_of_its_cpu_is_slower_and_named(tmp_path: Path) -> None:
    usual = await measured("usual", tmp_path, ClusterSpec(kustomize=str(overlay(tmp_path / "usual", "100m"))))
    halved = await measured(
        "halved", tmp_path, ClusterSpec(kustomize=str(overlay(tmp_path / "halved", "50m")))
    )
    found = compare(usual.capacities(), halved.capacities())
    assert found.verdict is Verdict.SLOWER, found
    assert next(iter(halved.bottlenecks)) == "etl"


async def test_a_short_run_is_sure_to_eight_percent(tmp_path: Path) -> None:
    found = await measured("short", tmp_path, ClusterSpec(), SURE)
    assert found.score is not None
    assert found.score.half_width is not None
    assert found.score.half_width <= 0.08, found.score
