"""Ages of what Kubernetes says the time of."""

from __future__ import annotations

from kapture_tui.model.times import seconds_of


def age_of(text: str | None, now_s: float) -> float | None:
    """Seconds since a time, never below 0 (clocks differ); None where there is none."""
    return max(0.0, now_s - seconds_of(text)) if text else None
