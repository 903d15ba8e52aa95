"""What happened, when, to whom: one line of the events panel, of the log and of the recording."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class EventKind(Enum):
    """What sort of thing happened; decides glyph and colour, and what the timeline marks."""

    STEP = "step"
    """A step of a deploy or a teardown began or ended."""
    ACTION = "action"
    """A person did something here: scaled, killed, restarted."""
    CHANGE = "change"
    """Something changed without us: a pod died and came back, another client scaled."""
    ALARM = "alarm"
    """A person must look: integrity, a source that fails, a run that ended."""


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened.

    Attributes:
        time: UTC, ISO 8601 with milliseconds and "Z".
        kind: see `EventKind`.
        subject: the component, pod or topic it is about ("etl-0"); "" for the run as a whole.
        text: one line for a person. It may quote outside text: whoever shows it must escape it.
        step: for deploys and teardowns the step's stable name ("broker"); None otherwise.
        done: whether that step is over; None if this is no step.
        seconds: how long the step took, once it is over; None before.
    """

    time: str
    kind: EventKind
    subject: str
    text: str
    step: str | None = None
    done: bool | None = None
    seconds: float | None = None
