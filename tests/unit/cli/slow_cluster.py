"""A simulated cluster whose trials take time, for a test that interrupts one."""

from __future__ import annotations

import asyncio
import os

from kapture_tui.bench.trial import TrialResult

LIMIT = 5000.0
LAG = tuple((float(s), 10.0) for s in range(8))


class Slow:
    """Holds up to `LIMIT`; with SLOW in the environment every trial takes a moment."""

    async def trial(self, rate: float, seconds: float, seed: int) -> TrialResult:
        await asyncio.sleep(0.2 if os.environ.get("SLOW") else 0.0)
        return TrialResult(rate, rate, 100.0 if rate <= LIMIT else 9000.0, 0, 0, {"etl": LAG}, 0.0)


def slow(seed: int) -> Slow:
    """A fresh one."""
    return Slow()
