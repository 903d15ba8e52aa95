"""Deploying and tearing down, step by step."""

from __future__ import annotations

import asyncio

import pytest

from kapture_tui.model.errors import KaptureError, Unreachable
from kapture_tui.model.event import Event, EventKind
from kapture_tui.model.spec import StackSpec
from kapture_tui.tui.screens.dashboard import Dashboard
from kapture_tui.tui.screens.setup import SetupScreen
from kapture_tui.tui.screens.steps import DeployScreen, TeardownScreen
from tests.tui import sample
from tests.tui.fake import ScriptedTarget, deploy_events, step
from tests.tui.stage import Stagehand, console, dashboard

FAILURE = Unreachable("starting the broker", "exit code 1: no space left", "free some space")


def gated(**script: object) -> ScriptedTarget:
    return ScriptedTarget(gate=asyncio.Semaphore(0), **script)  # type: ignore[arg-type]


def let(stage: Stagehand, events: int) -> None:
    """Let so many more events come."""
    assert stage.target.gate is not None
    for _ in range(events):
        stage.target.gate.release()


SPEC = StackSpec("perf-test", 2)


async def test_every_step_is_shown_with_its_time_and_then_comes_the_dashboard() -> None:
    async with console(target=gated(), spec=SPEC, start=True) as stage:
        await stage.until(lambda: "● supervisor" in stage.text())
        let(stage, 4)
        await stage.until(lambda: "● redis" in stage.text())
        assert "✓ supervisor  supervisor listens" in stage.line("supervisor")
        assert stage.line("supervisor").rstrip(" │").endswith("0.21 s")
        assert stage.line("embedded broker").rstrip(" │").endswith("0.42 s")
        let(stage, len(deploy_events()))
        await stage.until_on(Dashboard)


@pytest.mark.parametrize("key", ["enter", "escape", "r"])
async def test_keys_that_mean_nothing_yet_do_nothing(key: str) -> None:
    async with console(target=gated(), spec=SPEC, start=True) as stage:
        await stage.until(lambda: "● supervisor" in stage.text())
        await stage.press(key)
        assert isinstance(stage.app.screen, DeployScreen)
        assert [verb for verb, *_ in stage.target.done] == ["deploy"]


async def test_a_failure_says_what_why_and_what_to_try_and_stays() -> None:
    script = [step("broker", "starting broker", False), FAILURE]
    async with console(target=ScriptedTarget(events=script), spec=SPEC, start=True) as stage:
        await stage.until(lambda: "failed" in stage.text())
        assert "✗ broker" in stage.text()
        assert "failed    starting the broker" in stage.text()
        assert "because   exit code 1: no space left" in stage.text()
        assert "try       free some space" in stage.text()
        assert "r try again" in stage.lines()[-1]
        await stage.press("q")
        assert stage.app.return_value == FAILURE.exit_code == 3
        assert ("destroy",) not in stage.target.done


async def test_after_a_failure_it_can_be_tried_again() -> None:
    target = ScriptedTarget(events=[FAILURE])
    async with console(target=target, spec=SPEC, start=True) as stage:
        await stage.until(lambda: "failed" in stage.text())
        target.events = deploy_events()
        await stage.press("r")
        await stage.until_on(Dashboard)
        assert target.done == [("deploy", SPEC), ("deploy", SPEC)]
        assert stage.app.failure is None


async def test_after_a_failure_the_setup_can_be_changed() -> None:
    async with console(target=ScriptedTarget(events=[FAILURE]), spec=SPEC, start=True) as stage:
        await stage.until(lambda: "failed" in stage.text())
        await stage.press("escape")
        await stage.until_on(SetupScreen)
        assert "[perf-test" in stage.line("name ")


async def test_quitting_while_it_starts_gives_up_and_removes_what_was_started() -> None:
    given_up: list[str] = []

    class Careful(ScriptedTarget):
        async def _play(self, script: object) -> object:  # type: ignore[override]
            try:
                async for event in super()._play(script):  # type: ignore[arg-type]
                    yield event
            except asyncio.CancelledError:
                given_up.append("deploy")
                raise

    target = Careful(gate=asyncio.Semaphore(0))
    async with console(target=target, spec=SPEC, start=True) as stage:
        await stage.until(lambda: "● supervisor" in stage.text())
        target.gate = None
        await stage.press("q")
        await stage.until(lambda: stage.app.return_value is not None)
        assert given_up == ["deploy"]
        assert target.done[-1] == ("destroy",)


async def test_the_list_of_what_is_left_empties_and_the_last_line_says_nothing_is() -> None:
    script = [
        step("loaders", "stopping loaders", False),
        step("loaders", "loaders stopped", True, 0.4, subject="data-loader"),
        step("kafka", "broker stopped", True, 0.1),
        step("state", "nothing left in perf-test", True, 0.0),
    ]
    async with dashboard(sample.snapshot(), target=gated(removal=script)) as stage:
        await stage.press("D", "right", "enter")
        await stage.until_on(TeardownScreen)
        await stage.until(lambda: "9 processes left" in stage.text())
        let(stage, 1)
        await stage.until(lambda: "7 processes left" in stage.text())
        assert "data-loader-0" not in stage.text()
        let(stage, 2)
        await stage.until(lambda: "enter sets up another run" in stage.text())
        assert "nothing left in perf-test" in stage.text()
        await stage.press("enter")
        await stage.until_on(SetupScreen)


async def test_what_is_left_is_said() -> None:
    left = Event("2026-01-02T17:00:00.000Z", EventKind.ALARM, "", "left of perf-test: process 77")
    async with dashboard(sample.snapshot(), target=ScriptedTarget(removal=[left])) as stage:
        await stage.press("D", "right", "enter")
        await stage.until(lambda: "left of perf-test: process 77" in stage.text())


async def test_a_teardown_that_fails_says_why_and_can_be_tried_again() -> None:
    target = ScriptedTarget(removal=[KaptureError("removing perf-test", "no answer", "look at the log")])
    async with dashboard(sample.snapshot(), target=target) as stage:
        await stage.press("D", "right", "enter")
        await stage.until(lambda: "because   no answer" in stage.text())
        target.removal = ()
        await stage.press("r")
        await stage.until(lambda: "nothing left in perf-test" in stage.text())


async def test_quitting_a_second_time_does_not_wait_for_the_teardown() -> None:
    script = [step("loaders", "stopping", False), step("loaders", "stopped", True)]
    async with console(target=gated(removal=script)) as stage:
        let(stage, len(deploy_events()))
        await stage.press("enter")
        await stage.until_on(Dashboard)
        stage.target.gate = asyncio.Semaphore(0)
        await stage.press("q")
        await stage.until_on(TeardownScreen)
        await stage.press("q")
        assert "still removing" in stage.lines()[-1]
        assert stage.app.return_value is None
        await stage.press("q")
        assert stage.app.return_value is not None
