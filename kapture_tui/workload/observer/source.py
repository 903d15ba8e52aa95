"""A source of figures that is asked once a tick, in a thread of its own: one that hangs or fails holds nobody up."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from kapture_tui.model.errors import KaptureError
from kapture_tui.workload.waiting import NotThereYet

log = logging.getLogger(__name__)

T = TypeVar("T")

STALE_S = 3.0
"""How long the last answer stands in for one that has not come yet, seconds."""

BACKOFF_MAX_S = 10.0
"""The longest pause between two tries at a source that fails, seconds."""


class Source(Generic[T]):
    """Something that answers a question a second, mostly.

    Args:
        name: what it is ("Kafka"); stands in reasons and logs.
        look: asks it; may block, may raise. Called in the source's own thread only.
    """

    def __init__(self, name: str, look: Callable[[], T], clock: Callable[[], float] = time.monotonic) -> None:
        self._name = name
        self._look = look
        self._clock = clock
        self._asked = threading.Event()
        self._idle = threading.Event()
        self._idle.set()
        self._closed = False
        self._value: T | None = None
        self._reason = ""
        self._answered_s = clock()
        self._failures = 0
        self._told = False
        self._again_s = 0.0
        # A daemon: a look that hangs in the client must not keep the process from ending.
        threading.Thread(target=self._run, name=f"source-{name}", daemon=True).start()

    def ask(self) -> None:
        """Have it look once more, unless it is still at it or has failed just now."""
        if self._idle.is_set() and self._clock() >= self._again_s:
            self._idle.clear()
            self._asked.set()

    def wait(self, timeout_s: float) -> bool:
        """Wait until the look that was asked for is over; whether it is."""
        return self._idle.wait(max(0.0, timeout_s))

    def answer(self) -> tuple[T | None, str]:
        """The newest answer, or None and the reason why there is none."""
        silent_s = self._clock() - self._answered_s
        if not self._idle.is_set() and silent_s > STALE_S:
            return None, f"{self._name} has not answered for {silent_s:.0f} s"
        if self._value is None and not self._reason:
            return None, f"{self._name} has not answered yet"
        return self._value, self._reason

    def close(self) -> None:
        """Ask no more. Does not wait."""
        self._closed = True
        self._asked.set()

    def _run(self) -> None:
        while True:
            self._asked.wait()
            self._asked.clear()
            if self._closed:
                return
            self._try()
            self._answered_s = self._clock()
            self._idle.set()

    def _try(self) -> None:
        try:
            self._value, self._reason = self._look(), ""
            if self._told:
                log.info("%s answers again", self._name)
            self._failures, self._told = 0, False
        except Exception as exc:
            # Whatever it is: the other sources go on, and the screen shows why this one is missing.
            self._value, self._reason = None, _reason(exc)
            self._back_off(exc)

    def _back_off(self, exc: Exception) -> None:
        if not self._told:
            log.warning("%s: %s", self._name, self._reason, exc_info=not isinstance(exc, KaptureError))
        self._told = True
        # To find out that something is not there yet costs little, and the first figures are waited for. Nor is it a
        # failure that should make the pause after the next one longer.
        if not isinstance(exc, NotThereYet):
            self._failures += 1
            self._again_s = self._clock() + min(BACKOFF_MAX_S, 0.5 * 2**self._failures)


def _reason(exc: Exception) -> str:
    return str(exc) if isinstance(exc, KaptureError) else f"{type(exc).__name__}: {exc}"
