"""One event loop for a command, and what signals do to it."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Coroutine
from typing import Any

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def run(job: Coroutine[Any, Any, int]) -> int:
    """Run a command to its end and return its exit code, 128 + number after a signal.

    The first SIGINT, SIGTERM or SIGHUP cancels the command, which then cleans up. A second SIGINT or SIGTERM ends the
    process where it stands.
    """
    return asyncio.run(_until_signalled(job))


async def _until_signalled(job: Coroutine[Any, Any, int]) -> int:
    task = asyncio.ensure_future(job)
    received: list[int] = []

    def stop(number: int) -> None:
        if not received:
            received.append(number)
            task.cancel()
        elif number != signal.SIGHUP:  # a closing terminal may send that one twice
            os._exit(128 + number)

    _install(stop)
    try:
        return await task
    except asyncio.CancelledError:
        if not received:
            raise
        return 128 + received[0]


def _install(stop: Any) -> None:
    loop = asyncio.get_running_loop()
    for number in _SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:  # nohup means what it says
            loop.add_signal_handler(number, stop, number)
