"""Marks on a timeline: in their order, each once, found from wherever one stands."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from kapture_tui.model.event import Event, EventKind
from kapture_tui.model.times import seconds_of, timestamp
from kapture_tui.telemetry.recording import Recording
from kapture_tui.telemetry.timeline import HERE_S, MARKED, Timeline
from tests.unit.telemetry.tape import BEGAN_S, recorded, snapshots

kinds = st.sampled_from(EventKind)
events = st.lists(
    st.builds(
        lambda s, kind, text: Event(timestamp(BEGAN_S + s), kind, "", text),
        st.integers(-10, 110),
        kinds,
        st.sampled_from("ab"),
    )
)


def at(second: float, kind: EventKind = EventKind.ACTION, text: str = "scaled") -> Event:
    return Event(timestamp(BEGAN_S + second), kind, "etl", text)


def line(*told: Event) -> Timeline:
    return Timeline.of(told, BEGAN_S, BEGAN_S + 100)


def second(event: Event) -> float:
    return seconds_of(event.time) - BEGAN_S


@given(events, st.floats(0, 100))
def test_the_neighbours_of_a_position(told: list[Event], position: float) -> None:
    timeline = line(*told, *told)
    positions = [mark.position_s for mark in timeline.marks]
    assert positions == sorted(positions)
    assert {mark.event for mark in timeline.marks} == {
        event for event in told if event.kind in MARKED and 0 <= second(event) <= 100
    }
    assert len(timeline.marks) == len({mark.event for mark in timeline.marks})
    before, after = timeline.before(position), timeline.after(position)
    assert (before.position_s if before else None) == max(
        (p for p in positions if p < position - HERE_S), default=None
    )
    assert (after.position_s if after else None) == min(
        (p for p in positions if p > position + HERE_S), default=None
    )


@given(events, st.integers(1, 200))
def test_every_mark_has_its_cell(told: list[Event], cells: int) -> None:
    timeline = line(*told)
    shown = timeline.kinds(cells)
    assert len(shown) == cells
    assert {n for n, kind in enumerate(shown) if kind} == {
        timeline.cell(m.position_s, cells) for m in timeline.marks
    }


def test_the_gravest_mark_of_a_cell_is_shown() -> None:
    told = (at(10, EventKind.ALARM), at(10.2, EventKind.CHANGE), at(10.4, EventKind.ACTION))
    assert line(*told).kinds(10) == [None, EventKind.ALARM, *[None] * 8]


def test_what_had_happened_last() -> None:
    timeline = line(at(10, text="one"), at(20, text="two"))
    texts = [mark and mark.event.text for mark in map(timeline.latest, (5, 10, 19, 20, 99))]
    assert texts == [None, "one", "one", "two", "two"]


def test_the_timeline_of_a_recording_has_what_its_snapshots_tell() -> None:
    session = snapshots(130)
    told = tuple(at(second, text=f"scaled at {second}") for second in (5, 64, 129))
    session = [replace(s, events=tuple(e for e in told if e.time <= s.time)) for s in session]
    timeline = Recording(recorded(session), "tape").timeline()
    assert [(mark.position_s, mark.event) for mark in timeline.marks] == list(
        zip((5, 64, 129), told, strict=True)
    )
    assert timeline.length_s == 129


def test_a_moment_has_no_length() -> None:
    assert Timeline.of((), BEGAN_S, BEGAN_S).cell(0, 10) == 0
