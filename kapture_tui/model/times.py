"""Points in time as they are written everywhere: UTC, ISO 8601, milliseconds, "Z"."""

from __future__ import annotations

from datetime import UTC, datetime


def timestamp(seconds: float) -> str:
    """Seconds since the epoch as text: "2026-11-22T19:48:00.000Z"."""
    return (
        datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"
    )


def seconds_of(text: str) -> float:
    """Seconds since the epoch of a time in RFC 3339, as `timestamp` and Kubernetes write it. Raises ValueError."""
    return datetime.fromisoformat(text).timestamp()
