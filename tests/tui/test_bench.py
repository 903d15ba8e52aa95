"""Measuring in the console: the question, the search as it happens, stopping it, the race against an earlier run."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from kapture_tui.bench.result import Status
from kapture_tui.bench.store import read, write
from kapture_tui.model.errors import KaptureError
from kapture_tui.model.spec import StackSpec
from kapture_tui.tui.measuring import Measuring
from kapture_tui.tui.rival import Rival
from kapture_tui.tui.screens.bench import BenchQuestion, BenchScreen, Watched
from kapture_tui.tui.screens.dialogs import Choice, Confirm
from kapture_tui.tui.screens.setup import SetupScreen
from kapture_tui.tui.spelling import spelled
from tests.tui import sample
from tests.tui.fake import ScriptedTarget
from tests.tui.measured import Deployments, result_of, run
from tests.tui.stage import LARGE, SMALL, Stagehand, compare_picture, console, dashboard

NARROW = (40, 12)
SIZES = pytest.mark.parametrize("size", [NARROW, SMALL, LARGE], ids=["40x12", "80x24", "120x40"])
THEMES = pytest.mark.parametrize("theme", ["kapture-dark", "kapture-light"])


@asynccontextmanager
async def measuring(
    folder: Path, trials: int = 0, size: tuple[int, int] = SMALL, **options: object
) -> AsyncIterator[tuple[Stagehand, Measuring, Deployments]]:
    """A console that measures, after so many trials."""
    async with console(size, spec=StackSpec("perf-test"), **options) as stage:
        made, where = run(folder)
        stage.app.measure(made)
        await stage.until_on(BenchScreen)
        await let(stage, made, where, trials)
        yield stage, made, where


async def let(stage: Stagehand, made: Measuring, where: Deployments, trials: int) -> None:
    """Let so many trials end, and the next one begin."""
    wanted = number(made) + trials
    for _ in range(trials):
        where.trials.release()
    await stage.until(lambda: made.view().over or (number(made) >= wanted and where.deployed > 0))
    await stage.until(lambda: made.view().over or made.view().trial_s is not None)
    if isinstance(stage.app.screen, BenchScreen):
        stage.app.screen._look()
    await stage.settle()


def number(made: Measuring) -> int:
    return sum(len(one.tried) for one in made.view().result.deployments)


def words(stage: Stagehand) -> str:
    """The text of the left half without frames and breaks."""
    left = (line[:66] if stage.app.size.width >= 110 else line for line in stage.lines())
    return re.sub(r"[│\s]+", " ", " ".join(left))


@SIZES
@THEMES
async def test_a_search_near_the_limit(
    theme: str, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    async with measuring(Path("results"), 22, size, theme=theme) as (stage, _, _where):
        stage.app.race(Rival("20251224T170000-local-1-r", result_of("20251224T170000-local-1-r", 9100.0)))
        await stage.settle()
        compare_picture(stage, f"bench-{theme}-{size[0]}x{size[1]}")


async def test_what_is_seen_of_a_search(tmp_path: Path) -> None:
    async with measuring(tmp_path, size=LARGE) as (stage, made, where):
        assert "not known yet" in stage.text()
        assert "trial 1: 200/s, to find out where the limit is" in stage.text()
        assert "400/s if it holds, 200/s if not" in stage.text()
        await let(stage, made, where, 4)
        assert "carries more than 1,600/s" in stage.text()
        assert "4 made, 4 held" in stage.text()
        await let(stage, made, where, 1)
        assert "data-loader-0" in stage.line("× invalid   3.2k/s"), "an invalid trial says why"
        await let(stage, made, where, 17)
        found = re.search(
            r"this deployment carries ([\d,]+)/s ± (\d+) % \(90 %\), limited by etl", words(stage)
        )
        assert found, stage.text()
        assert 7500 < int(found[1].replace(",", "")) < 10000
        assert "▪" in stage.text()
        assert "about" in stage.line("for 3 deployments")


async def test_a_run_comes_to_its_score_and_goes_on_to_the_setup(tmp_path: Path) -> None:
    async with measuring(tmp_path, size=LARGE) as (stage, made, where):
        for _ in range(300):
            where.trials.release()
        await stage.until(lambda: made.view().over)
        assert "by 3 deployments, limited by etl" in words(stage)
        assert "■ bench" in stage.lines()[0]
        assert (where.deployed, where.removed, made.exit_code) == (3, 3, 0)
        assert read(made.view().path).status is Status.COMPLETE
        await stage.press("enter")
        assert isinstance(stage.app.screen, SetupScreen)


@pytest.mark.parametrize("key", ["escape", "q", "ctrl+c"])
async def test_stopping_asks_with_no_in_focus_and_leaves_a_file_to_go_on_with(
    key: str, tmp_path: Path
) -> None:
    async with measuring(tmp_path, 7) as (stage, made, where):
        await stage.press(key)
        assert isinstance(stage.app.screen, Confirm)
        assert "--resume" in stage.text()
        await stage.press("enter")
        assert isinstance(stage.app.screen, BenchScreen), "No was in focus"
        assert not made.view().stopping
        await stage.press(key, "right", "enter")
        await stage.until(lambda: made.view().over)
        assert (where.deployed, where.removed) == (1, 1)
        kept = read(made.view().path)
        assert kept.status is Status.INTERRUPTED
        assert len(kept.deployments[0].tried) == 7
        if key == "escape":
            assert "to go on: kapture-tui bench perf-test 1 -r --resume" in re.sub(r"\s+", " ", stage.text())
            await stage.press("q")
        await stage.until(lambda: stage.app.return_value is not None)
    assert stage.app.return_value == 130


async def test_a_console_that_is_closed_leaves_no_deployment(tmp_path: Path) -> None:
    async with measuring(tmp_path, 3) as (stage, made, where):
        stage.app.exit(129)
    assert (where.deployed, where.removed) == (1, 1)
    assert read(made.view().path).status is Status.INTERRUPTED


async def test_a_result_that_cannot_be_kept_ends_it_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    async with console(SMALL, spec=StackSpec("perf-test")) as stage:
        made, where = run(tmp_path / "file")
        stage.app.measure(made)
        await stage.until(lambda: made.view().over)
        await stage.until_on(BenchScreen)
        assert "keeping the result in" in stage.text()
        assert isinstance(made.view().failure, KaptureError)
        assert where.deployed == where.removed
        assert made.exit_code == 1


async def test_the_dashboard_of_what_is_measured_can_be_looked_at_and_not_changed(tmp_path: Path) -> None:
    async with measuring(tmp_path, 3) as (stage, made, _):
        stage.app.saw(sample.snapshot(60))
        await stage.press("v")
        assert isinstance(stage.app.screen, Watched)
        assert "18." in stage.line("offered  ")
        await stage.press("plus")
        assert "it is being measured" in stage.lines()[-1]
        await stage.press("b")
        assert "it is being measured" in stage.lines()[-1]
        await stage.press("escape")
        assert isinstance(stage.app.screen, BenchScreen)
        assert not made.view().over


# --- the question -----------------------------------------------------------------------------------------------------


async def test_the_question_says_how_long_and_what_goes_and_no_is_in_focus() -> None:
    async with dashboard(sample.snapshot()) as stage:
        await stage.press("b")
        assert isinstance(stage.app.screen, BenchQuestion)
        assert "6 fresh deployments of about" in stage.text()
        assert "9 processes" in stage.text()
        compare_picture(stage, "bench-question-80x24")
        await stage.press("enter")
        assert stage.target.done == []


async def test_the_question_can_be_answered_on_the_smallest_terminal() -> None:
    async with dashboard(sample.snapshot(), size=NARROW) as stage:
        await stage.press("b")
        assert "[ No ]" in stage.text()
        await stage.press("home")
        assert "90 min" in stage.text()


@pytest.mark.parametrize("plain", ["NO_COLOR", "LANG"])
async def test_without_colour_and_in_ascii_everything_can_be_told_apart(
    plain: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(plain, {"NO_COLOR": "1", "LANG": "C"}[plain])
    async with measuring(tmp_path, 22, LARGE) as (stage, *_):
        stage.app.race(Rival("earlier", result_of("earlier", 9100.0)))
        await stage.settle()
        shown = stage.text() if plain == "NO_COLOR" else spelled(stage.text())
        plot = [line[7:66] for line in shown.splitlines()[2:27]]
        legend = shown.splitlines()[1]
        marks = {word: legend[: legend.index(f" {word}")][-1] for word in ("held", "missed", "then", "now")}
        assert len(set(marks.values())) == 4, marks
        for word, mark in marks.items():
            assert any(mark in row for row in plot), word
        curve, band = ("▪", "░") if plain == "NO_COLOR" else ("#", ".")
        assert all(any(sign in row for row in plot) for sign in (curve, band))
        if plain == "LANG":
            assert shown.isascii()


async def test_dials_change_what_is_asked_for_and_a_budget_too_short_cannot_be_agreed_to() -> None:
    async with dashboard(sample.snapshot()) as stage:
        await stage.press("b", "home", *["left"] * 8)
        screen = stage.app.screen
        assert isinstance(screen, BenchQuestion)
        assert screen.asked.budget_min == 15
        assert "take at least" in stage.text()
        await stage.press("end", "right", "enter")
        assert stage.target.done == [], "only No can be chosen"
        await stage.press("b", "home", "right", "down", "left", "down", "right")
        screen = stage.app.screen
        assert isinstance(screen, BenchQuestion)
        assert (screen.asked.budget_min, screen.asked.repeats, screen.asked.p99_ms) == (120, 5, 2000)


async def test_agreed_the_stack_is_removed_and_measured_anew(tmp_path: Path) -> None:
    target = ScriptedTarget(events=[KaptureError("deploying", "no room")])
    async with dashboard(sample.snapshot(), target=target, results=tmp_path) as stage:
        await stage.press("b", "end", "right", "enter")
        await stage.until(lambda: ("destroy",) in target.done)
        await stage.until(lambda: "no room" in stage.text())
        assert [what for what, *_ in target.done][:2] == ["destroy", "deploy"]
        assert "kept" in stage.text()


async def test_a_read_only_console_measures_nothing() -> None:
    async with dashboard(sample.snapshot(), readonly=True) as stage:
        await stage.press("b")
        assert "read-only" in stage.lines()[-1]


# --- the race ---------------------------------------------------------------------------------------------------------


@SIZES
async def test_an_earlier_run_is_seen_beside_this_one_at_the_same_second(
    size: tuple[int, int], tmp_path: Path
) -> None:
    earlier = await kept(tmp_path)
    async with dashboard(
        *(sample.snapshot(tick) for tick in range(13, 113)),
        size=size,
        results=tmp_path,
        recordings=lambda: tmp_path,
    ) as stage:
        await stage.press("c")
        await stage.until_on(Choice)
        assert earlier in stage.text()
        stage.app.screen.box.select(earlier)
        await stage.press("enter")
        await stage.until(lambda: "racing against" in stage.lines()[-1])
        if size == NARROW:
            await stage.press("3")  # there is room for one panel only
        assert "then: 2025" in stage.text()
        ghosts = [row for row in stage.lines() if "  then " in row]
        assert len(ghosts) == (2 if size == NARROW else 3), stage.text()
        assert all("/s" in row and "now -2 %" in row for row in ghosts), (
            "15,000 + 40 * 107 against some 19,000"
        )
        compare_picture(stage, f"race-{size[0]}x{size[1]}")
        await stage.press("c")
        await stage.until_on(Choice)
        await stage.press("home", "enter")
        await stage.until(lambda: "then: " not in stage.text())


async def kept(folder: Path) -> str:
    """An earlier run, in a file."""
    from kapture_tui.bench.judge import Judgement, Outcome
    from kapture_tui.bench.result import DeploymentResult
    from kapture_tui.bench.search import Tried
    from kapture_tui.bench.trial import Purpose, Trial, TrialResult

    series = {
        name: tuple((float(s), 15_000.0 + 40 * s) for s in range(110))
        for name in ("offered", "etl", "etl-redis")
    }
    seen = TrialResult(15_000.0, 15_000.0, 200.0, 0, 0, series=series, at_s=5.0)
    tried = Tried(Trial(15_000.0, 60.0, 1, Purpose.CONFIRM), seen, Judgement(Outcome.HELD))
    result = result_of("20251224T170000-local-1-r", 15_000.0)
    write(
        folder / f"{result.id}.json",
        replace(result, deployments=(DeploymentResult(1, 1, 1, status=Status.COMPLETE, tried=(tried,)),)),
    )
    return result.id
