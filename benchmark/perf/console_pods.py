"""The console's pods view with 20, 1,000 and 10,000 pods, idle and while 20 a second change, beside k9s' figures."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator

from benchmark.perf.result import CannotRun, Effort, Result
from benchmark.perf.terminal import Terminal, program

SIZES = (20, 1_000, 10_000)
CHANGES = 20
LIMIT_S = 60.0
SETTLE_S = 4.0
KEYS = 40
UNFOLDED = ("2", "z", "/", "-", "\r")
"""Shows all pods, enlarged: the view that has most to do."""

KEY_GOAL_S = 0.1

K9S_CORE = 0.35
K9S_BYTES = 865 << 20
MIB = 1 << 20
K9S_BYTES_PER_S = 930.0
"""k9s 0.50 at 10,000 pods: the least it was seen to take of a core and of memory, and what it sends under change.

The goals are a quarter of its CPU, a third of its memory and no more bytes.
"""


def measure(effort: Effort) -> Iterator[Result]:
    """See `Result`."""
    for pods in SIZES:
        for changes in (0, CHANGES):
            yield from _measure(pods, changes, 2 * effort.window_s)


def _measure(pods: int, changes: int, window_s: float) -> Iterator[Result]:
    where = f"{pods:,} pods, {changes} change a second"
    began = time.monotonic()
    with program(("-m", "benchmark.perf.scripted_console", str(pods), str(changes)), 120, 40) as terminal:
        if not terminal.read(lambda: b"data-loader" in terminal.tail, LIMIT_S):
            raise CannotRun(f"no rows within {LIMIT_S:.0f} s")
        first_s = time.monotonic() - began
        for key in UNFOLDED:
            terminal.press(key)
        terminal.read(lambda: False, SETTLE_S)
        written, cpu_s = terminal.written, terminal.cpu_s
        terminal.read(lambda: False, window_s)
        bytes_per_s, share = (terminal.written - written) / window_s, (terminal.cpu_s - cpu_s) / window_s
        keys = [key_s(terminal, key) for key in ("j", "k") * (KEYS // 2)]
        memory = terminal.memory_bytes
    large = pods == max(SIZES)
    yield Result("first rows", first_s, "s", note=f"from the start of the program; {where}")
    yield _against("CPU", 100 * share, "% of a core", 25 * K9S_CORE if large else None, where)
    yield _against("memory", memory / MIB, "MiB", K9S_BYTES / 3 / MIB if large else None, where)
    yield _against(
        "to the terminal", bytes_per_s, "bytes / s", K9S_BYTES_PER_S if large and changes else None, where
    )
    median = f"the slowest of {KEYS}, the median {1000 * statistics.median(keys):.0f} ms"
    yield _against("a key answered", 1000 * max(keys), "ms", 1000 * KEY_GOAL_S, f"{median}; {where}")


def _against(name: str, value: float, unit: str, limit: float | None, note: str) -> Result:
    """A figure that must not be above a limit, if there is one."""
    if limit is None:
        return Result(name, value, unit, note=note)
    return Result(name, value, unit, limit, limit / max(value, 1e-9), 1.0, note)


def key_s(terminal: Terminal, key: str) -> float:
    """From a key to the first byte that answers it; what is sent by itself meanwhile is not told apart."""
    terminal.read(lambda: False, 0.37)
    before, began = terminal.written, time.monotonic()
    terminal.press(key)
    if not terminal.read(lambda: terminal.written > before, LIMIT_S):
        raise CannotRun(f"{key} was not answered")
    return time.monotonic() - began
