"""How a recording is played: where it stands at a time, at what speed. Pure: time comes in as an argument."""

from __future__ import annotations

from dataclasses import dataclass, replace

SPEEDS = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 60.0)
"""Seconds of a recording in one second."""


@dataclass(frozen=True, slots=True)
class Playback:
    """A recording of some length on its way. All changes return a new value.

    Attributes:
        length_s: of the recording, seconds.
        from_s: where it stood at `since_s`, a time of the clock it is played by, both in seconds.
        speed: seconds of it in one second.
        playing: False: it stands still.
    """

    length_s: float
    from_s: float = 0.0
    since_s: float = 0.0
    speed: float = 1.0
    playing: bool = True

    @classmethod
    def begun(cls, length_s: float, position_s: float, speed: float = 1.0) -> Playback:
        """At its beginning, or at another place; below 0: so long before its end."""
        return cls(length_s, position_s if position_s >= 0 else max(0.0, length_s + position_s), speed=speed)

    def position(self, now_s: float) -> float:
        """Where it stands, seconds from its beginning."""
        moved_s = (now_s - self.since_s) * self.speed if self.playing else 0.0
        return min(self.length_s, max(0.0, self.from_s + moved_s))

    def ended(self, now_s: float) -> bool:
        """Whether it has been played to its end."""
        return self.playing and self.position(now_s) >= self.length_s

    def sought(self, position_s: float, now_s: float) -> Playback:
        """At another place; one before the beginning or behind the end means these."""
        return replace(self, from_s=min(self.length_s, max(0.0, position_s)), since_s=now_s)

    def toggled(self, now_s: float) -> Playback:
        """Standing still, or going on; at the end it goes on from the beginning."""
        if self.ended(now_s):
            return self.sought(0.0, now_s)
        return replace(self.sought(self.position(now_s), now_s), playing=not self.playing)

    def paused(self, now_s: float) -> Playback:
        """Standing still."""
        return replace(self.sought(self.position(now_s), now_s), playing=False)

    def faster(self, now_s: float) -> Playback:
        """At the next speed."""
        return self._at_speed(min((s for s in SPEEDS if s > self.speed), default=self.speed), now_s)

    def slower(self, now_s: float) -> Playback:
        """At the speed before."""
        return self._at_speed(max((s for s in SPEEDS if s < self.speed), default=self.speed), now_s)

    def _at_speed(self, speed: float, now_s: float) -> Playback:
        return replace(self.sought(self.position(now_s), now_s), speed=speed)
