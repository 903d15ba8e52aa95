"""What panels say, asserted on their text."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kapture_tui.model.event import Event, EventKind
from kapture_tui.model.snapshot import GroupLag, Phase, RedisView, Snapshot
from kapture_tui.model.states import STATES
from kapture_tui.tui.history import History
from kapture_tui.tui.lines import Line, line_width
from kapture_tui.tui.panels import details, events, flow, header, lag, ledger, limit, pods, redis
from kapture_tui.tui.picture import Picture
from tests.tui import sample

HOSTILE = "\x1b[2Jpod\n\u202e[bold]"


def text(spans: Line) -> str:
    return "".join(part for part, _ in spans)


def rows(picture: Picture) -> list[str]:
    return [text(row).rstrip() for row in picture.rows]


def roles(picture: Picture, part: str) -> set[str]:
    """The roles in which a text is drawn."""
    return {role for row in picture.rows for span, role in row if part in span}


def history(ticks: int = 3) -> History:
    fed = History()
    for tick in range(ticks):
        fed.feed(sample.snapshot(tick + 1))
    return fed


def pictures(snapshot: Snapshot, cells: int, height: int) -> list[Picture]:
    """Every panel's picture."""
    past = history()
    return [
        lag.picture(snapshot, cells, height),
        pods.picture(snapshot, past, cells, {pod.component for pod in snapshot.pods}),
        flow.picture(snapshot, past, cells),
        redis.picture(snapshot, past, cells, height),
        ledger.picture(snapshot, cells),
        ledger.picture(snapshot, cells, boxed=False),
        events.picture(snapshot, cells),
        details.picture(snapshot, past, "CA", cells),
        details.picture(snapshot, past, "pod/etl-1", cells),
        details.picture(snapshot, past, "pod/data-loader-0", cells),
        details.picture(snapshot, past, "component/etl", cells),
    ]


@pytest.mark.parametrize("snapshot", [Snapshot(), sample.starting(), sample.snapshot(), sample.troubled()])
@given(cells=st.integers(12, 200), height=st.integers(1, 60))
def test_every_panel_can_be_drawn_at_every_size(snapshot: Snapshot, cells: int, height: int) -> None:
    for picture in pictures(snapshot, cells, height):
        assert all(line_width(row) == cells for row in picture.rows)
        assert all(spot.row < len(picture.rows) for spot in picture.spots)
        assert len({spot.key for spot in picture.spots}) == len(picture.spots)


@given(st.integers(20, 200))
def test_the_header_has_the_width_of_the_terminal(cells: int) -> None:
    for snapshot in (Snapshot(), sample.starting(), sample.snapshot(), sample.troubled()):
        assert {line_width(row) for row in header.header(snapshot, cells)} == {cells}


def test_the_header_is_one_line_from_72_columns() -> None:
    long = sample.troubled()
    long = replace(long, run=replace(long.run, namespace="n" * 63))
    assert all(
        len(header.header(snapshot, cells)) == 1
        for snapshot in (sample.snapshot(), long)
        for cells in (72, 80)
    )


def test_the_header_says_what_a_person_must_act_on() -> None:
    well = text(header.header(sample.snapshot(), 80)[0])
    assert "perf-test  ● 01:00" in well
    assert well.rstrip().endswith("lost 0")
    ill = header.header(sample.troubled(), 80)[0]
    assert "lost 5  duplicated 2  31 s old" in text(ill)
    assert ("lost 5", "trouble") in ill


@pytest.mark.parametrize("phase", [phase for phase in Phase if phase is not Phase.FLOWING])
def test_every_phase_but_flowing_is_named(phase: Phase) -> None:
    snapshot = sample.snapshot()
    snapshot = replace(snapshot, run=replace(snapshot.run, phase=phase))
    assert phase.value in text(header.header(snapshot, 80)[0])


def test_all_states_are_there_once_with_both_groups() -> None:
    picture = lag.picture(sample.snapshot(), 59, 14)
    assert [spot.key for spot in sorted(picture.spots, key=lambda s: s.key)] == list(STATES)
    assert len(picture.rows) <= 13
    california = next(row for row in rows(picture) if "CA" in row)
    assert "9." in california[california.index("CA") :][:14]
    assert california[california.index("CA") + 13] == "▓"


def test_late_states_come_first_where_not_all_fit_and_the_rest_keeps_its_order() -> None:
    picture = lag.picture(sample.snapshot(), 78, 4, headed=False)
    keys = [spot.key for spot in picture.spots]
    assert keys[:2] == ["CA", "TX"]
    assert keys[2:] == [state for state in STATES if state not in ("CA", "TX")]


@pytest.mark.parametrize(
    ("late_s", "glyph"),
    [(None, " "), (0.0, " "), (2.9, " "), (3.0, "░"), (15.0, "▒"), (60.0, "▓"), (300.0, "█"), (9e9, "█")],
)
def test_shades_darken_with_lateness(late_s: float | None, glyph: str) -> None:
    assert lag.shade(GroupLag(1, None, late_s))[0] == glyph


def test_a_lag_below_zero_is_shown_as_it_is() -> None:
    snapshot = sample.snapshot()
    assert snapshot.kafka is not None
    view = replace(snapshot.kafka.states["AK"], groups={"etl": GroupLag(-3, 0.0, 0.0)})
    kafka = replace(snapshot.kafka, states={**snapshot.kafka.states, "AK": view})
    picture = lag.picture(replace(snapshot, kafka=kafka), 59, 14)
    assert roles(picture, "-3") == {"trouble"}


def test_missing_figures_are_dashes_with_the_reason_in_the_foot() -> None:
    for picture in pictures(sample.starting(), 57, 14)[:1] + pictures(sample.starting(), 57, 14)[2:6]:
        assert text(picture.foot) == "the observer has not answered yet"
        assert "–" in "".join(rows(picture))
        assert re.search(r"(?<![\d.,])0(?![\d.,])", "".join(rows(picture))) is None


def test_redis_says_why_it_is_missing() -> None:
    picture = redis.picture(sample.troubled(), history(), 57, 9)
    assert text(picture.foot) == "INFO: connection refused"
    assert "–" in rows(picture)[0]


def test_figures_that_are_0_are_0() -> None:
    snapshot = replace(sample.snapshot(), redis=RedisView(0.0, 0, 0, 0, {}, 0.0))
    shown = "\n".join(rows(redis.picture(snapshot, history(), 57, 4)))
    assert "0/s" in shown
    assert "hit 0 %" in shown


def test_old_figures_show_their_age_and_fresh_ones_do_not() -> None:
    for snapshot, shown in ((sample.troubled(), True), (sample.snapshot(), False)):
        for picture in (
            lag.picture(snapshot, 59, 14),
            flow.picture(snapshot, history(), 57),
            ledger.picture(snapshot, 90),
        ):
            assert ("31 s old" in text(picture.extra)) is shown


def test_processes_are_grouped_and_unfold() -> None:
    folded = rows(pods.picture(sample.snapshot(), history(), 78, ()))
    assert len(folded) == 6
    assert folded[0].split()[:3] == ["▸", "data-loader", "2/2"]
    unfolded = rows(pods.picture(sample.snapshot(), history(), 78, {"etl"}))
    assert [row.split()[0] for row in unfolded[1:4]] == ["▾", "etl-0", "etl-1"]


def test_what_is_wrong_with_a_process_stands_under_its_row() -> None:
    folded = rows(pods.picture(sample.troubled(), history(), 78, ()))
    assert folded[1].split()[:3] == ["▸", "etl", "1/2"]
    assert folded[2].strip() == "etl-1: restarts too often: exit code 137"
    unfolded = rows(pods.picture(sample.troubled(), history(), 78, {"etl"}))
    assert unfolded[3].split()[:2] == ["etl-1", "no"]
    assert unfolded[4].strip() == "restarts too often: exit code 137"


def test_the_title_says_what_they_are_on_that_target() -> None:
    snapshot = sample.snapshot()
    cluster = replace(snapshot, run=replace(snapshot.run, target="kubernetes"))
    assert text(pods.picture(snapshot, history(), 78, ()).title) == "processes"
    assert text(pods.picture(cluster, history(), 78, ()).title) == "pods"


def test_flow_shows_every_stage_with_its_latency_and_what_the_loaders_say_limits_it() -> None:
    picture = flow.picture(replace(sample.snapshot(), limit=None), history(), 57)
    assert [row.split()[0] for row in rows(picture)] == ["offered", "acked", "etl", "etl-redis"]
    assert all("p99" in row for row in rows(picture)[1:])
    assert text(picture.extra) == "closed loop"
    assert text(picture.foot) == "limit: 12 partitions wait for etl-redis"


def test_where_the_limit_is_known_the_flow_says_nothing_of_its_own() -> None:
    assert text(flow.picture(sample.snapshot(), history(), 57).foot) == ""


def test_the_limit_line() -> None:
    shown = limit.picture(sample.snapshot(), 120)
    assert text(shown).rstrip() == (
        " limit: etl-redis holds the loaders back: its lag grows by 3,200/s, 75 s late"
    )
    assert [role for part, role in shown if part.startswith("etl-redis")] == ["warn"]
    shorter = [text(limit.picture(sample.snapshot(), cells)) for cells in (70, 60, 30)]
    assert shorter == [
        " limit: etl-redis holds the loaders back: its lag grows by 3,200/s",
        " limit: etl-redis holds the loaders back",
        " limit: etl-redis holds the l…",
    ]
    assert limit.picture(sample.starting(), 80) == ()


def test_a_loader_behind_its_schedule_is_said() -> None:
    snapshot = sample.snapshot()
    assert snapshot.flow is not None
    late = replace(snapshot, flow=replace(snapshot.flow, loader_slip_s=2.5))
    on_time = replace(snapshot, flow=replace(snapshot.flow, loader_slip_s=0.01))
    assert "2.5 s behind schedule" in rows(flow.picture(late, history(), 57))[0]
    assert "on schedule" in rows(flow.picture(on_time, history(), 57))[0]


def test_the_ledger_shows_every_figure_of_every_group() -> None:
    picture = ledger.picture(sample.troubled(), 110)
    assert text(picture.heading[0]).split() == [
        "group", "delivered", "lost", "duplicated", "unexpected", "redelivered", "reordered", "recovered",
    ]  # fmt: skip
    assert rows(picture)[0].split() == ["etl", "4,574,201", "5", "2", "0", "0", "0", "0"]
    assert rows(picture)[1].split()[-3:] == ["1.2k", "0", "0"]
    assert roles(picture, " 5") == {"trouble"}
    assert roles(picture, "1.2k") == {"text"}
    assert "acked 4,586,400  indeterminate 0  expired 0" in text(picture.extra)


def test_indeterminate_and_expired_are_said_where_the_frame_has_no_room() -> None:
    snapshot = sample.snapshot()
    assert snapshot.ledger is not None
    narrow = ledger.picture(
        replace(snapshot, ledger=replace(snapshot.ledger, indeterminate=12)), 78, boxed=False
    )
    assert text(narrow.foot) == "indeterminate 12  expired 0"
    assert text(ledger.picture(snapshot, 78, boxed=False).foot) == ""


def test_events_come_latest_first_and_wrap() -> None:
    shown = rows(events.picture(sample.troubled(), 40))
    assert shown[0] == "17:04:32 ! 5 acknowledged messages are"
    assert shown[1].strip() == "lost in group etl"
    times = [row.split()[0] for row in shown if row.startswith("17")]
    assert times == ["17:04:32", "17:04:31", "17:03:02", "17:00:20"]


def test_hostile_text_from_outside_is_drawn_not_obeyed() -> None:
    well = sample.snapshot()
    pod = replace(well.pods[0], name=HOSTILE, component=HOSTILE, reason=HOSTILE, node=HOSTILE, phase=HOSTILE)
    event = Event("2026-01-02T17:00:20.000Z", EventKind.CHANGE, HOSTILE, HOSTILE)
    assert well.flow is not None
    assert well.redis is not None
    snapshot = replace(
        well,
        run=replace(well.run, namespace=HOSTILE),
        pods=(pod,),
        events=(event,),
        flow=replace(well.flow, mode=HOSTILE, limited_by=HOSTILE, groups={HOSTILE: well.flow.groups["etl"]}),
        redis=replace(well.redis, commands={HOSTILE: 5.0}),
        popular={"CA": (HOSTILE,)},
        unavailable=dict.fromkeys(("kafka", "pods", "flow", "redis", "ledger", "events", "popular"), HOSTILE),
    )
    drawn = [*pictures(snapshot, 60, 14), details.picture(snapshot, history(), f"pod/{HOSTILE}", 60)]
    lines = [spans for p in drawn for spans in (p.title, p.extra, p.foot, *p.heading, *p.rows)]
    lines += header.header(snapshot, 120)
    assert all(text(spans).isprintable() for spans in lines)
    assert any("␛[2Jpod␊⟨202E⟩[bold]" in text(spans) for spans in lines)


def test_details_of_a_state_show_groups_and_what_sells() -> None:
    shown = rows(details.picture(sample.snapshot(), history(), "CA", 78))
    assert shown[0].split() == ["topic", "transactions.CA"]
    etl_redis = next(row for row in shown if row.startswith("etl-redis")).split()
    assert etl_redis[2:5] == ["75", "s▓", etl_redis[4]]
    assert any("1  Chewy Bites 5 lb" in row for row in shown)


def test_details_of_a_loader_show_its_own_words() -> None:
    shown = "\n".join(rows(details.picture(sample.snapshot(), history(), "pod/data-loader-0", 78)))
    for fact in ("unbounded", "no schedule", "6 partitions", "etl-redis is behind", "546,000, 9.1k/s"):
        assert fact in shown


def test_details_of_what_has_gone_say_so() -> None:
    assert rows(details.picture(sample.snapshot(), history(), "pod/gone-7", 78)) == ["it is gone"]
