"""The steps of a deploy or a teardown, folded from events."""

from __future__ import annotations

from dataclasses import dataclass, replace

from kapture_tui.model.event import Event


@dataclass(frozen=True, slots=True)
class Step:
    """One step.

    Attributes:
        name: its stable name.
        text: what is being done or came of it.
        started_s: when its first event came, seconds by the caller's clock.
        done: whether it is over.
        seconds: how long it took; None while it runs.
        failed: the deploy ended in it.
    """

    name: str
    text: str
    started_s: float
    done: bool = False
    seconds: float | None = None
    failed: bool = False


@dataclass(frozen=True, slots=True)
class Progress:
    """What is known of all steps, in the order they began. `last` is the text of the latest event."""

    steps: tuple[Step, ...] = ()
    last: str = ""

    def after(self, event: Event, now_s: float) -> Progress:
        """Return the progress with one more event; one that is no step changes only `last`."""
        if event.step is None:
            return replace(self, last=event.text)
        known = {step.name: step for step in self.steps}
        before = known.get(event.step, Step(event.step, event.text, now_s))
        done = bool(event.done)
        took = event.seconds if event.seconds is not None or not done else now_s - before.started_s
        known[event.step] = replace(before, text=event.text, done=done, seconds=took)
        return Progress(tuple(known.values()), event.text)

    def failed(self, now_s: float) -> Progress:
        """Return the progress with the steps that were running marked as failed."""
        steps = (s if s.done else replace(s, failed=True, seconds=now_s - s.started_s) for s in self.steps)
        return replace(self, steps=tuple(steps))
