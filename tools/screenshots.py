"""Makes all pictures of the docs anew: the real console on real stacks of this machine.

    python tools/screenshots.py [FOLDER]

Takes about four minutes and writes dashboard.svg, demo.svg and replay.svg, to docs/img unless told otherwise.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from kapture_tui.model.spec import Component, LoadSpec, StackSpec
from kapture_tui.targets import open_target
from kapture_tui.telemetry.flight import FlightRecorder
from kapture_tui.telemetry.recording import Recording
from kapture_tui.tui import ConsoleOptions, keymap, picture_of, themes
from kapture_tui.tui.app import ConsoleApp
from kapture_tui.tui.options import TOUR_STACK
from kapture_tui.tui.tour import VICTIM, TourApp

FOLDER = Path(__file__).parent.parent / "docs" / "img"
LARGE, SMALL = (120, 40), (80, 24)

FLOWING_S = 40.0
"""How long a stack flows until its dashboard is taken: long enough for every sparkline to have a shape."""

AFTER_S = 5.0
"""How long after something was said the tour's picture is taken: what it was said about has begun to show."""

SHOWN_S = 3.0
"""How long the animation shows each of its pictures."""

STACK = StackSpec("petstore", 2, frozenset({Component.REDIS}), LoadSpec(rate=2000.0))


async def dashboard() -> str:
    """Deploy, let it flow, remove everything; what was on the screen."""
    options = ConsoleOptions(open_target, STACK, start=True, theme=themes.DEFAULT)
    app = ConsoleApp(options, themes.load(themes.DEFAULT), keymap.defaults())
    async with app.run_test(size=LARGE):
        await asyncio.sleep(FLOWING_S)
        picture = app.export_screenshot(title="kapture-tui")
    async for _ in open_target("local", STACK.namespace).destroy():
        pass
    return picture


async def tour(recordings: Path) -> list[str]:
    """Take the tour; what was on the screen at each of its stops."""
    flight = FlightRecorder(recordings)
    options = ConsoleOptions(open_target, TOUR_STACK, start=True, watch=flight, recording=lambda: flight.path)
    app = TourApp(options, themes.load(themes.DEFAULT), keymap.defaults())
    pictures: list[str] = []
    async with app.run_test(size=SMALL):
        while app.return_value is None:
            if len(pictures) < app.told < len(app.tour):
                await asyncio.sleep(AFTER_S)
                pictures.append(app.export_screenshot(title="kapture-tui demo"))
            await asyncio.sleep(0.2)
    return pictures


def replay(recordings: Path) -> str:
    """The recording of the tour at the second something was killed."""
    (path,) = recordings.iterdir()
    marks = Recording.open(path).timeline().marks
    killed_s = next(mark.position_s for mark in marks if mark.event.subject == VICTIM)
    options = ConsoleOptions(open_target, attach=True, readonly=True, theme=themes.DEFAULT)
    return picture_of(path, killed_s + AFTER_S, LARGE, options)


def animated(pictures: Sequence[str]) -> str:
    """One SVG that shows pictures in turn; where nothing moves, it shows the first one."""
    whole_s, part = SHOWN_S * len(pictures), 100 / len(pictures)
    style = (
        f".shot{{visibility:hidden;animation:shot {whole_s:g}s step-end infinite}}"
        f"@keyframes shot{{0%{{visibility:visible}}{part:.4f}%{{visibility:hidden}}}}"
        "@media (prefers-reduced-motion){.shot{animation:none}.shot:first-of-type{visibility:visible}}"
    )
    shots = "".join(
        f'<g class="shot" style="animation-delay:{number * SHOWN_S - whole_s:g}s">{picture}</g>'
        for number, picture in enumerate(pictures)
    )
    box = pictures[0].partition('viewBox="')[2].partition('"')[0]
    return f'<svg viewBox="{box}" xmlns="http://www.w3.org/2000/svg"><style>{style}</style>{shots}</svg>\n'


def main(folder: Path) -> None:
    """Make and write all of them."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as recordings:
        made = {
            "dashboard": asyncio.run(dashboard()),
            "demo": animated(asyncio.run(tour(Path(recordings)))),
            "replay": replay(Path(recordings)),
        }
    for name, picture in made.items():
        (folder / f"{name}.svg").write_text(picture, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
