"""The console on this terminal with a pretended stack.

`python -m tests.tui.play [setup|attach|start|trouble|fail] [SECONDS_A_TICK] [TICKS] [DESCRIPTOR]`
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator

from kapture_tui.model.errors import KaptureError
from kapture_tui.model.event import Event
from kapture_tui.model.snapshot import Snapshot
from kapture_tui.model.spec import Component, StackSpec
from kapture_tui.targets.base import Target
from kapture_tui.tui import ConsoleOptions, run_console
from tests.tui import sample
from tests.tui.fake import STEPS, ScriptedTarget, step

FAILURE = KaptureError(
    "starting the embedded broker",
    "exit code 1: no space left on device",
    "free some space in the state directory",
)

TICK, DESTROYED, RETURNED = b"t", b"D", b"R"
"""What is written to the descriptor: a tick begins, the stack is torn down, the console has ended by itself."""


def main(mode: str = "setup", tick_s: str = "1", ticks: str = "1000000", descriptor: str = "") -> int:
    """Run it. The display stands still after so many ticks; each is told to a descriptor, if one is given."""

    def tell(what: bytes) -> None:
        if descriptor:
            os.write(int(descriptor), what)

    class Told(ScriptedTarget):
        async def destroy(self, purge: bool = False) -> AsyncIterator[Event]:
            tell(DESTROYED)
            async for event in super().destroy(purge):
                yield event

    target = Told(log=[f"2026-01-02 17:00:{n % 60:02} line {n}" for n in range(300)])
    if mode == "fail":
        target.events = [
            step("supervisor", STEPS[0][1], True, 0.2),
            step("broker", "starting broker", False),
            FAILURE,
        ]
    make = sample.troubled if mode == "trouble" else sample.snapshot

    async def watch(_: Target) -> AsyncIterator[Snapshot]:
        for tick in range(1, int(ticks) + 1):
            tell(TICK)
            yield make(tick)
            await asyncio.sleep(float(tick_s))
        tell(TICK)
        await asyncio.Event().wait()

    spec = StackSpec("perf-test", 2, frozenset({Component.REDIS})) if mode != "setup" else None
    attach, start = mode in ("attach", "trouble"), mode in ("start", "fail")
    code = run_console(
        ConsoleOptions(
            lambda name, namespace, connection: target, spec, attach=attach, start=start, watch=watch
        )
    )
    tell(RETURNED)
    return code


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
