"""How soon the console's first screen is on a real terminal, against the time it takes to import Textual alone."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator

from benchmark.perf.result import CannotRun, Effort, Result
from benchmark.perf.terminal import program

GOAL = 0.3
"""Of the time to the first screen, what `import textual` takes. On a quiet machine this is well below half a second."""

TRIES = 3
LIMIT_S = 30.0
FIRST_PAINT = b"this machine"
"""Stands on the setup screen."""


def measure(effort: Effort) -> Iterator[Result]:
    """See `Result`: the best of some tries on both sides, in turn; whatever disturbs only makes them longer."""
    pairs = [(_first_paint_s(), _import_s()) for _ in range(TRIES * effort.pairs)]
    value, baseline = (min(column) for column in zip(*pairs, strict=True))
    yield Result(
        "console start",
        value,
        "s",
        baseline,
        baseline / value,
        GOAL,
        f"best of {len(pairs)}; the longest took {max(pairs)[0]:.2f} s; should be 0.5 s on a quiet machine",
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
