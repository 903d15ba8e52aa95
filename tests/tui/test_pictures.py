"""The screens as pictures, compared with those that were accepted; read each difference before accepting it."""

from __future__ import annotations

import asyncio
import os

import pytest

from kapture_tui.model.errors import Unreachable
from kapture_tui.model.spec import Component, LoadSpec, StackSpec
from kapture_tui.stack import sizing
from kapture_tui.tui.screens.dashboard import Dashboard
from kapture_tui.tui.screens.dialogs import Confirm, Scale, Teardown
from kapture_tui.tui.screens.reading import Details, Help, Logs
from kapture_tui.tui.screens.state import StateScreen
from tests.tui import sample
from tests.tui.fake import ScriptedTarget, deploy_events, step
from tests.tui.stage import HUGE, LARGE, SMALL, compare_picture, console, dashboard

SIZES = pytest.mark.parametrize("size", [SMALL, LARGE, HUGE], ids=["80x24", "120x40", "200x60"])
THEMES = pytest.mark.parametrize("theme", ["kapture-dark", "kapture-light"])
SPEC = StackSpec("perf-test", 2, frozenset({Component.REDIS}), LoadSpec(rate=500.0))


def name(what: str, theme: str, size: tuple[int, int]) -> str:
    return f"{what}-{theme}-{size[0]}x{size[1]}"


@pytest.fixture(autouse=True)
def same_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures must not depend on the machine, nor on what its owner measured last."""
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    monkeypatch.setattr(
        sizing, "estimate", lambda spec, cores: sizing.Estimate(8 + 6 * spec.scale, 640 << 20, 2.9)
    )


@SIZES
@THEMES
async def test_setup(theme: str, size: tuple[int, int]) -> None:
    async with console(size, theme=theme, spec=SPEC) as stage:
        await stage.until(lambda: "valkey 9.1" in stage.text())
        compare_picture(stage, name("setup", theme, size))


@SIZES
@THEMES
async def test_deploy(theme: str, size: tuple[int, int]) -> None:
    gate = asyncio.Semaphore(6)
    target = ScriptedTarget(events=deploy_events(), gate=gate)
    async with console(size, target, theme, spec=SPEC, start=True) as stage:
        await stage.until(lambda: gate.locked() and "● consumers" in stage.text())
        compare_picture(stage, name("deploy", theme, size))


@THEMES
async def test_deploy_that_failed(theme: str) -> None:
    script = [
        step("supervisor", "supervisor listens", True, 0.2),
        step("broker", "starting the embedded broker", False),
        Unreachable(
            "starting the embedded broker", "exit code 1: no space left on device", "free some space"
        ),
    ]
    async with console(SMALL, ScriptedTarget(events=script), theme, spec=SPEC, start=True) as stage:
        await stage.until(lambda: "failed" in stage.text())
        compare_picture(stage, name("deploy-failed", theme, SMALL))


@SIZES
@THEMES
async def test_dashboard(theme: str, size: tuple[int, int]) -> None:
    async with dashboard(
        *(sample.snapshot(tick) for tick in range(133, 253)), theme=theme, size=size
    ) as stage:
        compare_picture(stage, name("dashboard", theme, size))


@SIZES
async def test_dashboard_with_every_database(size: tuple[int, int]) -> None:
    ticks = [sample.everything(tick) for tick in range(133, 253)]
    async with dashboard(*ticks, size=size) as stage:
        compare_picture(stage, name("databases", "kapture-dark", size))


@SIZES
@THEMES
async def test_dashboard_in_trouble(theme: str, size: tuple[int, int]) -> None:
    ticks = [sample.snapshot(tick) for tick in range(192, 252)]
    async with dashboard(*ticks, sample.troubled(), theme=theme, size=size) as stage:
        compare_picture(stage, name("trouble", theme, size))


async def test_dashboard_before_anything_was_measured() -> None:
    async with dashboard(sample.starting(), size=LARGE) as stage:
        compare_picture(stage, "starting-120x40")


async def test_dashboard_unfolded_on_a_high_terminal() -> None:
    async with dashboard(*(sample.snapshot(tick) for tick in range(60, 80)), size=(160, 55)) as stage:
        await stage.press("right", *["down"] * 3, "right", *["down"] * 4)
        compare_picture(stage, "unfolded-160x55")


async def test_essentials() -> None:
    async with dashboard(sample.troubled(), size=(40, 12)) as stage:
        compare_picture(stage, "essentials-40x12")


@pytest.mark.parametrize(
    ("what", "keys", "screen"),
    [
        ("details", ("right", "down", "enter"), Details),
        ("help", ("question_mark",), Help),
        ("logs", ("l",), Logs),
        ("scale", ("s", "right"), Scale),
        ("teardown", ("D",), Teardown),
        ("kill", ("right", "down", "x"), Confirm),
        ("filter", ("slash", "e", "t", "l"), Dashboard),
        ("map", ("1", "z"), Dashboard),
        ("themes", ("t",), None),
    ],
)
async def test_what_opens_over_the_dashboard(what: str, keys: tuple[str, ...], screen: type | None) -> None:
    target = ScriptedTarget(log=[f"17:0{n}:00 INFO joined group etl, partition {n}" for n in range(6)])
    ticks = [sample.snapshot(tick) for tick in range(133, 253)]
    async with dashboard(*ticks, target=target, size=SMALL) as stage:
        await stage.press(*keys)
        if screen is not None:
            await stage.until_on(screen)
        if what == "logs":
            await stage.until(lambda: "partition 5" in stage.text())
        compare_picture(stage, f"{what}-80x24")


@SIZES
@THEMES
async def test_a_state(theme: str, size: tuple[int, int]) -> None:
    ticks = [sample.snapshot(tick) for tick in range(133, 253)]
    async with dashboard(*ticks, theme=theme, size=size) as stage:
        stage.app.push_screen(StateScreen("CA"))
        await stage.until_on(StateScreen)
        await stage.show(*(sample.snapshot(tick) for tick in range(253, 270)))
        compare_picture(stage, name("state", theme, size))
