"""What to do when the terminal goes away: leave within two seconds, without spinning and without touching the stack.

Left alone, Textual's reader spins on a dead terminal and its writer blocks for ever once the queue is full.
"""

from __future__ import annotations

import asyncio
import os
import select
import signal
import sys
import threading
from collections.abc import Callable

EXIT_CODE = 128 + signal.SIGHUP
PATIENCE_S = 1.5


_terminals: list[int] = []
"""Which of the standard streams were the terminal: a dead one no longer says so."""


def install(leave: Callable[[], None]) -> None:
    """Have `leave` called when the terminal hangs up, possibly more than once; needs a running event loop."""
    _terminals[:] = [stream for stream in (0, 1, 2) if os.isatty(stream)]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # nohup means what it says
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, leave)


def terminal_gone() -> bool:
    """Return whether the terminal on standard input has been closed; for those who get no SIGHUP."""
    if sys.__stdin__ is None or not sys.__stdin__.isatty():
        return False
    poller = select.poll()
    poller.register(sys.__stdin__.fileno(), 0)
    return any(
        happened & (select.POLLHUP | select.POLLERR | select.POLLNVAL) for _, happened in poller.poll(0)
    )


def detach() -> None:
    """Put a silent pipe and /dev/null where the terminal was, so that nobody reads from or writes to what is dead.

    Should leaving take longer than it may all the same, the process ends where it stands.
    """
    silent, _ = os.pipe()
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in _terminals:
        os.dup2(silent if stream == 0 else nowhere, stream)
    watchdog = threading.Timer(PATIENCE_S, os._exit, [EXIT_CODE])
    watchdog.daemon = True
    watchdog.start()
