"""How late a consumer group is, as a shade: readable without colour, the darker the later."""

from __future__ import annotations

from kapture_tui.model.snapshot import GroupLag, TopicView

LATENESS = ((3.0, " ", "text"), (15.0, "░", "text"), (60.0, "▒", "warn"), (300.0, "▓", "trouble"))
"""Up to how many seconds behind, which shade, which role; what is later yet is `LATEST`.

Groups store what they have read about once a second, so up to three seconds is as good as it gets.
"""

LATEST = ("█", "trouble")


def rank(group: GroupLag | None) -> int:
    """Return 0 for a group that is in time or not measured, more for a later one."""
    if group is None or group.lag_s is None:
        return 0
    return next(
        (index for index, (limit_s, *_) in enumerate(LATENESS) if group.lag_s < limit_s), len(LATENESS)
    )


def shade(group: GroupLag | None) -> tuple[str, str]:
    """Return glyph and role for how late a group is."""
    index = rank(group)
    return LATENESS[index][1:] if index < len(LATENESS) else LATEST


def slowest(topic: TopicView) -> GroupLag | None:
    """Return the lag of the latest group, of the one with more records where that is equal; None without any."""
    return max(topic.groups.values(), key=lambda group: (group.lag_s or 0.0, group.lag or 0), default=None)
