"""A plot as SVG: text that any browser shows, without fonts or scripts from elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from kapture_tui.bench.plots.plot import Plot, Series, shown

WIDTH, HEIGHT = 720, 400
_LEFT, _RIGHT, _TOP, _BOTTOM = 70, 20, 56, 50
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#999999", "#000000")
"""Okabe and Ito's, which the colour-blind can tell apart."""


def svg(plot: Plot) -> str:
    """The plot as an SVG document."""
    body = "\n".join((*_frame(plot), *_marks(plot), *_series(plot)))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" '
        f'height="{HEIGHT}" font-family="sans-serif" font-size="12">\n'
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>\n{body}\n</svg>\n'
    )


def _x(plot: Plot, value: float) -> float | None:
    place = plot.x.place(value)
    return None if place is None else _LEFT + place * (WIDTH - _LEFT - _RIGHT)


def _y(plot: Plot, value: float) -> float | None:
    place = plot.y.place(value)
    return None if place is None else HEIGHT - _BOTTOM - place * (HEIGHT - _TOP - _BOTTOM)


def _frame(plot: Plot) -> Iterator[str]:
    bottom, right = HEIGHT - _BOTTOM, WIDTH - _RIGHT
    yield _text(_LEFT, 20, plot.title, size=15)
    yield _text(_LEFT, 38, plot.y_label, fill="#555555")
    yield _text(right, HEIGHT - 12, plot.x_label, "end", "#555555")
    for tick in plot.y.ticks(6):
        if (y := _y(plot, tick)) is not None:
            yield f'<path d="M{_LEFT} {y:.1f}H{right}" stroke="#dddddd"/>'
            yield _text(_LEFT - 6, y + 4, shown(tick), "end")
    for tick in plot.x.ticks(8):
        if (x := _x(plot, tick)) is not None:
            yield f'<path d="M{x:.1f} {bottom}v5" stroke="#555555"/>'
            yield _text(x, bottom + 18, shown(tick), "middle")
    yield f'<path d="M{_LEFT} {_TOP}V{bottom}H{right}" fill="none" stroke="#555555"/>'


def _marks(plot: Plot) -> Iterator[str]:
    for mark in plot.marks:
        low, x, high = (_x(plot, value) for value in (mark.low, mark.x, mark.high))
        if low is None or x is None or high is None:
            continue
        height = HEIGHT - _TOP - _BOTTOM
        yield (
            f'<rect x="{low:.1f}" y="{_TOP}" width="{high - low:.1f}" height="{height}" '
            f'fill="#888888" opacity="0.2"/>'
        )
        yield f'<path d="M{x:.1f} {_TOP}v{height}" stroke="#555555" stroke-dasharray="4 3"/>'
        yield _text(x + 4, _TOP + 12, mark.name)


def _series(plot: Plot) -> Iterator[str]:
    at = _LEFT
    for number, series in enumerate(plot.series):
        colour = COLOURS[number % len(COLOURS)]
        yield from _drawn(plot, series, colour)
        yield _text(at + 150, 38, f"● {series.name}", fill=colour)
        at += 24 + 7 * len(series.name)


def _drawn(plot: Plot, series: Series, colour: str) -> Iterator[str]:
    places = [(_x(plot, x), _y(plot, y)) for x, y in series.points]
    known = [(x, y) for x, y in places if x is not None and y is not None]
    if series.line and len(known) > 1:
        path = "L".join(f"{x:.1f} {y:.1f}" for x, y in known)
        yield f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="1.5"/>'
        return
    for x, y in known:
        yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{colour}" fill-opacity="0.7"/>'


def _text(x: float, y: float, text: str, anchor: str = "start", fill: str = "#222222", size: int = 12) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{fill}" font-size="{size}">'
        f"{escape(text)}</text>"
    )
