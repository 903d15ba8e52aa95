"""The Kafka panel from committed and end offsets."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from kapture_tui.model.snapshot import GroupLag
from kapture_tui.model.states import STATES
from kapture_tui.workload.kafka.base import TopicPartition
from kapture_tui.workload.observer.offsets import OffsetHistory, Offsets

GROUPS = ("etl", "etl-redis")


def history(partitions: int = 2) -> OffsetHistory:
    return OffsetHistory(GROUPS, partitions)


def spread(history: OffsetHistory, **offsets: int) -> dict[TopicPartition, int]:
    """All partitions at 0, but those of the states named: MA=10 is 10 in MA's first partition, 20 in its second."""
    ends = dict.fromkeys(history.partitions, 0)
    for state, offset in offsets.items():
        ends[f"transactions.{state}", 0] = offset
        ends[f"transactions.{state}", 1] = 2 * offset
    return ends


def test_every_figure_of_a_state_and_of_the_total() -> None:
    h = history()
    h.add(0.0, Offsets({"etl": {}, "etl-redis": {}}, spread(h)))
    h.add(
        2.0,
        Offsets({"etl": spread(h, MA=90, WY=5), "etl-redis": spread(h, MA=40)}, spread(h, MA=100, WY=10)),
    )
    view, vague = h.view(2.0, brokers=3)
    assert not vague
    assert view.brokers == 3
    assert tuple(view.states) == STATES
    assert sum(state.partitions for state in view.states.values()) == view.total.partitions == 102
    ma, wy = view.states["MA"], view.states["WY"]
    assert (ma.partitions, ma.end_offset, ma.in_per_s) == (2, 300, 150.0)
    assert ma.groups["etl"] == GroupLag(lag=30, out_per_s=135.0, lag_s=2.0 - 1.8)
    assert (ma.groups["etl-redis"].lag, ma.groups["etl-redis"].out_per_s) == (180, 60.0)
    assert (wy.groups["etl"].lag, wy.groups["etl-redis"].lag) == (15, 30)
    assert view.states["AK"].groups["etl"] == GroupLag(0, 0.0, 0.0)
    assert (view.total.end_offset, view.total.in_per_s) == (330, 165.0)
    assert (view.total.groups["etl"].lag, view.total.groups["etl-redis"].lag) == (45, 210)
    assert view.total.groups["etl-redis"].lag_s == max(
        s.groups["etl-redis"].lag_s or 0 for s in view.states.values()
    )


@given(st.data())
def test_the_total_is_the_sum_of_the_states(data: st.DataObject) -> None:
    h = history(partitions=1)
    ends = {p: data.draw(st.integers(0, 10**6)) for p in h.partitions[:5]}
    committed = {p: data.draw(st.integers(0, end)) for p, end in ends.items()}
    rest = dict.fromkeys(h.partitions[5:], 0)
    h.add(0.0, Offsets({"etl": committed, "etl-redis": {}}, ends | rest))
    view, _ = h.view(0.0, None)
    for group in GROUPS:
        assert view.total.groups[group].lag == sum(s.groups[group].lag or 0 for s in view.states.values())
        assert (view.total.groups[group].lag or 0) >= 0
    assert view.total.end_offset == sum(ends.values())


def test_the_first_look_has_no_rates() -> None:
    h = history()
    h.add(0.0, Offsets({"etl": {}, "etl-redis": {}}, spread(h, MA=7)))
    view, vague = h.view(0.0, 1)
    assert view.total.in_per_s is None
    assert view.total.groups["etl"] == GroupLag(lag=21, out_per_s=None, lag_s=0.0)
    assert vague  # the records were there before anybody looked


def test_a_group_that_cannot_be_asked_for_is_not_known_and_the_other_one_is() -> None:
    h = history()
    h.add(0.0, Offsets({"etl": spread(h, MA=1)}, spread(h, MA=2)))
    view, _ = h.view(0.0, 1)
    assert view.total.groups["etl-redis"] == GroupLag(None, None, None)
    assert view.total.groups["etl"].lag == 3


def test_a_group_that_comes_back_has_no_rate_from_before() -> None:
    h = history()
    h.add(0.0, Offsets({"etl": spread(h, MA=1)}, spread(h, MA=2)))
    h.add(1.0, Offsets({"etl": spread(h, MA=2), "etl-redis": spread(h, MA=2)}, spread(h, MA=2)))
    view, _ = h.view(1.0, 1)
    assert view.total.groups["etl"].out_per_s == 3.0
    assert view.total.groups["etl-redis"].out_per_s is None


def test_what_is_impossible_is_shown_and_not_hidden() -> None:
    h = history()
    h.add(0.0, Offsets({"etl": spread(h, MA=5), "etl-redis": {}}, spread(h, MA=2)))
    view, _ = h.view(0.0, 1)
    assert view.states["MA"].groups["etl"].lag == -9


def test_the_age_of_what_a_slow_group_has_not_read_reaches_back_as_far_as_it_must() -> None:
    h = history()
    for second in range(600):
        ends = spread(h, MA=10 * second)
        h.add(float(second), Offsets({"etl": ends, "etl-redis": spread(h, MA=50)}, ends))
    view, vague = h.view(599.0, 1)
    assert not vague
    assert view.states["MA"].groups["etl"].lag_s == 0.0
    lag_s = view.states["MA"].groups["etl-redis"].lag_s
    assert lag_s is not None
    assert abs(lag_s - 594.0) < 0.01
