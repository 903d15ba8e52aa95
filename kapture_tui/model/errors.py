"""Everything that can go wrong, as one small tree.

Each error says what was being done, what came back and what to try, and knows the exit code of the command line:

    KaptureError            1  failed
    ├── UsageError          2  what was asked for is not valid
    ├── NotAllowed          3  rights are missing
    ├── Unreachable         3  a server or a process does not answer
    └── IntegrityViolated   4  messages were lost, written twice, or the run can no longer tell
"""

from __future__ import annotations


class KaptureError(Exception):
    """Something failed.

    Args:
        doing: what was being done, as a phrase ("starting the embedded broker").
        cause: what came back ("exit code 1: no space left on device").
        remedy: what to try, as an imperative sentence; empty if there is nothing to try.
    """

    exit_code = 1

    def __init__(self, doing: str, cause: str = "", remedy: str = "") -> None:
        super().__init__(doing, cause, remedy)
        self.doing = doing
        self.cause = cause
        self.remedy = remedy

    def __str__(self) -> str:
        text = f"{self.doing}: {self.cause}" if self.cause else self.doing
        return f"{text} ({self.remedy})" if self.remedy else text


class UsageError(KaptureError):
    """What was asked for is not valid: an unknown component, scale 0, a broken theme file."""

    exit_code = 2


class NotAllowed(KaptureError):
    """The user may not do this; the missing right is named."""

    exit_code = 3


class Unreachable(KaptureError):
    """A server, a socket or a process does not answer."""

    exit_code = 3


class IntegrityViolated(KaptureError):
    """Acknowledged messages were lost or written twice, or the means to tell are gone (the embedded broker died)."""

    exit_code = 4
