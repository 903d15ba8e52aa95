"""Plots of results: what is drawn is a value, how it is drawn is the business of `text`, `svg` and `html`."""

from __future__ import annotations

from kapture_tui.bench.plots.of_result import compared, plots
from kapture_tui.bench.plots.plot import Mark, Plot, Series

__all__ = ["Mark", "Plot", "Series", "compared", "plots"]
