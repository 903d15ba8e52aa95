"""Figures for people: short, aligned, with units. None is always a dash, never 0."""

from __future__ import annotations

from collections.abc import Sequence

DASH = "–"
BARS = "▁▂▃▄▅▆▇"
"""No full block: rows of bars would touch each other."""

GAP = " "


def count(value: float | None) -> str:
    """Return a number in at most 5 characters (6 below zero): 999, 1.2k, 18.2k, 182k, 4.6M."""
    return _scaled(value, 100.0)


def short(value: float | None) -> str:
    """Return a number in at most 4 characters (5 below zero): 999, 1.2k, 18k, 4.6M."""
    return _scaled(value, 10.0)


def tiny(value: float | None) -> str:
    """Return a number in at most 3 characters (4 below zero): 999, 1k, 18k, .2M, 5M."""
    if value is None or abs(value) < 99_500:
        text = short(value)
        return text if len(text.lstrip("-")) < 4 else f"{round((value or 0) / 1000)}k"
    sign, rest = ("-", -value) if value < 0 else ("", value)
    for unit in "MGT":
        rest /= 1_000_000 if unit == "M" else 1000
        if rest < 0.95:
            return f"{sign}.{max(1, round(rest * 10))}{unit}"
        if rest < 99.5:
            return f"{sign}{rest:.0f}{unit}"
    return f"{sign}>1P"


def _scaled(value: float | None, decimals_below: float) -> str:
    if value is None:
        return DASH
    sign, rest = ("-", -value) if value < 0 else ("", value)
    if round(rest) < 1000:
        return f"{sign}{round(rest)}"
    for unit in "kMGTP":
        rest /= 1000
        if round(rest, 1) < decimals_below:
            return f"{sign}{rest:.1f}{unit}"
        if round(rest) < 1000:
            return f"{sign}{rest:.0f}{unit}"
    return f"{sign}>1E"


def whole(value: int | None) -> str:
    """Return every digit: 4,586,112."""
    return DASH if value is None else f"{value:,}"


def rate(value: float | None) -> str:
    """Return a number a second: 18.2k/s."""
    return DASH if value is None else f"{count(value)}/s"


def millis(value: float | None) -> str:
    """Return milliseconds in at most 6 characters: 0.8 ms, 340 ms, 9.1 s, 75 s, 12 min."""
    if value is None:
        return DASH
    if value < 9.95:
        return f"{value:.1f} ms"
    if value < 999.5:
        return f"{value:.0f} ms"
    return seconds(value / 1000)


def seconds(value: float | None) -> str:
    """Return a span of time in at most 6 characters: 0.42 s, 9.1 s, 75 s, 12 min, 31 h."""
    if value is None:
        return DASH
    if value < 0.995:
        return f"{value:.2f} s"
    if value < 9.95:
        return f"{value:.1f} s"
    if value < 119.5:
        return f"{value:.0f} s"
    return f"{value / 60:.0f} min" if value < 7170 else f"{min(value / 3600, 9999):.0f} h"


def age(value: float | None) -> str:
    """Return an age in at most 4 characters: 31s, 4m, 3h, 12d."""
    if value is None:
        return DASH
    for unit, length, limit in (("s", 1, 120), ("m", 60, 7200), ("h", 3600, 172800)):
        if value < limit:
            return f"{int(value / length)}{unit}"
    return f"{min(int(value / 86400), 999)}d"


def clock(value: float | None) -> str:
    """Return an elapsed time as 04:12 or 1:04:12."""
    if value is None:
        return "--:--"
    minutes, second = divmod(int(value), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute:02}:{second:02}"


def size(value: float | None) -> str:
    """Return bytes in at most 5 characters, in powers of 1024 as `top` and `free -h` do: 86M, 2.1G."""
    if value is None:
        return DASH
    for unit in "KMGT":
        value /= 1024
        if value < 1000 or unit == "T":
            return f"{value:.1f}{unit}" if value < 9.95 and unit not in "KM" else f"{value:.0f}{unit}"
    raise AssertionError("unreachable")


def cores(value: float | None) -> str:
    """Return cores in use: 1.92, 12.3."""
    if value is None:
        return DASH
    return f"{value:.2f}" if value < 9.995 else f"{value:.1f}"


def percent(ratio: float | None) -> str:
    """Return a ratio from 0 to 1 as a percentage: 97 %, 0.4 %."""
    if ratio is None:
        return DASH
    value = ratio * 100
    return f"{value:.1f} %" if 0 < value < 0.95 or 99 < value < 100 else f"{value:.0f} %"


def plural(number: int, noun: str, many: str = "") -> str:
    """Return "1 loader", "2 loaders"."""
    return f"{number} {noun if number == 1 else many or noun + 's'}"


def spark(values: Sequence[float | None], beside: Sequence[float | None] = ()) -> str:
    """Return one bar a value, on a scale from 0 to the next round figure above the largest; a gap where None.

    Args:
        beside: values that are compared with these, so on the same scale.
    """
    top = ceiling(max((v for v in (*values, *beside) if v is not None), default=0.0))
    return "".join(GAP if v is None else BARS[min(6, max(0, int(v / top * 7)))] for v in values)


def ceiling(value: float) -> float:
    """Return the next of 1, 2, 5, 10, 20, … above `value`: a steady scale, so that a sparkline is seldom redrawn."""
    if value <= 0:
        return 1.0
    step = 1e-3
    while True:
        for factor in (1, 2, 5):
            if value <= step * factor:
                return step * factor
        step *= 10
