"""Points in time as Kubernetes writes them."""

from __future__ import annotations

from datetime import datetime


def seconds_of(text: str) -> float:
    """Seconds since the epoch of an RFC 3339 time. Raises ValueError."""
    return datetime.fromisoformat(text).timestamp()


def age_of(text: str | None, now_s: float) -> float | None:
    """Seconds since a time, never below 0 (clocks differ); None where there is none."""
    return max(0.0, now_s - seconds_of(text)) if text else None
