"""The console on a cluster: which one, who asks before it is changed, and what may not be done there."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import replace

import pytest

from kapture_tui.model.errors import NotAllowed, Unreachable, UsageError
from kapture_tui.model.snapshot import Snapshot
from kapture_tui.model.spec import ClusterSpec, Component, StackSpec
from kapture_tui.targets.base import Connection, Finding, Place
from kapture_tui.targets.kubernetes.kubeconfig import ContextInfo
from kapture_tui.tui.actions import removal
from kapture_tui.tui.screens.dashboard import Dashboard
from kapture_tui.tui.screens.dialogs import Choice, Question, Scale, Teardown
from kapture_tui.tui.screens.reading import Help
from kapture_tui.tui.screens.setup import SetupScreen
from kapture_tui.tui.screens.steps import DeployScreen
from tests.tui import sample
from tests.tui.fake import ScriptedTarget
from tests.tui.stage import LARGE, SMALL, Stagehand, compare_picture, console, dashboard

CONTEXTS = (
    ContextInfo("lab", "lab", "https://lab:6443", "jay", "pets", current=True),
    ContextInfo("prod", "prod", "https://prod:6443", "jay", "default", current=False),
)
SPEC = StackSpec("perf-test", 2, frozenset({Component.REDIS}))
FINDINGS = (Finding("metrics", True, "metrics-server answers"), Finding("nodes", True, "1 node"))
AWAY = Unreachable("reaching https://lab:6443", "connection refused", "check the VPN")
THERE = Place("lab", "https://lab:6443", "jay", "perf-test", exists=True)


def cluster(**script: object) -> ScriptedTarget:
    return ScriptedTarget(**{"name": "kubernetes", "findings": FINDINGS, **script})  # type: ignore[arg-type]


async def namespaces(_: Connection) -> Sequence[str]:
    return ["default", "kube-system", "perf-test", "pets"]


def setup(
    size: tuple[int, int] = SMALL, opened: ScriptedTarget | None = None, **options: object
) -> AbstractAsyncContextManager[Stagehand]:
    """A console that begins on the cluster."""
    given = {"contexts": lambda _: CONTEXTS, "namespaces": namespaces, "spec": SPEC, "at": "kubernetes"}
    return console(size, opened or cluster(), **{**given, **options})  # type: ignore[arg-type]


def on_lab(snapshot: Snapshot, **run: object) -> Snapshot:
    """The same stack on a cluster."""
    pods = tuple(replace(pod, node="node-1") for pod in snapshot.pods)
    return replace(snapshot, run=replace(snapshot.run, target="kubernetes"), pods=pods, **run)


def attached(
    *snapshots: Snapshot, opened: ScriptedTarget | None = None, **options: object
) -> AbstractAsyncContextManager[Stagehand]:
    """A console that watches a stack on the cluster."""
    target = opened or cluster(where=THERE)
    return dashboard(*snapshots, target=target, at="kubernetes", **options)  # type: ignore[arg-type]


def select(stage: Stagehand, key: str) -> None:
    assert isinstance(stage.app.screen, SetupScreen)
    stage.app.screen.main.select(key)


async def answered(stage: Stagehand) -> None:
    await stage.until(lambda: "as jay" in stage.text())


# Setup


@pytest.mark.parametrize("size", [SMALL, LARGE])
async def test_the_chosen_cluster_says_where_and_who_and_what_starts(size: tuple[int, int]) -> None:
    async with setup(size) as stage:
        await answered(stage)
        assert "● cluster          lab  https://lab:6443 as jay" in stage.line("cluster ")
        assert "which will be made" in stage.line("namespace   ")
        assert "makes the namespace and starts 10 pods in perf-test on lab" in stage.text()


async def test_a_cluster_is_chosen_with_space_and_this_machine_again() -> None:
    async with setup(at="local") as stage:
        assert "○ cluster          lab  https://lab:6443" in stage.line("cluster ")
        select(stage, "where/kubernetes")
        await stage.press("space")
        await answered(stage)
        assert "● cluster" in stage.text()
        select(stage, "where/local")
        await stage.press("space")
        assert "● this machine" in stage.text()
        assert "starts 19 processes" in stage.text()


async def test_another_context_is_chosen_from_a_list() -> None:
    async with setup() as stage:
        await answered(stage)
        select(stage, "where/kubernetes")
        await stage.press("space")
        await stage.until_on(Choice)
        assert "https://prod:6443 as jay" in stage.line("prod")
        await stage.press("down", "enter")
        await stage.until(lambda: "● cluster          prod" in stage.text())


async def test_namespaces_that_are_there_are_offered_without_the_clusters_own() -> None:
    async with setup() as stage:
        await answered(stage)
        select(stage, "field/namespace")
        await stage.press("space")
        await stage.until_on(Choice)
        assert "kube-system" not in stage.text()
        await stage.press("down", "enter")
        assert "[pets" in stage.line("namespace   ")


async def test_namespaces_that_may_not_be_listed_are_typed() -> None:
    async def forbidden(_: Connection) -> Sequence[str]:
        raise NotAllowed("listing namespaces", "user 'jay' may not list namespaces")

    async with setup(namespaces=forbidden) as stage:
        select(stage, "field/namespace")
        await stage.press("space")
        await stage.until(lambda: "may not list namespaces" in stage.lines()[-1])
        await stage.press("m", "e")
        assert "[me" in stage.line("namespace   ")


async def test_the_clusters_own_namespaces_are_refused() -> None:
    async with setup(spec=replace(SPEC, namespace="kube-x")) as stage:
        await stage.press("enter")
        assert "is the cluster's own" in stage.text()
        assert stage.target.done == []


async def test_an_unreachable_cluster_says_so_and_the_screen_stays_usable() -> None:
    async with setup(opened=cluster(where=AWAY)) as stage:
        await stage.until(lambda: "connection refused" in stage.text())
        assert "not yet: lab cannot be used" in stage.text()
        await stage.press("enter")
        assert isinstance(stage.app.screen, SetupScreen)
        await stage.press("4")
        assert "4 loaders" in stage.text()


async def test_a_cluster_that_is_silent_blocks_nothing() -> None:
    class Silent(ScriptedTarget):
        async def place(self) -> Place:
            await asyncio.Event().wait()
            raise AssertionError

    async with setup(opened=Silent(name="kubernetes")) as stage:
        await stage.until(lambda: "asking lab…" in stage.text())
        await stage.press("4", "enter")
        assert "4 loaders" in stage.text()
        assert "asking lab…" in stage.lines()[-1]
        select(stage, "where/local")
        await stage.press("space")
        await stage.until(lambda: "valkey 9.1" in stage.text())


async def test_what_is_fatal_keeps_it_from_starting() -> None:
    quota = Finding("quota", False, "cpu: 2 asked for, 1 left", "ask for more", fatal=True)
    async with setup(opened=cluster(findings=(quota,))) as stage:
        await stage.until(lambda: "not yet: quota, cpu: 2 asked for, 1 left" in stage.text())
        await stage.press("enter")
        assert isinstance(stage.app.screen, SetupScreen)


async def test_a_broken_kubeconfig_leaves_this_machine() -> None:
    def broken(_: Connection) -> Sequence[ContextInfo]:
        raise UsageError("reading the kubeconfig", "line 3: not YAML")

    async with setup(at="local", contexts=broken) as stage:
        await stage.until(lambda: "line 3: not YAML" in stage.text())
        await stage.press("enter")
        await stage.until_on(Dashboard)


async def test_no_is_in_focus_and_changes_nothing() -> None:
    async with setup() as stage:
        await answered(stage)
        await stage.press("enter")
        await stage.until_on(Question)
        for part in ("lab", "https://lab:6443", "jay", "perf-test, which will be made", "10 pods: 2 kafka"):
            assert part in stage.text()
        await stage.press("enter")
        assert stage.target.done == []
        await stage.press("enter", "right", "enter")
        await stage.until_on(Dashboard)
        assert stage.target.done == [("deploy", SPEC)]


async def test_yes_asks_nothing() -> None:
    async with setup(yes=True) as stage:
        await answered(stage)
        await stage.press("enter")
        await stage.until_on(Dashboard)


async def test_what_may_not_be_deployed_is_said_and_not_tried() -> None:
    async with setup(opened=cluster(missing={"deploy": "create statefulsets in perf-test"})) as stage:
        await stage.until(lambda: "you may not create statefulsets in perf-test" in stage.text())
        await stage.press("enter")
        assert isinstance(stage.app.screen, SetupScreen)
        assert "you may not create statefulsets" in stage.lines()[-1]


async def test_servers_of_this_machine_do_not_go_to_the_cluster() -> None:
    spec = replace(
        SPEC, kafka_home="/opt/kafka", urls={"redis": "redis://x"}, cluster=ClusterSpec(image="me/x")
    )
    async with setup(spec=spec, yes=True) as stage:
        await answered(stage)
        await stage.press("enter")
        await stage.until_on(Dashboard)
        assert stage.target.done == [("deploy", replace(spec, kafka_home=None, urls={}))]


# The dashboard


async def test_the_first_change_asks_and_later_ones_do_not() -> None:
    async with attached(on_lab(sample.snapshot())) as stage:
        await stage.press("plus")
        await stage.until_on(Question)
        assert "one loader more" in stage.text()
        await stage.press("enter")
        assert stage.target.done == []
        await stage.press("plus")
        await stage.until_on(Question)
        await stage.press("right", "enter")
        await stage.until(lambda: stage.target.done == [("scale", "data-loader", 3)])
        await stage.press("plus")
        await stage.until(lambda: stage.target.done[-1] == ("scale", "data-loader", 4))


RIGHTS = {"scale": "patch deployments/scale in perf-test", "destroy": "delete pods in perf-test"}


async def test_what_may_not_be_done_is_greyed_with_the_missing_right() -> None:
    async with attached(on_lab(sample.snapshot()), opened=cluster(where=THERE, missing=RIGHTS)) as stage:
        await stage.until(lambda: bool(stage.app.session.denied))
        for key, right in (("plus", "scale"), ("s", "scale"), ("D", "destroy")):
            await stage.press(key)
            assert f"you may not {RIGHTS[right]}" in stage.lines()[-1]
        assert not isinstance(stage.app.screen, Scale | Teardown)
        await stage.press("question_mark")
        await stage.until_on(Help)
        await stage.press("pagedown")
        assert "you may not patch deployments/scale in perf-test" in stage.text()
        assert stage.target.done == []


async def test_the_palette_says_why_something_is_off() -> None:
    async with attached(on_lab(sample.snapshot()), opened=cluster(where=THERE, missing=RIGHTS)) as stage:
        await stage.until(lambda: bool(stage.app.session.denied))
        await stage.press("ctrl+p", *"number")
        await stage.until(lambda: "you may not patch deployments/scale" in stage.text())


def old(age_s: float = 31.0) -> Snapshot:
    why = "API server https://lab:6443 does not answer"
    return on_lab(sample.snapshot(252), age_s=age_s, unavailable={"target": why})


async def test_a_cluster_out_of_sight_leaves_the_last_picture_greyed_with_its_age_and_comes_back() -> None:
    async with attached(on_lab(sample.snapshot(251)), old(), size=LARGE) as stage:
        assert "31 s old: API server https://lab:6443 does not answer" in stage.lines()[0]
        assert "data-loader" in stage.text()
        colours = stage.app.role_styles
        assert {colours["dim"].color} == inside(stage)
        await stage.show(on_lab(sample.snapshot(253)))
        assert "old" not in stage.lines()[0]
        assert colours["spark"].color in inside(stage)


def inside(stage: Stagehand) -> set[object]:
    """Colours of what is drawn in the pods panel, the selection and the frame aside."""
    strips = list(stage.app.screen._compositor.render_strips())[5:8]
    chosen = stage.app.role_styles["text!"].bgcolor
    segments = (s for strip in strips for s in strip if s.style and s.text.strip(" │╮╭"))
    return {s.style.color for s in segments if s.style and s.style.bgcolor != chosen}


async def test_usage_that_is_old_shows_its_age() -> None:
    snapshot = on_lab(sample.snapshot())
    pods = tuple(replace(pod, sample_age_s=35.0) for pod in snapshot.pods)
    async with attached(replace(snapshot, pods=pods), size=LARGE) as stage:
        assert "35s ago" in stage.text()
        await stage.show(snapshot)
        assert "ago" not in stage.text()


async def test_nodes_are_shown_where_there_is_room() -> None:
    async with attached(on_lab(sample.snapshot()), size=LARGE) as stage:
        await stage.press("right")
        assert "node-1" in stage.line("data-loader-0")


async def test_leaving_says_that_it_stays_and_how_to_see_it_again() -> None:
    async with attached(on_lab(sample.snapshot()), connection=Connection(context="lab")) as stage:
        assert "quit, it stays" in stage.lines()[-1]
        assert "goes on running: kapture-tui attach perf-test --context lab" in stage.app.leaving()
        await stage.press("q")
        await stage.until(lambda: stage.app.return_value is not None)
        assert stage.app._epitaph == "perf-test goes on running: kapture-tui attach perf-test --context lab"
        assert stage.target.done == []
    assert stage.target.closed


async def test_leaving_while_it_starts_removes_nothing_on_a_cluster() -> None:
    opened = cluster(gate=asyncio.Semaphore(0))
    async with console(SMALL, opened, at="kubernetes", spec=SPEC, start=True, yes=True) as stage:
        await stage.until_on(DeployScreen)
        await stage.press("q")
        await stage.until(lambda: stage.app.return_value is not None)
        assert ("destroy",) not in opened.done


def test_a_teardown_tells_what_goes_and_what_stays() -> None:
    snapshot = on_lab(sample.snapshot())
    told = removal(snapshot, THERE)
    assert told.goes[0].startswith("9 pods: 2 data-loader")
    assert told.goes[1:3] == ("4 Deployments", "2 StatefulSets")
    assert told.stays == ("what is not of this stack", "the namespace perf-test")
    made = removal(snapshot, replace(THERE, exists=False), volumes=True)
    assert "the namespace perf-test, which was made for it" in made.goes
    assert made.stays[-1].startswith("claimed volumes and their data")
    assert "unless it was made for the stack" in removal(snapshot).stays[1]


# Pictures


async def test_pictures_of_the_setup_and_its_question() -> None:
    async with setup() as stage:
        await answered(stage)
        compare_picture(stage, "cluster-setup-80x24")
        await stage.press("enter")
        await stage.until_on(Question)
        compare_picture(stage, "cluster-question-80x24")


async def test_pictures_of_the_dashboard_out_of_sight_and_of_the_teardown() -> None:
    async with attached(on_lab(sample.snapshot(251)), old(), size=LARGE) as stage:
        await stage.press("right")
        compare_picture(stage, "cluster-away-120x40")
        await stage.show(on_lab(sample.snapshot(253)))
        await stage.until(lambda: stage.app.session.place is not None)
        await stage.press("D")
        await stage.until_on(Teardown)
        compare_picture(stage, "cluster-teardown-120x40")


async def test_a_namespace_that_others_may_use_is_only_removed_by_its_name() -> None:
    async with attached(on_lab(sample.snapshot())) as stage:
        await stage.press("D")
        await stage.until_on(Teardown)
        assert "Others may use it: type perf-test to go on" in stage.text()
        await stage.press("right", "enter")
        assert isinstance(stage.app.screen, Dashboard)
        await stage.press("D", *"perf-tesx", "backspace", "t", "right", "enter")
        await stage.until(lambda: bool(stage.target.done))
        assert stage.target.done == [("destroy",)]


async def test_killing_says_where_and_no_has_the_focus() -> None:
    async with attached(on_lab(sample.snapshot()), size=LARGE) as stage:
        await stage.press("right", "down", "x")
        for part in ("lab", "https://lab:6443", "jay", "data-loader-0, at once"):
            assert part in stage.text()
        await stage.press("enter")
        assert stage.target.done == []


async def test_who_may_not_kill_is_told_the_missing_right() -> None:
    may_not = {"kill": "delete pods in perf-test"}
    async with attached(on_lab(sample.snapshot()), opened=cluster(where=THERE, missing=may_not)) as stage:
        await stage.until(lambda: bool(stage.app.session.denied))
        await stage.press("right", "down", "x")
        assert "you may not delete pods in perf-test" in stage.lines()[-1]
