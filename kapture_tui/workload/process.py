"""What every workload process does alike: say that it is ready, and stop in order when asked to."""

from __future__ import annotations

import _thread
import gc
import json
import logging
import os
import re
import signal
import socket
import threading
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

REPEAT_S = 10.0
"""How long a warning is not said again, seconds."""

_FORGET = 1000


class SaidAlready(logging.Filter):
    """Passes a warning that differs from a recent one in its numbers at most only every ten seconds.

    While a broker is away its clients complain twenty times a second, each.
    """

    def __init__(self) -> None:
        super().__init__()
        self._said: dict[tuple[str, str], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is worth a line."""
        if record.levelno < logging.WARNING:
            return True
        key = record.name, re.sub(r"\d+", "0", record.getMessage())
        if record.created - self._said.get(key, -REPEAT_S) < REPEAT_S:
            return False
        if len(self._said) >= _FORGET:
            self._said.clear()
        self._said[key] = record.created
        return True


COLLECT_AT = 1_000_000
"""Several batches of ten thousand records, with all that is made of them."""


def collect_seldom() -> None:
    """Look for garbage only when so many objects were made more than were given back.

    Batches hold tens of thousands of objects that are no garbage: looking through them each time 700 more were made, as
    is usual, takes a consumer a quarter of its time. Cycles are rare here, so that hardly anything waits for it.
    """
    gc.set_threshold(COLLECT_AT)


class StopSignal:
    """Set by SIGTERM and SIGINT, once installed. May be waited on."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def install(self) -> StopSignal:
        """Take over SIGTERM and SIGINT of this process; call from the main thread."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)
        return self

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        # Not here: what the signal interrupts may be `wait`, in the moment it holds the event's own lock.
        _thread.start_new_thread(self._event.set, ())

    def set(self) -> None:
        """Ask to stop."""
        self._event.set()

    def __bool__(self) -> bool:
        return self._event.is_set()

    def wait(self, timeout_s: float) -> bool:
        """Wait until it is time to stop, at most `timeout_s` seconds; whether it is."""
        return self._event.wait(timeout_s)


_listening: list[socket.socket] = []
"""Ports that say that this process is ready; open until it ends."""


@dataclass(frozen=True, slots=True)
class Readiness:
    """How this process tells that it does its work.

    Attributes:
        file: written with a JSON object, all of it or nothing; None: nobody reads one.
        port: opened, and nothing more: the kubelet only looks whether it can connect, which costs it next to nothing,
            while a command in the container would cost a process a second for every pod. None: nobody looks.
    """

    file: Path | None = None
    port: int | None = None

    def say(self, **facts: Any) -> None:
        """Tell it. Raises OSError when the file cannot be written or the port is taken."""
        if self.file is not None:
            part = self.file.with_name(self.file.name + ".part")
            part.write_text(json.dumps(facts))
            os.replace(part, self.file)
        if self.port is not None:
            both = socket.has_dualstack_ipv6()
            family = socket.AF_INET6 if both else socket.AF_INET
            _listening.append(socket.create_server(("", self.port), family=family, dualstack_ipv6=both))


NOBODY_ASKS = Readiness()
