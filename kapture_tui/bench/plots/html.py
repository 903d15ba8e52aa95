"""A page with text and plots, all in one file."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from kapture_tui.bench.plots.plot import Plot
from kapture_tui.bench.plots.svg import svg

_STYLE = "body{max-width:760px;margin:2em auto;font-family:sans-serif}pre{overflow-x:auto}"


def page(title: str, lines: Sequence[str], plots: Sequence[Plot]) -> str:
    """The page; text from outside is escaped."""
    table = escape("\n".join(lines))
    drawn = "\n".join(svg(plot) for plot in plots)
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f"<style>{_STYLE}</style></head>\n<body><h1>{escape(title)}</h1>\n<pre>{table}</pre>\n{drawn}</body></html>\n"
    )
