"""The console on this terminal with a pretended stack: `python -m tests.tui.play [setup|attach|trouble]`."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator

from kapture_tui.model.snapshot import Snapshot
from kapture_tui.model.spec import StackSpec
from kapture_tui.targets.base import Target
from kapture_tui.tui import ConsoleOptions, run_console
from tests.tui import sample
from tests.tui.fake import ScriptedTarget


def main(mode: str = "setup") -> int:
    """Run it."""
    target = ScriptedTarget(log=[f"2026-01-02 17:00:{n % 60:02} line {n}" for n in range(300)])
    make = sample.troubled if mode == "trouble" else sample.snapshot

    async def watch(_: Target) -> AsyncIterator[Snapshot]:
        for tick in range(1, 100_000):
            yield make(tick)
            await asyncio.sleep(1)

    attach = mode in ("attach", "trouble")
    spec = StackSpec("perf-test", scale=2) if attach else None
    return run_console(ConsoleOptions(lambda name, namespace: target, spec, attach=attach, watch=watch))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
