"""The limit line: what keeps the stack from carrying more, and the figures that say so."""

from __future__ import annotations

from kapture_tui.telemetry.limits.finding import LimitWatch

__all__ = ["LimitWatch"]
