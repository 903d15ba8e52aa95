"""What to do when the terminal goes away: leave within two seconds, without spinning and without touching the stack.

Left alone, Textual's reader spins on a dead terminal and its writer blocks for ever once the queue is full.
"""

from __future__ import annotations

import asyncio
import os
import select
import signal
import threading
from collections.abc import Callable
from contextlib import suppress

EXIT_CODE = 128 + signal.SIGHUP
PATIENCE_S = 1.5


_terminals: list[int] = []
"""Which of the standard streams were the terminal: a dead one no longer says so."""


def install(leave: Callable[[], None]) -> None:
    """Have `leave` called in this event loop when the terminal hangs up, possibly more than once."""
    loop = asyncio.get_running_loop()
    _terminals[:] = [stream for stream in (0, 1, 2) if os.isatty(stream)]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # nohup means what it says
        loop.add_signal_handler(signal.SIGHUP, leave)
    if 0 in _terminals:
        # For those who get no SIGHUP. A thread that sleeps in the kernel costs nothing until it happens.
        threading.Thread(target=_watch, args=(loop, leave), name="hang-up", daemon=True).start()


def _watch(loop: asyncio.AbstractEventLoop, leave: Callable[[], None]) -> None:
    if _gone(timeout_ms=None):
        with suppress(RuntimeError):  # the loop is closed: we have left already
            loop.call_soon_threadsafe(leave)


def terminal_gone() -> bool:
    """Return whether the terminal on standard input has been closed."""
    return 0 in _terminals and _gone(timeout_ms=0)


def _gone(timeout_ms: int | None) -> bool:
    poller = select.poll()
    poller.register(0, 0)
    # Systems that cannot poll terminals say POLLNVAL; that is no hang-up.
    return any(happened & select.POLLHUP for _, happened in poller.poll(timeout_ms))


def detach() -> None:
    """Put a silent pipe and /dev/null where the terminal was, so that nobody reads from or writes to what is dead.

    Should leaving take longer than it may all the same, the process ends where it stands.
    """
    silent, _ = os.pipe()
    # The reader may have been told that the terminal is readable a moment ago: it must not wait for the pipe now.
    os.set_blocking(silent, False)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    while _terminals:
        stream = _terminals.pop()
        os.dup2(silent if stream == 0 else nowhere, stream)
    watchdog = threading.Timer(PATIENCE_S, os._exit, [EXIT_CODE])
    watchdog.daemon = True
    watchdog.start()
