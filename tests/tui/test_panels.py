"""What panels say, asserted on their text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kapture_tui.model.event import Event, EventKind
from kapture_tui.model.ledger import GroupLedger, RestockLedger
from kapture_tui.model.snapshot import GroupLag, Phase, RedisView, Sale, Snapshot, StateSales
from kapture_tui.model.states import STATES
from kapture_tui.tui.history import History
from kapture_tui.tui.lines import Line, line_width
from kapture_tui.tui.panels import databases, details, events, flow, header, lag, ledger, limit, pods, state
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


PASSED = (*sample.sales()["CA"].latest, Sale(7, 0, store=HOSTILE, products=(HOSTILE,)))


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
        databases.picture(snapshot, past, cells, height),
        ledger.picture(snapshot, cells),
        ledger.picture(snapshot, cells, boxed=False),
        events.picture(snapshot, cells),
        state.topic(snapshot, past, "CA", cells),
        state.products(snapshot, "CA", cells),
        state.sales([("2026-01-02T17:00:00.000Z", sale) for sale in PASSED], snapshot, cells),
        details.picture(snapshot, past, "pod/etl-1", cells),
        details.picture(snapshot, past, "pod/data-loader-0", cells),
        details.picture(snapshot, past, "component/etl", cells),
        details.picture(snapshot, past, "database/redis", cells),
    ]


@pytest.mark.parametrize(
    "snapshot", [Snapshot(), sample.starting(), sample.snapshot(), sample.everything(), sample.troubled()]
)
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


def test_a_database_that_is_missing_says_why() -> None:
    shown = rows(databases.picture(sample.troubled(), history(), 57, 9))
    assert shown[0].split(maxsplit=1) == ["redis", "INFO: connection refused"]
    assert shown[1].split(maxsplit=1) == ["elasticsearch", "not deployed"]


def test_where_room_is_short_those_that_are_not_deployed_share_a_row() -> None:
    shown = rows(databases.picture(sample.snapshot(), history(), 39, 4))
    assert len(shown) <= 4
    assert shown[1].startswith("not deployed: elasticsearch, postgres")


def test_a_reason_that_databases_share_is_said_once() -> None:
    picture = databases.picture(
        replace(sample.snapshot(), redis=None, unavailable=dict.fromkeys(("redis", "mongo"), "no answer")),
        history(),
        57,
        9,
    )
    assert text(picture.foot) == "no answer"
    assert "no answer" not in "".join(rows(picture))


@pytest.mark.parametrize("cells", [39, 57, 96])
def test_every_database_has_a_row_with_its_rate_first(cells: int) -> None:
    shown = rows(databases.picture(sample.everything(), history(), cells, 9))
    assert [" ".join(row.split()[1:3]) for row in shown[:6]] == [
        "43.6k ops/s", "15.6k idx/s", "9.3k rows/s", "8.8k ins/s", "178 req/s", "25 ord/s",
    ]  # fmt: skip


def test_a_database_nobody_described_is_told_by_the_names_of_its_figures() -> None:
    @dataclass(frozen=True, slots=True)
    class Later(Snapshot):
        cassandra: Mapping[str, Any] | None = None

    figures = {
        "writes_per_s": 1200.0,
        "heap_ratio": 0.5,
        "data_bytes": 3 << 30,
        "oldest_s": 90.0,
        "state": "up",
        "nodes": None,
    }
    snapshot = Later(report_age_s=0.1, cassandra=figures)
    row = next(r for r in rows(databases.picture(snapshot, history(), 120, 12)) if "cassandra" in r)
    told = " ".join(row.partition("1.2k /s")[2].split())
    assert told == "heap 50 % data 3.0G oldest 90 s state up nodes –"
    shown = rows(details.picture(snapshot, history(), "database/cassandra", 78))
    assert shown[0].split() == ["writes", "1.2k/s"]
    assert shown[-1].split() == ["nodes", "–"]


def test_the_selected_database_says_what_keeps_it_busy() -> None:
    shown = rows(databases.picture(sample.everything(), history(), 57, 12))
    assert shown[7].split()[:2] == ["hincrby", "21.8k/s"]
    shown = rows(databases.picture(sample.everything(), history(), 57, 12, "database/webapp"))
    assert shown[7].split()[:2] == ["/popular", "130/s"]


def test_details_of_a_database_have_every_figure() -> None:
    shown = "\n".join(rows(details.picture(sample.everything(), history(), "database/webapp", 100)))
    assert "/popular      per 130" not in shown
    for fact in ("requests        178/s", "errors 0/s", "p50 4.0 ms", "max 140 ms"):
        assert fact in shown


def test_figures_that_are_0_are_0() -> None:
    snapshot = replace(sample.snapshot(), redis=RedisView(0.0, 0, 0, 0, {}, 0.0))
    shown = rows(databases.picture(snapshot, history(), 57, 4))[0]
    assert shown.split()[:2] == ["redis", "0"]
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
    assert text(limit.picture(sample.starting(), 80)) == " limit: –"
    waiting = replace(sample.starting(), unavailable={"limit": "no figures yet that could say it"})
    assert text(limit.picture(waiting, 30)) == " limit: no figures yet that c…"


def test_a_loader_behind_its_schedule_is_said() -> None:
    snapshot = sample.snapshot()
    assert snapshot.flow is not None
    late = replace(snapshot, flow=replace(snapshot.flow, loader_slip_s=2.5))
    on_time = replace(snapshot, flow=replace(snapshot.flow, loader_slip_s=0.01))
    assert "2.5 s behind schedule" in rows(flow.picture(late, history(), 57))[0]
    assert "on schedule" in rows(flow.picture(on_time, history(), 57))[0]
    assert rows(flow.picture(on_time, history(), 38))[0].endswith("on time")


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


def test_restocks_have_a_line_below_the_groups() -> None:
    well = sample.snapshot()
    assert well.ledger is not None
    back = RestockLedger(9, 9, groups={"etl": GroupLedger(delivered=9, duplicated=4)})
    snapshot = replace(well, ledger=replace(well.ledger, restock=back))
    assert rows(ledger.picture(snapshot, 110))[-1].split() == [
        "restock", "9", "0", "4", "0", "0", "0", "0",
    ]  # fmt: skip
    assert (ledger.restocks(well), ledger.restocks(snapshot)) == (0, 1)


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
        sales={"CA": StateSales(1, stores=1, busiest=(HOSTILE,))},
        unavailable=dict.fromkeys(
            ("kafka", "pods", "flow", "redis", "ledger", "events", "popular", "sales"), HOSTILE
        ),
    )
    drawn = [*pictures(snapshot, 60, 14), details.picture(snapshot, history(), f"pod/{HOSTILE}", 60)]
    lines = [spans for p in drawn for spans in (p.title, p.extra, p.foot, *p.heading, *p.rows)]
    lines += header.header(snapshot, 120)
    assert all(text(spans).isprintable() for spans in lines)
    assert any("␛[2Jpod␊⟨202E⟩[bold]" in text(spans) for spans in lines)


def test_a_state_shows_its_topic_and_every_group() -> None:
    picture = state.topic(sample.snapshot(), history(), "CA", 78)
    shown = rows(picture)
    assert text(picture.title) == "state CA  transactions.CA"
    assert shown[0].split() == ["partitions", "1", "written", "25,600", "records"]
    assert shown[1].split()[:3] == ["comes", "in", "360/s"]
    etl_redis = next(row for row in shown if row.startswith("etl-redis")).split()
    assert etl_redis[2:4] == ["75", "s▓"]


def test_a_state_shows_what_sells() -> None:
    shown = rows(state.products(sample.snapshot(), "CA", 78))
    assert shown[0].split() == ["orders", "22.2k", "items", "74.4k", "revenue", "$1.2M"]
    assert shown[1] == "stores 31  busiest Store_17, Store_128, Store_3"
    assert shown[3].split(maxsplit=1) == ["1", "Chewy Bites 5 lb"]
    unnamed = {"CA": StateSales(3)}
    shown = rows(state.products(replace(sample.snapshot(), sales=unnamed), "CA", 78))
    assert shown[1] == "stores –"


def test_transactions_that_passed_come_with_time_price_and_products() -> None:
    shown = rows(
        state.sales([("2026-01-02T17:00:09.000Z", sample.sales()["CA"].latest[0])], sample.snapshot(), 100)
    )
    assert shown == ["17:00:09    $76.24 customer 40060 Store_3 Chewy Bites 5 lb, Feather Wand"]


def test_columns_of_transactions_align_and_nothing_ends_in_half_a_word_unmarked() -> None:
    sales = (Sale(7, 0, products=("Kibble",)), Sale(10**9, 1, 0.0, 250, ("Litter",) * 9, "Store_12"))
    shown = rows(state.sales([("2026-01-02T17:00:09.000Z", sale) for sale in sales], sample.snapshot(), 60))
    assert shown[0].index("Kibble") == shown[1].index("Litter")
    assert shown[1].endswith("…")


def test_details_of_a_loader_show_its_own_words() -> None:
    shown = "\n".join(rows(details.picture(sample.snapshot(), history(), "pod/data-loader-0", 78)))
    for fact in ("unbounded", "no schedule", "6 partitions", "etl-redis is behind", "546,000, 9.1k/s"):
        assert fact in shown


def test_details_of_what_has_gone_say_so() -> None:
    assert rows(details.picture(sample.snapshot(), history(), "pod/gone-7", 78)) == ["it is gone"]
