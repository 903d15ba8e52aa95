"""Points in time as Kubernetes writes them."""

from __future__ import annotations

from datetime import datetime


def seconds_of(text: object) -> float | None:
    """Seconds since the epoch of an RFC 3339 time.

    None where there is none: many times are null until something happens, and some for ever, like both times of a
    container whose end the kubelet did not see. None as well for text that is no time, which annotations may hold.
    """
    try:
        return datetime.fromisoformat(str(text)).timestamp() if text else None
    except ValueError:
        return None


def age_of(text: object, now_s: float) -> float | None:
    """Seconds since a time, never below 0 (clocks differ); None where there is none."""
    at_s = seconds_of(text)
    return None if at_s is None else max(0.0, now_s - at_s)
