"""Two minutes of figures, in columns that stand still."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from kapture_tui.bench.ghost import Ghost
from kapture_tui.model.snapshot import FlowView, RunInfo, Snapshot
from kapture_tui.tui.history import THEN, WINDOW, History
from tests.tui import sample


def fed(rates: list[float | None]) -> History:
    history = History()
    for rate in rates:
        history.feed(Snapshot(flow=FlowView(offered_per_s=rate)))
    return history


@given(st.lists(st.none() | st.floats(0, 1e6), max_size=300), st.integers(1, 120))
def test_from_tick_to_tick_only_the_last_column_changes_or_all_move_by_one(
    rates: list[float | None], columns: int
) -> None:
    before = fed(rates).bars("rate", "offered", columns)
    after = fed([*rates, 5.0]).bars("rate", "offered", columns)
    assert after[:-1] in (before[:-1], before[1:])


@given(st.integers(1, 120), st.floats(1, 1e6))
def test_a_steady_figure_is_a_steady_line_over_the_whole_window(columns: int, rate: float) -> None:
    bars = fed([rate] * 3 * WINDOW).bars("rate", "offered", columns)
    assert len(bars) == columns
    assert all(bar is not None and abs(bar - rate) < 1e-6 * rate for bar in bars)


def test_what_was_not_measured_leaves_a_gap() -> None:
    bars = fed([None] * 60 + [7.0] * 60).bars("rate", "offered", 4)
    assert bars[-1] == 7.0
    assert bars[0] is None


def test_what_has_gone_for_long_is_forgotten() -> None:
    history = fed([7.0, *[None] * 2 * WINDOW])
    assert history.bars("rate", "offered", 4) == [None] * 4
    assert history._series == {}


def test_usage_is_summed_by_component() -> None:
    history = History()
    pods = tuple(replace(pod, cpu_cores=0.5) for pod in sample.pods() if pod.component == "etl")
    history.feed(Snapshot(pods=pods))
    assert history.bars("cpu", "etl", 1) == [1.0]


@given(st.integers(0, 200), st.integers(1, 200), st.integers(1, 120))
def test_a_ghost_is_the_same_whether_it_was_chosen_before_or_later(
    before: int, after: int, columns: int
) -> None:
    ghost = Ghost("then", {"offered": tuple((float(s), 10.0 * s) for s in range(0, 400, 3))})
    first, later = History(), History()
    first.race(ghost)
    for tick in range(before + after):
        if tick == before:
            later.race(ghost)
        for history in (first, later):
            history.feed(Snapshot(run=RunInfo(elapsed_s=float(tick)), flow=FlowView(offered_per_s=7.0)))
    assert later.bars(THEN, "offered", columns) == first.bars(THEN, "offered", columns)
    assert first.newest(THEN, "offered") == ghost.at("offered", before + after - 1.0)
    first.race(None)
    assert set(first.bars(THEN, "offered", columns)) == {None}
    assert first.newest("rate", "offered") == 7.0
