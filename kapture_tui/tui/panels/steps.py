"""A deploy or a teardown while it runs: every step with its time, then what came of it."""

from __future__ import annotations

from collections.abc import Sequence

from kapture_tui.model.errors import KaptureError
from kapture_tui.tui.figures import seconds
from kapture_tui.tui.lines import Line, fit, line
from kapture_tui.tui.picture import Picture
from kapture_tui.tui.steps import Progress, Step
from kapture_tui.tui.text import clean, clip, left, right, wrap

_TIME = 8


def picture(
    title: str,
    progress: Progress,
    now_s: float,
    cells: int,
    failure: KaptureError | None = None,
    closing: Sequence[Line] = (),
) -> Picture:
    """Return the picture of all steps.

    Args:
        now_s: the same clock the progress was folded with, seconds.
        failure: what ended it; told as what, cause and remedy.
        closing: lines to end with.
    """
    names = max([len(step.name) for step in progress.steps] + [8])
    rows = [_step(step, now_s, cells, names) for step in progress.steps]
    if failure is not None:
        rows += [(), *told(failure, cells)]
    if closing:
        rows += [(), *closing]
    return Picture(
        title=line((title, "title")),
        extra=line((progress.last, "dim")) if progress.last and not progress.steps else (),
        rows=tuple(fit(row, cells) for row in rows),
    )


def told(failure: KaptureError, cells: int) -> list[Line]:
    """Return what failed, why, and what to try, in wrapped lines."""
    parts = (
        ("failed", failure.doing, "trouble"),
        ("because", failure.cause, "text"),
        ("try", failure.remedy, "accent"),
    )
    rows: list[Line] = []
    for label, text, role in parts:
        for index, row in enumerate(wrap(clean(text), max(10, cells - 10)) if text else []):
            rows.append(line((left("" if index else label, 10), "dim"), (row, role)))
    return rows


def _step(step: Step, now_s: float, cells: int, names: int) -> Line:
    glyph, role = _mark(step)
    took = step.seconds if step.seconds is not None else now_s - step.started_s
    text = clip(clean(step.text), cells - names - _TIME - 4)
    used = left(text, cells - names - _TIME - 4)
    return line(
        (f"{glyph} ", role),
        (left(clean(step.name), names + 2), "text" if not step.failed else "trouble"),
        (used, "dim" if step.done else "text"),
        (right(_time(took, step.seconds is None), _TIME), "dim" if step.done else "text"),
    )


def _mark(step: Step) -> tuple[str, str]:
    if step.failed:
        return "✗", "trouble"
    return ("✓", "good") if step.done else ("●", "accent")


def _time(took: float, running: bool) -> str:
    return f"{took:.1f} s" if running else seconds(took)
