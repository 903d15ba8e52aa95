"""The events of a run, kept for whoever joins later and handed on as they come."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime

from kapture_tui.model.event import Event, EventKind

KEPT = 1000
SHOWN = 100
"""How many of the past events somebody gets who joins now."""


def now() -> str:
    """UTC, ISO 8601 with milliseconds and "Z"."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


class Step:
    """A step of a deploy or a teardown, timed; `say` ends it with a remark of its own."""

    def __init__(self, journal: Journal, name: str, subject: str, text: str) -> None:
        self.text = text
        self._journal = journal
        self._name = name
        self._subject = subject
        self._began_s = time.monotonic()

    def say(self, text: str) -> None:
        """What the event that ends the step will say."""
        self.text = text

    def __enter__(self) -> Step:
        event = Event(now(), EventKind.STEP, self._subject, self.text, self._name, done=False)
        self._journal.add(event)
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if error is None:
            seconds = time.monotonic() - self._began_s
            event = Event(
                now(), EventKind.STEP, self._subject, self.text, self._name, done=True, seconds=seconds
            )
            self._journal.add(event)


class Journal:
    """The events in the order they happened, numbered from 0."""

    def __init__(self) -> None:
        self._events: deque[Event] = deque(maxlen=KEPT)
        self._count = 0
        self._listeners: set[Callable[[Event], None]] = set()

    @property
    def count(self) -> int:
        """How many there have been."""
        return self._count

    def add(self, event: Event) -> None:
        """Take an event in and tell the listeners."""
        self._events.append(event)
        self._count += 1
        for listener in tuple(self._listeners):
            listener(event)

    def tell(self, kind: EventKind, subject: str, text: str) -> None:
        """Add an event of now that is no step."""
        self.add(Event(now(), kind, subject, text))

    def step(self, name: str, subject: str, text: str) -> Step:
        """A step to be entered with `with`."""
        return Step(self, name, subject, text)

    def since(self, number: int) -> tuple[Event, ...]:
        """The events from that number on, as far as they are kept; at most the last `SHOWN` for number 0."""
        wanted = self._count - number
        if number == 0:
            wanted = min(wanted, SHOWN)
        return tuple(self._events)[-wanted:] if wanted > 0 else ()

    def listen(self) -> Listener:
        """A queue of all events from now on, to be used with `with`."""
        return Listener(self._listeners)


class Listener:
    """See `Journal.listen`."""

    def __init__(self, listeners: set[Callable[[Event], None]]) -> None:
        self._listeners = listeners
        self.queue: asyncio.Queue[Event] = asyncio.Queue()

    def __enter__(self) -> asyncio.Queue[Event]:
        self._listeners.add(self.queue.put_nowait)
        return self.queue

    def __exit__(self, *exc: object) -> None:
        self._listeners.discard(self.queue.put_nowait)
