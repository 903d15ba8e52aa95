"""The setup screen: what is offered, what is refused and why, and what Enter starts."""

from __future__ import annotations

import os

import pytest

from kapture_tui.model.spec import Component, LoadSpec, StackSpec
from kapture_tui.stack import sizing
from kapture_tui.targets.base import Finding
from kapture_tui.tui.figures import size as size_of
from kapture_tui.tui.screens.dashboard import Dashboard
from kapture_tui.tui.screens.setup import FormPanel, SetupScreen
from tests.tui.fake import FINDINGS, ScriptedTarget
from tests.tui.stage import LARGE, SMALL, Stagehand, console


async def found(stage: Stagehand) -> None:
    """Wait for what preflight says."""
    await stage.until(lambda: "valkey 9.1" in stage.text())


@pytest.mark.parametrize("size", [SMALL, LARGE])
async def test_what_cannot_run_is_greyed_with_reason_and_remedy(size: tuple[int, int]) -> None:
    async with console(size) as stage:
        await found(stage)
        assert "[x] kafka          embedded broker, in memory" in stage.line("kafka ")
        assert "[x] redis          valkey 9.1, packaged" in stage.line("redis  ")
        assert "[-] elasticsearch  no server: set ELASTICSEARCH_HOME or give a" in stage.line("elasticsearch")
        assert "[-] postgres       not in this release" in stage.line("postgres")
        assert "○ cluster          no kubeconfig: set KUBECONFIG or use --kube" in stage.line("cluster")


async def test_greyed_lines_are_drawn_in_the_quiet_role() -> None:
    async with console() as stage:
        await found(stage)
        dim = stage.app.role_styles["dim"].color
        strip = next(s for s in stage.app.screen._compositor.render_strips() if "elasticsearch" in s.text)
        segment = next(s for s in strip if "elasticsearch" in s.text)
        assert segment.style is not None
        assert segment.style.color == dim


async def test_enter_starts_the_first_minute_at_once() -> None:
    async with console() as stage:
        await stage.press("enter")
        await stage.until_on(Dashboard)
        assert stage.target.done == [("deploy", StackSpec("demo", 1, frozenset({Component.REDIS})))]


async def test_what_is_typed_is_what_starts() -> None:
    async with console() as stage:
        await stage.press("3", "down", "5", "0", "right", "tab", "7", "tab", "tab", "1", "2", ".", "5")
        await stage.press("enter")
        await stage.until_on(Dashboard)
        assert stage.target.done == [
            (
                "deploy",
                StackSpec(
                    "demo", 3, frozenset({Component.REDIS}), LoadSpec(stores=50, customers=7, rate=12.5)
                ),
            )
        ]


def told(scale: int, *components: Component) -> str:
    """What the last line has to begin with."""
    estimate = sizing.estimate(StackSpec("demo", scale, frozenset(components)), os.cpu_count() or 1)
    return f"│ starts {estimate.processes} processes, about {size_of(estimate.memory_bytes)}, ready in about "


async def test_the_line_at_the_bottom_is_true_for_what_is_chosen_now() -> None:
    async with console() as stage:
        assert stage.line("starts ").startswith(told(1, Component.REDIS))
        assert "1 loader, 1 etl, 1 etl-redis, 51 topics x 1 partition" in stage.line("scale")
        await stage.press("3")
        assert stage.line("starts ").startswith(told(3, Component.REDIS))
        assert "3 loaders, 3 etl, 3 etl-redis, 51 topics x 1 partition" in stage.line("scale")
        await redis(stage)
        await stage.press("space")
        assert stage.line("starts ").startswith(told(3))
        assert "3 loaders, 3 etl, 51 topics" in stage.line("scale")
        assert len({told(1, Component.REDIS), told(3, Component.REDIS), told(3)}) == 3


async def redis(stage: Stagehand) -> None:
    """Go to the line of Redis."""
    screen = stage.app.screen
    assert isinstance(screen, SetupScreen)
    screen.main.select("component/redis")
    await stage.pilot.pause()


async def test_space_drops_and_chooses_a_component() -> None:
    async with console() as stage:
        await found(stage)
        await redis(stage)
        await stage.press("space")
        assert "[ ] redis" in stage.line("redis  ")
        await stage.press("space", "space", "enter")
        await stage.until_on(Dashboard)
        assert stage.target.done == [("deploy", StackSpec("demo", 1))]


async def test_what_cannot_be_chosen_says_why_when_it_is_tried() -> None:
    async with console() as stage:
        await found(stage)
        await redis(stage)
        await stage.press("down")
        assert "no server: set ELASTICSEARCH_HOME or give a URL" in stage.line("elasticsearch: ")
        await stage.press("space")
        assert "elasticsearch: no server: set ELASTICSEARCH_HOME or give a URL" in stage.lines()[-1]
        assert "[-] elasticsearch" in stage.line("elasticsearch  ")


async def test_a_wrong_field_is_not_started_and_says_what_is_wrong() -> None:
    async with console() as stage:
        await stage.press("0")
        assert "scale: must be from 1 to 100" in stage.text()
        assert "not yet: scale" in stage.text()
        await stage.press("enter")
        assert isinstance(stage.app.screen, SetupScreen)
        assert stage.target.done == []
        await stage.press("backspace", "2", "enter")
        await stage.until_on(Dashboard)


async def test_letters_are_typed_into_the_name_and_are_commands_elsewhere() -> None:
    async with console() as stage:
        screen = stage.app.screen
        assert isinstance(screen, SetupScreen)
        screen.main.select("field/namespace")
        await stage.press("t", "q", "k", "minus", "1")
        assert "[tqk-1" in stage.line("name ")
        await stage.press("down", "t")
        assert "theme" in stage.text()


async def test_a_pasted_number_keeps_its_digits() -> None:
    from textual.events import Paste

    async with console() as stage:
        screen = stage.app.screen
        assert isinstance(screen, SetupScreen)
        screen.main.on_paste(Paste(" 1\x1b[2J2\n"))
        await stage.pilot.pause()
        assert "scale" in stage.line("[122")


async def test_preflight_is_asked_again_for_another_setup() -> None:
    class Asked(ScriptedTarget):
        async def preflight(self, spec: StackSpec) -> list[Finding]:
            self.done.append(("preflight", spec.scale))
            return list(FINDINGS)

    target = Asked()
    async with console(target=target) as stage:
        await stage.press("4")
        await stage.until(lambda: ("preflight", 4) in target.done)


async def test_what_prevents_a_start_is_said_before_it_is_tried() -> None:
    busy = Finding("state", False, "demo runs already", "kapture-tui attach demo", fatal=True)
    async with console(target=ScriptedTarget(findings=(*FINDINGS, busy))) as stage:
        await stage.until(lambda: "state: demo runs already: kapture-tui attach demo" in stage.text())


async def test_the_prefilled_setup_is_shown() -> None:
    spec = StackSpec("perf-test", 3, frozenset({Component.REDIS}), LoadSpec(rate=500.0, seed=9))
    async with console(spec=spec) as stage:
        assert "[perf-test" in stage.line("name ")
        assert "/s each, 1.5k/s in all" in stage.line("load ")
        assert "[500 " in stage.line("load ")


async def test_quitting_before_anything_runs_leaves_at_once() -> None:
    async with console() as stage:
        await stage.press("q")
        assert stage.app.return_value == 0
        assert stage.target.done == []


@pytest.mark.parametrize("size", [(40, 12), (20, 6), (200, 60)])
async def test_it_can_be_used_at_odd_sizes(size: tuple[int, int]) -> None:
    async with console(size) as stage:
        await stage.press("down", "up", "enter")
        await stage.until_on(Dashboard)


async def test_a_shop_asks_how_many_shoppers_it_has() -> None:
    target = ScriptedTarget(
        findings=[Finding("redis", True, "valkey 9.1"), Finding("webapp", True, "a shop")]
    )
    async with console(target=target) as stage:
        await found(stage)
        assert "shoppers" not in stage.text()
        stage.app.screen.query_one(FormPanel).select("component/webapp")
        await stage.press("space")
        assert "shoppers    [5       ]" in stage.line("visit the shop")
        stage.app.screen.query_one(FormPanel).select("field/shoppers")
        await stage.press("2", "0", "enter")
        await stage.until_on(Dashboard)
        ((_, spec),) = stage.target.done
        assert (spec.has(Component.WEBAPP), spec.load.shoppers) == (True, 20)
