"""What Redis does."""

from __future__ import annotations

from collections.abc import Mapping

from kapture_tui.model.snapshot import RedisView, Snapshot
from kapture_tui.tui.figures import DASH, count, percent, rate, size, spark, whole
from kapture_tui.tui.history import History
from kapture_tui.tui.lines import Line, fit, line, line_width
from kapture_tui.tui.picture import Picture, reasons, staleness
from kapture_tui.tui.text import clean, left, right


def picture(snapshot: Snapshot, history: History, cells: int, height: int) -> Picture:
    """Return the panel's picture for `cells` cells; a row for each busy command if `height` allows."""
    redis = snapshot.redis or RedisView()
    keys = count(redis.keys) if cells < 50 else whole(redis.keys)
    tail = line(("  keys ", "dim"), right(keys, 5 if cells < 50 else 11))
    bars = max(0, cells - 13 - line_width(tail))
    first = (
        ("ops  ", "dim"),
        (right(rate(redis.ops_per_s), 7) + " ", "text"),
        (left(spark(history.bars("redis", "ops", bars)), bars), "spark"),
        *tail,
    )
    second = line(
        ("mem  ", "dim"),
        left(right(size(redis.memory_bytes), 5), 8),
        ("hit ", "dim"),
        left(percent(redis.hit_ratio), 8),
        ("clients ", "dim"),
        DASH if redis.clients is None else str(redis.clients),
    )
    commands = _listed(redis.commands, cells, height - 3) if height > 5 else _strung(redis.commands, cells)
    return Picture(
        title=line(("redis", "title")),
        extra=staleness(snapshot),
        rows=tuple(fit(row, cells) for row in (first, second, *commands)),
        foot=reasons(snapshot, "redis"),
    )


def _listed(commands: Mapping[str, float], cells: int, number: int) -> list[Line]:
    """Return the busiest commands, one a row, with a bar of their share."""
    busiest = list(commands.items())[:number]
    most = max((per_s for _, per_s in busiest), default=0.0) or 1.0
    room = max(0, cells - 27)
    rows = [
        line(
            (left(clean(name), 14), "dim"),
            right(rate(per_s), 8),
            "  ",
            ("▪" * round(per_s / most * room), "spark"),
        )
        for name, per_s in busiest
    ]
    return [(), *rows] if rows else []


def _strung(commands: Mapping[str, float], cells: int) -> list[Line]:
    """Return the busiest commands, as many as two rows hold."""
    rows: list[Line] = [line(("busy ", "dim"))]
    for name, per_s in commands.items():
        part = line((f"{clean(name)} ", "dim"), left(rate(per_s), 8))
        if line_width(rows[-1]) + line_width(part) > cells:
            if len(rows) == 2:
                break
            rows.append(line("     "))
        rows[-1] += part
    return rows if commands else [line(("busy ", "dim"), DASH)]
