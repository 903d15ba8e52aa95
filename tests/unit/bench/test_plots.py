"""Plots: what is drawn, and that it lands where it should."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kapture_tui.bench.plots import Mark, Plot, Series, compared, plots
from kapture_tui.bench.plots.html import page
from kapture_tui.bench.plots.svg import HEIGHT, WIDTH, svg
from kapture_tui.bench.plots.text import text
from kapture_tui.bench.store import read

OLD = Path(__file__).parent / "old" / "result-1.json"
SVG = "{http://www.w3.org/2000/svg}"
DIAGONAL = Plot(
    "d",
    "A line",
    "load",
    "ms",
    (Series("a", ((0.0, 0.0), (5.0, 50.0), (10.0, 100.0))),),
    (Mark("V", 5, 4, 6),),
)
values = st.floats(1e-3, 1e7)


def test_points_lie_where_they_should() -> None:
    lines = text(DIAGONAL, 60, 10)
    assert lines[0] == "A line"
    assert lines[1].startswith("ms    o a")
    rows = [line.partition("┤")[2] for line in lines[2:12]]
    columns = [row.index("o") for row in rows if "o" in row]
    assert len(columns) == 3
    assert columns == sorted(columns, reverse=True)
    assert rows[-1].startswith("o")
    assert lines[-1].endswith("load")
    assert any("│" in row for row in rows)


@given(st.lists(st.tuples(values, values), min_size=1, max_size=20), st.booleans(), st.booleans())
def test_whatever_the_figures_it_fits(points: list[tuple[float, float]], log: bool, line: bool) -> None:
    plot = Plot("p", "title", "x", "y", (Series("s", tuple(points), line),), log=log)
    lines = text(plot, 80, 12)
    assert max(map(len, lines)) <= 80
    for tick in (*plot.x.ticks(6), *plot.y.ticks(6)):
        assert tick == tick
    root = ET.fromstring(svg(plot))
    for circle in root.iter(f"{SVG}circle"):
        assert 0 <= float(circle.get("cx") or -1) <= WIDTH
        assert 0 <= float(circle.get("cy") or -1) <= HEIGHT


def test_a_result_has_its_trials_and_what_its_parts_used() -> None:
    drawn = {plot.name: plot for plot in plots(read(OLD))}
    assert set(drawn) == {"latency", "usage-cpu", "usage-memory"}
    held, missed = drawn["latency"].series
    assert (held.name, missed.name) == ("held", "missed")
    assert min(y for _, y in missed.points) < 1e9
    assert drawn["latency"].marks[0].x == pytest.approx(8739, rel=0.01)
    assert [series.name for series in drawn["usage-cpu"].series] == ["etl"]


def test_text_from_outside_stays_text() -> None:
    evil = Plot("p", "<script>alert(1)</script>", "x", "y", DIAGONAL.series)
    assert "<script>" not in page("<b>", ["a < b"], [evil])
    assert "a &lt; b" in page("t", ["a < b"], [])


def test_two_runs_are_drawn_side_by_side() -> None:
    run = read(OLD)
    plot = compared(run, run)
    assert [len(series.points) for series in plot.series] == [3, 3]
    assert ET.fromstring(svg(plot)).tag == f"{SVG}svg"
