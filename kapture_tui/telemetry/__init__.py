"""From many sources to one frozen Snapshot a tick, and on to whoever subscribes, now or later."""

from __future__ import annotations

from kapture_tui.telemetry.assemble import assemble
from kapture_tui.telemetry.hub import Hub

__all__ = ["Hub", "assemble"]
