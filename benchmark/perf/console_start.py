"""How soon the console's first screen is on a real terminal."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Iterator

from benchmark.perf.result import CannotRun, Effort, Result
from benchmark.perf.terminal import program

GOAL_S = 0.5

TRIES = 3
LIMIT_S = 30.0
FIRST_PAINT = b"this machine"
"""Stands on the setup screen."""


def measure(effort: Effort) -> Iterator[Result]:
    """See `Result`: the median of some tries, and beside it what `import textual` takes."""
    _first_paint_s()  # compiles what has not been: an installed program is
    pairs = [(_first_paint_s(), _import_s()) for _ in range(TRIES * effort.pairs)]
    value, textual = (statistics.median(column) for column in zip(*pairs, strict=True))
    yield Result(
        "console start",
        value,
        "s",
        GOAL_S,
        GOAL_S / value,
        1.0,
        f"median of {len(pairs)}; {min(pairs)[0]:.2f} to {max(pairs)[0]:.2f} s; importing Textual {textual:.2f} s",
    )


def _first_paint_s() -> float:
    began = time.monotonic()
    with program(("-m", "kapture_tui")) as terminal:
        if not terminal.read(lambda: FIRST_PAINT in terminal.tail, LIMIT_S):
            raise CannotRun(f"the setup screen did not appear within {LIMIT_S:.0f} s")
        return time.monotonic() - began


def _import_s() -> float:
    began = time.monotonic()
    subprocess.run((sys.executable, "-c", "import textual"), check=True)
    return time.monotonic() - began
