"""Takes the README's picture: the real console on a real stack of this machine.

    python tools/screenshot.py [SECONDS [OUT]]

Runs a small stack for that long (40 s unless told otherwise) and writes docs/img/dashboard.svg.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from kapture_tui.model.spec import Component, LoadSpec, StackSpec
from kapture_tui.targets import open_target
from kapture_tui.tui import ConsoleOptions, keymap, themes
from kapture_tui.tui.app import ConsoleApp

OUT = Path(__file__).parent.parent / "docs" / "img" / "dashboard.svg"
SIZE = (120, 40)


async def take(seconds: float) -> str:
    """Deploy, let it flow, remove everything; what was on the screen, as SVG."""
    spec = StackSpec("petstore", 2, frozenset({Component.REDIS}), LoadSpec(rate=2000.0))
    options = ConsoleOptions(open_target, spec, start=True)
    app = ConsoleApp(options, themes.load(themes.DEFAULT), keymap.load())
    async with app.run_test(size=SIZE):
        await asyncio.sleep(seconds)
        picture = app.export_screenshot(title="kapture-tui")
    target = open_target("local", spec.namespace)
    async for _ in target.destroy():
        pass
    return picture


if __name__ == "__main__":
    wanted = float(sys.argv[1]) if len(sys.argv) > 1 else 40.0
    out = Path(sys.argv[2]) if len(sys.argv) > 2 else OUT
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(asyncio.run(take(wanted)))
