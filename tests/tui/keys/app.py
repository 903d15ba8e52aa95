"""The keys that do the same everywhere."""

from __future__ import annotations

import asyncio

import pytest

from kapture_tui.tui import themes
from kapture_tui.tui.screens.dialogs import ThemePicker
from kapture_tui.tui.screens.reading import Help
from tests.tui import sample
from tests.tui.keys.drives import Drives, focus
from tests.tui.stage import LARGE, dashboard

DRIVES = Drives()
drives = DRIVES.of


@drives("app.copy")
async def _(key: str) -> None:
    sent: list[str] = []
    async with dashboard(sample.snapshot(), size=LARGE) as stage:
        driver = stage.app._driver
        assert driver is not None
        driver.write = sent.append  # type: ignore[method-assign]
        with pytest.MonkeyPatch.context() as patch:
            patch.delenv("TMUX", raising=False)
            patch.delenv("STY", raising=False)
            await stage.press(key)
            await stage.until(lambda: "copied data-loader" in stage.lines()[-1])
            await focus(stage, "ledger")
            await stage.press(key)
            await stage.until(lambda: "copied 2 lines" in stage.lines()[-1])
    assert "\x1b]52;c;ZGF0YS1sb2FkZXI=\x07" in sent


@drives("app.mouse")
async def _(key: str) -> None:
    """On a real terminal: see `test_pty`. Here there is none to switch."""
    async with dashboard(sample.snapshot()) as stage:
        await stage.press(key)
        assert "mouse" in stage.lines()[-1]


@drives("app.theme")
async def _(key: str) -> None:
    async with dashboard(sample.snapshot()) as stage:
        await stage.press(key)
        assert isinstance(stage.app.screen, ThemePicker)


@drives("app.help")
async def _(key: str) -> None:
    async with dashboard(sample.snapshot()) as stage:
        await stage.press(key)
        assert isinstance(stage.app.screen, Help)


@drives("app.palette")
async def _(key: str) -> None:
    async with dashboard(sample.snapshot()) as stage:
        await stage.press(key)
        await stage.press(*"table.sort")
        await stage.until(lambda: "sort by the next column" in stage.text())
        await stage.press("enter")
        await stage.until(lambda: "sorted by name" in stage.lines()[-1])
        await stage.press(key, *"sort by memory")
        await stage.until(lambda: stage.text().count("sort by memory") > 1)
        await stage.press("enter")
        await stage.until(lambda: "sorted by memory" in stage.lines()[-1])
        await stage.press(key, *"theme kapture-light")
        await stage.until(lambda: stage.text().count("kapture-light") > 1)
        await stage.press("enter")
        await stage.until(lambda: stage.app.palette.name == "kapture-light")
        stage.app.wear(themes.load(themes.DEFAULT))


@drives("app.quit")
async def _(key: str) -> None:
    async with dashboard(sample.snapshot()) as stage:
        await stage.press(key)
        await asyncio.wait_for(stage.until(lambda: stage.app.return_value is not None), 60)
