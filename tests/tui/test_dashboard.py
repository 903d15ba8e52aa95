"""The dashboard: panels, selection, keys."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from kapture_tui.model.errors import Unreachable
from kapture_tui.model.snapshot import Phase, Snapshot
from kapture_tui.model.spec import Component, StackSpec
from kapture_tui.model.states import STATES
from kapture_tui.tui.screens.dashboard import Dashboard
from kapture_tui.tui.screens.dialogs import Failure, Scale, Teardown
from kapture_tui.tui.screens.reading import Details, Logs
from kapture_tui.tui.screens.state import StateScreen
from kapture_tui.tui.screens.steps import TeardownScreen
from tests.tui import sample
from tests.tui.fake import ScriptedTarget
from tests.tui.stage import LARGE, SMALL, Stagehand, console, dashboard


async def focus(stage: Stagehand, panel: str) -> None:
    stage.app.screen.query_one(f"#{panel}").focus()
    await stage.pilot.pause()


def selected(stage: Stagehand) -> list[str]:
    """What is drawn as selected."""
    chosen = stage.app.role_styles["text!"].bgcolor
    strips = stage.app.screen._compositor.render_strips()
    found = ("".join(s.text for s in strip if s.style and s.style.bgcolor == chosen) for strip in strips)
    return [text for text in found if text]


async def test_all_states_are_visible_at_once_at_120_by_40() -> None:
    async with dashboard(sample.snapshot(), size=LARGE) as stage:
        left = " ".join(line[:63] for line in stage.lines()).replace("▓", " ").replace("▒", " ")
        assert [state for state in STATES if f" {state} " not in left] == []


async def test_arrows_walk_over_the_map() -> None:
    async with dashboard(sample.snapshot(), size=LARGE) as stage:
        await focus(stage, "lag")
        await stage.press("home")
        walked = []
        for key in ("down", "right", "down", "left", "up", "end"):
            await stage.press(key)
            walked.append(stage.app.screen.query_one("#lag").selected)
        assert walked == ["WA", "ID", "NV", "OR", "WA", "FL"]


async def test_the_map_goes_through_the_groups() -> None:
    async with dashboard(sample.snapshot(), size=LARGE) as stage:
        assert "lag by state slowest group" in stage.text()
        assert "CA▓▓" in stage.text()
        await stage.press("g")
        assert "lag by state etl ─" in stage.text()
        assert "CA▓▓" not in stage.text()
        await stage.press("g")
        assert "lag by state etl-redis" in stage.text()
        assert "CA▓▓" in stage.text()
        await stage.press("g")
        assert "lag by state slowest group" in stage.text()


async def test_states_are_scrolled_at_80_by_24() -> None:
    async with dashboard(sample.snapshot(), size=SMALL) as stage:
        await focus(stage, "lag")
        assert " WY " not in stage.text()
        await stage.press("end")
        assert " WY " in stage.text()
        assert [text.split()[0] for text in selected(stage)] == ["WY"]


async def test_the_selection_stays_on_its_key_when_the_order_changes() -> None:
    async with dashboard(sample.snapshot(), size=SMALL) as stage:
        await focus(stage, "lag")
        await stage.press("home", "right")
        assert selected(stage)[0].startswith("TX")
        calm = sample.snapshot(61)
        assert calm.kafka is not None
        groups = {"etl": sample.lag(1, 0, 0), "etl-redis": sample.lag(1, 0, 0)}
        texas = replace(calm.kafka.states["TX"], groups=groups)
        await stage.show(replace(calm, kafka=replace(calm.kafka, states={**calm.kafka.states, "TX": texas})))
        assert selected(stage)[0].startswith("TX")


async def test_every_panel_can_be_reached_with_tab() -> None:
    async with dashboard(sample.snapshot()) as stage:
        seen = []
        for _ in range(6):
            await stage.press("tab")
            seen.append(stage.app.focused.id if stage.app.focused else None)
        assert seen == ["flow", "databases", "ledger", "events", "lag", "pods"]


async def test_components_unfold_and_fold_again() -> None:
    async with dashboard(sample.snapshot(), size=LARGE) as stage:
        assert "data-loader-0" not in stage.text()
        await stage.press("right")
        assert "data-loader-0" in stage.text()
        await stage.press("down", "down", "left")
        assert "data-loader-0" not in stage.text()
        assert selected(stage)[0].startswith("▸ data-loader")
        await stage.press("enter")
        assert "data-loader-0" in stage.text()


async def test_enter_shows_all_about_a_pod_and_escape_goes_back() -> None:
    async with dashboard(sample.snapshot()) as stage:
        await stage.press("right", "down", "enter")
        await stage.until_on(Details)
        assert "546,000, 9.1k/s" in stage.text()
        await stage.show(sample.snapshot(61))
        assert "555,100, 9.1k/s" in stage.text()
        await stage.press("escape")
        assert isinstance(stage.app.screen, Dashboard)
        assert "01:01" in stage.lines()[0]


async def test_enter_shows_all_about_a_state() -> None:
    async with dashboard(sample.snapshot()) as stage:
        await focus(stage, "lag")
        await stage.press("home", "enter")
        await stage.until_on(StateScreen)
        assert "transactions.CA" in stage.text()
        assert "Chewy Bites 5 lb" in stage.text()
        await stage.show(sample.snapshot(61), sample.snapshot(62))
        passed = [line for line in stage.lines() if "customer" in line]
        assert [line.split("customer ")[1][:5] for line in passed] == ["40062", "40061", "40060", "40059"]
        await stage.press("right")
        assert "transactions.CO" in stage.text()
        assert "none yet" in stage.text()
        await stage.press("escape")
        assert isinstance(stage.app.screen, Dashboard)


async def test_enter_elsewhere_says_what_it_is_for() -> None:
    async with dashboard(sample.snapshot()) as stage:
        await focus(stage, "flow")
        await stage.press("enter")
        assert "select something first" in stage.lines()[-1]


@pytest.mark.parametrize(("key", "number"), [("plus", 3), ("equals_sign", 3), ("minus", 1)])
async def test_plus_and_minus_change_the_loaders(key: str, number: int) -> None:
    async with dashboard(sample.snapshot()) as stage:
        await stage.press(key)
        await stage.until(lambda: bool(stage.target.done))
        assert stage.target.done == [("scale", "data-loader", number)]
        await stage.until(lambda: f"data-loader 2 → {number}" in stage.lines()[-1])


async def test_what_cannot_be_done_says_why() -> None:
    target = ScriptedTarget(refusal=Unreachable("scaling data-loader", "no answer", "look at the log"))
    async with dashboard(sample.snapshot(), target=target) as stage:
        await stage.press("plus")
        await stage.until_on(Failure)
        for part in ("failed    scaling data-loader", "because   no answer", "try       look at the log"):
            assert part in stage.text()
        await stage.press("escape")
        assert isinstance(stage.app.screen, Dashboard)


async def test_any_component_can_be_scaled() -> None:
    async with dashboard(sample.snapshot()) as stage:
        await stage.press("s")
        await stage.until_on(Scale)
        await stage.press("right", "right", "down", "down", "left")
        assert "4 ▸  was 2" in stage.line("│ data-loader")
        await stage.press("enter")
        await stage.until(lambda: len(stage.target.done) == 2)
        assert stage.target.done == [("scale", "data-loader", 4), ("scale", "etl-redis", 1)]


async def test_a_number_that_cannot_be_is_not_offered() -> None:
    async with dashboard(sample.snapshot()) as stage:
        await stage.press("s", "down", "left", "left", "left")
        assert "1 ▸  was 2" in stage.line("│ etl  ")
        await stage.press("escape")
        assert stage.target.done == []


async def test_pausing_freezes_the_display_and_nothing_else() -> None:
    async with dashboard(sample.snapshot()) as stage:
        await stage.press("space")
        frozen = stage.lines()
        assert "display paused" in frozen[0]
        await stage.show(*(sample.snapshot(tick) for tick in range(61, 70)))
        assert stage.lines() == frozen
        await stage.press("space")
        assert "01:09" in stage.lines()[0]
        assert stage.target.done == []
        assert None not in stage.app.history.bars("rate", "offered", 120)[-9:]


async def test_logs_of_what_is_selected_are_followed_and_bounded() -> None:
    target = ScriptedTarget(log=[f"line {n}" for n in range(5_000)])
    async with dashboard(sample.snapshot(), target=target) as stage:
        await stage.press("right", "down", "l")
        await stage.until_on(Logs)
        await stage.until(lambda: "line 4999" in stage.text())
        assert target.done == [("logs", "data-loader-0")]
        assert "following" in stage.lines()[0]
        await stage.press("home")
        assert "stands still" in stage.lines()[0]
        assert "line 3000" in stage.text()
        await stage.press("f")
        assert "line 4999" in stage.text()
        assert "following" in stage.lines()[0]


async def test_a_log_cannot_act_on_the_terminal() -> None:
    target = ScriptedTarget(log=["\x1b[2Jwiped", "\x1b]52;c;aGk=\x07", "a\rb", "[red]x[/red]", "漢" * 60])
    async with dashboard(sample.snapshot(), target=target) as stage:
        await stage.press("l")
        await stage.until(lambda: "wiped" in stage.text())
        text = stage.text()
        for shown in ("␛[2Jwiped", "␛]52;c;aGk=␇", "a␍b", "[red]x[/red]"):
            assert shown in text
        assert "\x1b" not in text


async def test_a_log_that_is_not_there_says_why() -> None:
    class Silent(ScriptedTarget):
        async def logs(self, subject: str, lines: int = 200, follow: bool = False) -> object:  # type: ignore[override]
            raise Unreachable(f"logs of {subject}", "there are none")
            yield ""

    async with dashboard(sample.snapshot(), target=Silent()) as stage:
        await stage.press("l")
        await stage.until(lambda: "logs of data-loader: there are none" in stage.text())


async def test_tearing_down_asks_by_kind_and_number_and_no_has_the_focus() -> None:
    async with dashboard(sample.snapshot()) as stage:
        await stage.press("D")
        await stage.until_on(Teardown)
        assert "9 processes: 2 data-loader, 2 etl, 2 etl-redis, 1 kafka," in stage.text()
        assert "51 topics with 2.4M transactions" in stage.text()
        assert [text for text in selected(stage) if "[" in text] == ["[ No ]"]
        await stage.press("enter")
        assert isinstance(stage.app.screen, Dashboard)
        await stage.press("D", "escape")
        assert stage.target.done == []
        await stage.press("D", "right", "enter")
        await stage.until_on(TeardownScreen)
        assert stage.target.done == [("destroy",)]


async def test_a_read_only_console_changes_nothing_and_says_so() -> None:
    async with dashboard(sample.snapshot(), readonly=True) as stage:
        for key in ("D", "plus", "minus", "s"):
            await stage.press(key)
            assert "this console is read-only" in stage.lines()[-1]
        assert stage.target.done == []


def with_phase(phase: Phase) -> Snapshot:
    snapshot = sample.snapshot()
    return replace(snapshot, run=replace(snapshot.run, phase=phase))


async def started(stage: Stagehand) -> None:
    await stage.press("enter")
    await stage.until_on(Dashboard)
    await stage.show(sample.snapshot())


async def test_quitting_stops_a_stack_that_was_started_here_and_says_so_before() -> None:
    async with console() as stage:
        await started(stage)
        assert "q quit, stops it" in stage.lines()[-1]
        await stage.press("question_mark")
        assert "q stops demo, with everything in it, and leaves." in stage.text()
        await stage.press("escape", "q")
        await stage.until(lambda: stage.app.return_value is not None)
        assert stage.target.done[-1] == ("destroy",)
        assert stage.app.return_value == 0


@pytest.mark.parametrize(
    "options",
    [{"keep": True}, {"spec": StackSpec("perf-test", components=frozenset({Component.REDIS}), keep=True)}],
)
async def test_quitting_leaves_a_stack_that_is_to_be_kept(options: dict[str, object]) -> None:
    async with console(**options) as stage:
        await started(stage)
        assert "q quit, it stays" in stage.lines()[-1]
        await stage.press("q")
        assert stage.app.return_value == 0
        assert ("destroy",) not in stage.target.done


async def test_quitting_leaves_a_stack_that_somebody_else_started() -> None:
    async with dashboard(sample.snapshot()) as stage:
        await stage.press("q")
        assert stage.app.return_value == 0
        assert stage.target.done == []


async def test_quitting_leaves_a_stack_on_a_cluster() -> None:
    async with console(target=ScriptedTarget(name="kubernetes")) as stage:
        await started(stage)
        await stage.press("q")
        assert stage.app.return_value == 0
        assert ("destroy",) not in stage.target.done


@pytest.mark.parametrize(("snapshot", "code"), [(sample.troubled(), 4), (with_phase(Phase.FAILED), 4)])
async def test_a_run_whose_integrity_is_violated_ends_with_4(snapshot: Snapshot, code: int) -> None:
    async with dashboard(snapshot) as stage:
        await stage.press("q")
        assert stage.app.return_value == code


@pytest.mark.parametrize("size", [(40, 12), (20, 5), (10, 3), (71, 17), (109, 60), (300, 100)])
async def test_it_survives_every_size(size: tuple[int, int]) -> None:
    async with dashboard(sample.snapshot(), sample.troubled(), size=size) as stage:
        await stage.press("tab", "down", "enter", "escape", "question_mark", "escape")
        assert isinstance(stage.app.screen, Dashboard)


async def test_a_small_terminal_shows_header_and_events() -> None:
    async with dashboard(sample.troubled(), size=(40, 12)) as stage:
        text = stage.text()
        assert "lost 5" in text
        assert "5 acknowledged messages" in text


async def test_it_follows_the_terminals_size() -> None:
    async with dashboard(sample.snapshot(), size=SMALL) as stage:
        await stage.pilot.resize_terminal(*LARGE)
        await stage.pilot.pause()
        assert "╭─ 1 lag by state" in stage.text()
        await stage.pilot.resize_terminal(*SMALL)
        await stage.pilot.pause()
        assert "─ 1 lag by state" in stage.lines()[1]
        assert "╭" not in stage.text()


async def test_a_click_selects_and_a_second_one_shows_details() -> None:
    async with dashboard(sample.snapshot(), size=LARGE) as stage:
        row = next(y for y, line in enumerate(stage.lines()) if "▸ etl-redis" in line)
        await stage.pilot.click(offset=(75, row))
        assert selected(stage)[0].startswith("▸ etl-redis")
        await stage.pilot.click(offset=(3, 3), times=2)
        await stage.until_on(StateScreen)
        assert "transactions.AK" in stage.text()


async def test_a_click_on_a_key_does_what_the_key_does() -> None:
    async with dashboard(sample.snapshot()) as stage:
        x = stage.lines()[-1].index("s scale")
        await stage.pilot.click(offset=(x, 23))
        await stage.until_on(Scale)


async def test_only_what_changed_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    from kapture_tui.tui.widgets.canvas import Canvas

    async with dashboard(sample.snapshot()) as stage:
        refreshed: list[Sequence[object]] = []
        original = Canvas.refresh

        def refresh(self: Canvas, *regions: object, **options: object) -> Canvas:
            refreshed.append(regions)
            return original(self, *regions, **options)  # type: ignore[arg-type]

        monkeypatch.setattr(Canvas, "refresh", refresh)
        await stage.show(replace(sample.snapshot(), seq=61))
        assert refreshed == []
        run = replace(sample.snapshot().run, elapsed_s=61.0)
        await stage.show(replace(sample.snapshot(), run=run))
        assert len(refreshed) == 1
        assert len(refreshed[0]) == 1


async def test_new_events_come_into_view_where_nobody_has_selected_one() -> None:
    async with dashboard(sample.snapshot(), size=SMALL) as stage:
        well = sample.snapshot(61)
        late = replace(sample.EVENTS[-1], time="2026-01-02T17:09:00.000Z", text="something new")
        await stage.show(replace(well, events=(*well.events, late)))
        assert "something new" in stage.text()
