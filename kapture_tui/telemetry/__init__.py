"""From many sources to one frozen Snapshot a tick, and on to whoever subscribes, now or later."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kapture_tui.telemetry.assemble import assemble
    from kapture_tui.telemetry.hub import Hub

__all__ = ["Hub", "assemble"]


def __getattr__(name: str) -> Any:
    """Import them when they are wanted: a console that knows where to record has its first screen to paint before."""
    if name == "Hub":
        from kapture_tui.telemetry.hub import Hub

        return Hub
    if name == "assemble":
        from kapture_tui.telemetry.assemble import assemble

        return assemble
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
