"""The flow panel from the halves of the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from kapture_tui.model.histogram import Histogram, merge
from kapture_tui.model.ledger import GroupHalf, LoaderHalf, LoaderState, PartitionKey, Read, Sent
from kapture_tui.model.snapshot import Latency
from kapture_tui.workload.observer.flow import HELD_S, FlowHistory, latency

SKEW_S = 1_000_000.0
"""The loaders' clocks are not ours."""


def loader(number: int, second: float, per_s: int = 100, **fields: Any) -> LoaderHalf:
    sent = int(second * per_s)
    values: dict[str, Any] = {
        "loader": f"data-loader-{number}",
        "id": f"{number:016x}",
        "incarnation": 0,
        "time_s": second + SKEW_S,
        "state": LoaderState.LIVE,
        "partitions": {"transactions.MA/0": Sent(sent, ((0, sent),))},
        "offered": 2 * sent,
    }
    return LoaderHalf(**(values | fields))


def group(
    second: float, per_s: int, latency: Histogram | None = None, **fields: Any
) -> dict[PartitionKey, GroupHalf]:
    """Two partitions, one twice as fast as the other, with a hole of 3 in the first."""
    out = {}
    for number, factor in ((0, 1), (1, 2)):
        end = int(second * per_s * factor)
        reads = {"a": Read(end, ((0, 3),) if number == 0 and end > 3 else ())}
        key = f"transactions.MA/{number}"
        out[key] = GroupHalf(
            "etl", key, "etl-0", end, second + SKEW_S, reads, latency=latency or Histogram(), **fields
        )
    return out


def flow_of(*ticks: tuple[Sequence[LoaderHalf], dict[str, dict[PartitionKey, GroupHalf]]]) -> FlowHistory:
    history = FlowHistory(("etl", "etl-redis"))
    for second, (loaders, groups) in enumerate(ticks):
        history.add(float(second), loaders, groups)
    return history


def test_rates_are_sums_and_the_slowest_group_counts() -> None:
    history = flow_of(
        *(
            ([loader(0, s, 100), loader(1, s, 30)], {"etl": group(s, 50), "etl-redis": group(s, 20)})
            for s in (1, 2, 3)
        )
    )
    view = history.view()
    assert (view.offered_per_s, view.acked_per_s) == (260, 130)
    assert view.groups["etl"].delivered_per_s == 150
    assert view.groups["etl-redis"].delivered_per_s == 60
    assert view.delivered_per_s == 60


def test_a_first_look_has_no_rates() -> None:
    view = flow_of(([loader(0, 5)], {"etl": group(5, 50)})).view()
    assert (view.offered_per_s, view.acked_per_s, view.delivered_per_s) == (None, None, None)
    assert view.groups["etl"].latency_ms == Latency()


def test_no_loader_is_not_a_rate_of_zero() -> None:
    assert flow_of(([], {}), ([], {})).view().acked_per_s is None


def test_who_is_done_sends_nothing_any_more() -> None:
    done = loader(0, 3, state=LoaderState.DONE)
    history = flow_of(([loader(0, 1)], {}), ([loader(0, 2)], {}), ([done], {}))
    assert (history.view().acked_per_s, history.view().mode) == (0.0, None)
    assert [(row.state, row.acked, row.acked_per_s) for row in history.rows()] == [("done", 300, 0.0)]


def test_a_live_loader_that_is_silent_makes_the_sum_unknown() -> None:
    silent = loader(1, 2)
    history = flow_of(*(([loader(0, s), loader(1, min(s, 2))], {}) for s in (1, 2, 3, 4, 5, 6, 7)))
    assert history.view().acked_per_s is None
    assert {row.name: row.acked_per_s for row in history.rows()} == {
        silent.loader: None,
        "data-loader-0": 100,
    }


def test_a_partition_nobody_reports_on_counts_as_still() -> None:
    still = group(2, 50)
    history = flow_of(*(([], {"etl": still if s > 2 else group(s, 50)}) for s in range(1, 8)))
    assert history.view().groups["etl"].delivered_per_s == 0.0


def test_rows_are_the_latest_process_of_each_name_in_natural_order() -> None:
    halves = [
        loader(10, 1),
        loader(2, 1, id="x", incarnation=1),
        loader(2, 1, id="y", incarnation=0, state=LoaderState.DEAD),
    ]
    rows = flow_of((halves, {})).rows()
    assert [(row.name, row.state) for row in rows] == [("data-loader-2", "live"), ("data-loader-10", "live")]


@pytest.mark.parametrize(
    ("fields", "mode"),
    [
        ([{}, {}], "unbounded"),
        ([{"rate": 50.0}, {"rate": 50.0}], "open loop"),
        ([{"rate": 50.0}, {}], "unbounded"),
        ([{"rate": 50.0, "held_back": 2}, {}], "closed loop"),
        ([{"paused": True}, {}], "unbounded"),
        ([{"waiting": True, "rate": 50.0}, {"rate": 50.0}], "waiting"),
        ([{"waiting": True, "paused": True}], "paused"),
        ([{"paused": True, "held_back": 1}, {"paused": True}], "paused"),
        ([{"state": LoaderState.DEAD, "held_back": 1}, {}], "unbounded"),
    ],
)
def test_mode(fields: list[dict[str, Any]], mode: str) -> None:
    assert flow_of(([loader(n, 1, **f) for n, f in enumerate(fields)], {})).view().mode == mode


def test_stop_and_go_is_a_closed_loop_for_a_while() -> None:
    history = FlowHistory(("etl",))
    history.add(0.0, [loader(0, 0, held_back=4)], {})
    history.add(HELD_S, [loader(0, 10)], {})
    assert history.view().mode == "closed loop"
    history.add(HELD_S + 1, [loader(0, 11)], {})
    assert history.view().mode == "unbounded"


def test_the_webapp_adds_to_the_rates_and_has_no_say_in_the_mode() -> None:
    shop = {"loader": "webapp-0", "component": "webapp"}
    history = flow_of(
        *(([loader(0, s, 100, rate=100.0), loader(1, s, 7, limited_by="", **shop)], {}) for s in (1, 2, 3))
    )
    view = history.view()
    assert (view.acked_per_s, view.mode) == (pytest.approx(107), "open loop")
    assert [row.name for row in history.rows()] == ["data-loader-0", "webapp-0"]
    alone = flow_of(([loader(0, 1, state=LoaderState.DONE), loader(1, 1, **shop)], {}))
    assert alone.view().mode is None


def test_the_worst_slip_and_what_holds_back() -> None:
    view = flow_of(
        (
            [
                loader(0, 1, rate=1.0, slip_s=0.5, limited_by="the network"),
                loader(1, 1, rate=1.0, slip_s=2.5, limited_by="the network"),
                loader(2, 1, limited_by="CPU"),
                loader(3, 1, slip_s=9.0, state=LoaderState.DEAD, limited_by="death"),
            ],
            {},
        )
    ).view()
    assert view.loader_slip_s == 2.5
    assert view.limited_by == "the network (2 of 3 loaders)"
    quiet = flow_of(([loader(0, 1)], {})).view()
    assert (quiet.loader_slip_s, quiet.limited_by) == (None, "")


def test_latency_of_the_last_ten_seconds_and_of_the_run() -> None:
    slow, fast = Histogram.of([1_000_000] * 50), Histogram.of([1000] * 50)
    history = FlowHistory(("etl",))
    for second in range(30):
        seen = slow if second < 10 else merge([slow, *[fast] * (second - 9)])
        loaders = [loader(0, second, ack_latency=seen), loader(1, second, ack_latency=seen)]
        history.add(float(second), loaders, {"etl": group(second, 1, seen)})
    view = history.view()
    assert view.groups["etl"].latency_ms.max == view.groups["etl"].latency_ms.p50
    assert view.groups["etl"].latency_ms.p50 == pytest.approx(1.0, rel=1 / 32)
    assert view.ack_latency_ms.p99 == pytest.approx(1.0, rel=1 / 32)
    assert view.groups["etl"].latency_run_ms.max == 1000.0
    assert view.groups["etl"].latency_run_ms.p50 == pytest.approx(1.0, rel=1 / 32)
    assert history.histograms()["etl"].total == 2 * (50 + 50 * 20)


def test_latency_in_milliseconds() -> None:
    assert latency(Histogram()) == Latency(None, None, None, None)
    view = latency(Histogram.of([1000 * number for number in range(1, 101)]))
    assert (view.p50, view.p95, view.p99) == pytest.approx((50, 95, 99), rel=1 / 32)
    assert view.max == 100.0
