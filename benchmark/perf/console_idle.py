"""What the console costs while a stack runs and nobody touches a key: bytes to the terminal, and share of a core."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from benchmark.perf.result import CannotRun, Effort, Result
from benchmark.perf.stack import NAMESPACE, stack, watch
from benchmark.perf.terminal import program
from kapture_tui.model.snapshot import Phase

BYTES_PER_S = 2000.0
CORE_SHARE = 0.03

SETTLE_S = 5.0
LIMIT_S = 30.0
ON_SCREEN = b"kafka"


def measure(effort: Effort) -> Iterator[Result]:
    """See `Result`."""
    bytes_per_s, share = asyncio.run(_measure(2 * effort.window_s))
    yield Result(
        "console to the terminal",
        bytes_per_s,
        "bytes / s",
        BYTES_PER_S,
        BYTES_PER_S / bytes_per_s,
        1.0,
        "80x24, a stack of scale 1 at full speed",
    )
    yield Result("console CPU", 100 * share, "% of a core", 100 * CORE_SHARE, CORE_SHARE / share, 1.0)


async def _measure(window_s: float) -> tuple[float, float]:
    async with stack(scale=1) as target:
        await watch(target, lambda snapshot: snapshot.run.phase is Phase.FLOWING, "transactions flowing")
        return await asyncio.to_thread(watch_console, NAMESPACE, "local", window_s)


def watch_console(namespace: str, target: str, window_s: float) -> tuple[float, float]:
    """(bytes a second, share of a core) of a console that is attached."""
    with program(("-m", "kapture_tui", "attach", namespace, "--target", target)) as terminal:
        if not terminal.read(lambda: ON_SCREEN in terminal.tail, LIMIT_S):
            raise CannotRun(f"the dashboard did not appear within {LIMIT_S:.0f} s")
        terminal.read(lambda: False, SETTLE_S)
        written, cpu_s = terminal.written, terminal.cpu_s
        terminal.read(lambda: False, window_s)
        return (terminal.written - written) / window_s, (terminal.cpu_s - cpu_s) / window_s
