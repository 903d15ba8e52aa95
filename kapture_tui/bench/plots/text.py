"""A plot in characters, for a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from kapture_tui.bench.plots.plot import Plot, Point, Series, shown

SYMBOLS = "ox+*#%@&"
_LINE = "·"
_MARK = "│"
_LABELS = 8
"""Columns for the labels of the y axis."""


def text(plot: Plot, width: int, height: int) -> list[str]:
    """The plot in lines of at most `width` columns; `height` of them for the points."""
    columns = width - _LABELS - 1
    cells = [[" "] * columns for _ in range(height)]
    for mark in plot.marks:
        if (column := _cell(plot.x.place(mark.x), columns)) is not None:
            for line in cells:
                line[column] = _MARK
    for number, series in enumerate(plot.series):
        symbol = _LINE if series.line and len(plot.series) == 1 else SYMBOLS[number % len(SYMBOLS)]
        for x, y in _points(series, plot, columns):
            column, row = _cell(plot.x.place(x), columns), _cell(plot.y.place(y), height)
            if column is not None and row is not None:
                cells[height - 1 - row][column] = symbol
    labels = _labels(plot, height)
    body = [f"{labels.get(at, ''):>{_LABELS}}┤{''.join(line)}".rstrip() for at, line in enumerate(cells)]
    return [*_head(plot), *body, *_foot(plot, columns)]


def _points(series: Series, plot: Plot, columns: int) -> Iterator[Point]:
    """The points; of a line also those between, so that it is one."""
    yield from series.points
    if not series.line:
        return
    for (x0, y0), (x1, y1) in zip(series.points, series.points[1:], strict=False):
        start, end = plot.x.place(x0), plot.x.place(x1)
        steps = int(abs((end or 0) - (start or 0)) * columns)
        for step in range(1, steps):
            part = step / steps
            yield x0 + (x1 - x0) * part, y0 + (y1 - y0) * part


def _cell(place: float | None, count: int) -> int | None:
    if place is None or not -0.001 <= place <= 1.001:
        return None
    return min(count - 1, max(0, int(place * count)))


def _labels(plot: Plot, height: int) -> dict[int, str]:
    """Row to label."""
    rows = {_cell(plot.y.place(tick), height): shown(tick) for tick in plot.y.ticks(height // 3)}
    return {height - 1 - row: label for row, label in rows.items() if row is not None}


def _head(plot: Plot) -> Iterator[str]:
    yield f"{plot.title}"
    named = [f"{SYMBOLS[n % len(SYMBOLS)]} {series.name}" for n, series in enumerate(plot.series)]
    marks = [f"{_MARK} {mark.name}" for mark in plot.marks]
    yield f"{plot.y_label}    {'  '.join([*named, *marks])}"


def _foot(plot: Plot, columns: int) -> Iterator[str]:
    line = [" "] * (columns + _LABELS + 1)
    for tick in plot.x.ticks(6):
        place = _cell(plot.x.place(tick), columns)
        label = shown(tick)
        at = min(_LABELS + 1 + (place or 0), len(line) - len(label))
        if place is not None and all(c == " " for c in line[max(0, at - 1) : at + len(label)]):
            line[at : at + len(label)] = label
    yield f"{'':>{_LABELS}}└{'─' * columns}"
    yield "".join(line).rstrip()
    yield f"{plot.x_label:>{columns + _LABELS + 1}}"
