"""How fast the terminal takes what it is sent, and what that allows.

A slow link does not say that it is slow: what is written queues up in buffers between here and the screen, and a key is
answered when all of that has passed. So there is a question behind each frame that the terminal answers once it has
drawn it. Until then nothing more is sent; what changes meanwhile is sent as it is then, once. New figures wait as long
again as the last frame took, so that the line is free for keys half of the time.
"""

from __future__ import annotations

REST_S = 5.0
"""The longest that new figures wait."""

LOST_S = 20.0
"""A terminal that has answered before and does not answer for so long has lost the question."""


class Pace:
    """Keeps the account of one terminal. Times are monotonic seconds."""

    def __init__(self) -> None:
        self._answers = self._open = self._more = False
        self._asked_s = self._first_s = self._rested_s = 0.0

    def asked(self, now_s: float) -> bool:
        """Take note that a frame was sent; return whether to ask the terminal now.

        There is one question at a time, so that one that gets lost is not waited for by all that follow.
        """
        if self._open and now_s - self._asked_s <= LOST_S:
            self._more = True
            return False
        self._open, self._more = True, False
        self._asked_s = self._first_s = now_s
        return True

    def answered(self, now_s: float) -> bool:
        """Take note of the answer; return whether to ask again, since more was sent in the meantime.

        After the last answer new figures rest for as long as it took.
        """
        self._answers, again = True, self._more
        self._open, self._more = again, False
        if again:
            self._asked_s = now_s
        else:
            self._rested_s = now_s + min(REST_S, now_s - self._first_s)
        return again

    def clear(self, now_s: float) -> bool:
        """Return whether the terminal has drawn what it was sent. One that never answered is taken to have."""
        return not self._answers or not self._open or now_s - self._asked_s > LOST_S

    def rest_s(self, now_s: float) -> float:
        """Return for how long new figures should still wait, seconds; 0 for not at all."""
        return max(0.0, self._rested_s - now_s)
