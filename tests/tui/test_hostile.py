"""Text from outside is shown and never obeyed, wherever a person meets it."""

from __future__ import annotations

import asyncio
import unicodedata
from dataclasses import replace

import pytest

from kapture_tui.model.errors import KaptureError
from kapture_tui.model.event import Event, EventKind
from kapture_tui.model.snapshot import Sale, Snapshot, StateSales
from kapture_tui.tui.screens.dialogs import ByHandDialog, Confirm, Failure
from kapture_tui.tui.screens.reading import Details
from kapture_tui.tui.screens.state import StateScreen
from tests.tui import sample
from tests.tui.fake import ScriptedTarget
from tests.tui.stage import LARGE, Stagehand, dashboard

NASTY = "\x1b[2J\x07[red]x[/red]\u202eabc\u2066漢字\u0301\r\n\x9b31m"
SHOWN = "␛[2J␇[red]x[/red]⟨202E⟩abc⟨2066⟩漢字"


def hostile() -> Snapshot:
    """A stack whose every name is nasty."""
    well = sample.snapshot()
    pods = tuple(
        replace(pod, name=f"{NASTY}{n}", node=NASTY, reason=NASTY) for n, pod in enumerate(well.pods)
    )
    event = Event("2026-01-02T17:05:00.000Z", EventKind.ALARM, pods[0].name, NASTY)
    sold = StateSales(1, 1, 1, 1, (NASTY,), (Sale(1, 0, 0.0, 100, (NASTY,), NASTY),))
    return replace(
        well,
        pods=pods,
        events=(event,),
        popular={"CA": (NASTY,)},
        sales={"CA": sold},
        run=replace(well.run, namespace=NASTY),
    )


def harmless(stage: Stagehand) -> None:
    """Nothing on the screen can act, nor change the direction or the width of what follows."""
    for line in stage.lines():
        assert not [char for char in line if unicodedata.category(char) in ("Cc", "Cf", "Mn", "Me")], repr(
            line
        )
    widths = {strip.cell_length for strip in stage.app.screen._compositor.render_strips()}
    assert len(widths) == 1


@pytest.mark.parametrize("size", [(40, 12), (80, 24), LARGE])
async def test_on_the_dashboard(size: tuple[int, int]) -> None:
    async with dashboard(hostile(), size=size) as stage:
        await stage.press("right", "down")
        harmless(stage)
        for key in "123456":
            await stage.press(key)
            harmless(stage)
        await stage.press("slash", *"abc", "enter")
        harmless(stage)


async def test_in_what_opens_over_it() -> None:
    async with dashboard(
        hostile(), size=LARGE, target=ScriptedTarget(name="kubernetes", log=[NASTY])
    ) as stage:
        await stage.press("right", "down", "d")
        assert isinstance(stage.app.screen, Details)
        assert SHOWN in stage.text()
        harmless(stage)
        await stage.press("escape", "p")
        assert isinstance(stage.app.screen, ByHandDialog)
        harmless(stage)
        await stage.press("escape", "x")
        assert isinstance(stage.app.screen, Confirm)
        harmless(stage)
        await stage.press("escape", "l")
        await stage.until(lambda: SHOWN in stage.text())
        harmless(stage)
        await stage.press("escape", "D")
        harmless(stage)
        await stage.press("escape")
        stage.app.push_screen(StateScreen("CA"))
        await stage.until_on(StateScreen)
        assert SHOWN in stage.text()
        harmless(stage)
        stage.app.tell(KaptureError(NASTY, NASTY, NASTY))
        await stage.until_on(Failure)
        harmless(stage)


async def test_what_is_copied_is_the_name_itself_in_an_envelope() -> None:
    sent: list[str] = []
    async with dashboard(hostile()) as stage:
        driver = stage.app._driver
        assert driver is not None
        driver.write = sent.append  # type: ignore[method-assign]
        with pytest.MonkeyPatch.context() as patch:
            patch.delenv("TMUX", raising=False)
            await stage.press("right", "down", "y")
            await asyncio.wait_for(stage.until(lambda: "copied" in stage.lines()[-1]), 60)
        harmless(stage)
    envelope = next(text for text in sent if "]52;c;" in text)
    assert envelope.startswith("\x1b]52;c;")
    assert envelope[7:-1].isascii()
    assert not set(envelope[7:-1]) & set("\x1b\x07\x9b")
