"""The map of the states."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kapture_tui.model.snapshot import GroupLag, TopicView
from kapture_tui.model.states import STATES
from kapture_tui.tui.lines import Line, line_width
from kapture_tui.tui.panels import country, lag
from tests.tui import sample


def text(line: Line) -> str:
    return "".join(part for part, _ in line)


def test_every_state_has_a_place_of_its_own() -> None:
    assert sorted(country.PLACES) == list(STATES)
    assert Counter(country.PLACES.values()).most_common(1)[0][1] == 1
    assert all(column < country.COLUMNS and row < country.ROWS for column, row in country.PLACES.values())


@pytest.mark.parametrize(
    ("west", "east"), [("WA", "ME"), ("CA", "NV"), ("UT", "CO"), ("TX", "FL"), ("OH", "PA"), ("AZ", "NM")]
)
def test_west_is_left(west: str, east: str) -> None:
    assert country.PLACES[west][0] < country.PLACES[east][0]


@pytest.mark.parametrize(
    ("north", "south"), [("WA", "OR"), ("OR", "CA"), ("ND", "SD"), ("OK", "TX"), ("GA", "FL"), ("ME", "MA")]
)
def test_north_is_up(north: str, south: str) -> None:
    assert country.PLACES[north][1] < country.PLACES[south][1]


@given(st.integers(1, 320), st.integers(1, 110))
def test_a_layout_fits_into_the_room_there_is(cells: int, rows: int) -> None:
    layout = country.layout(cells, rows)
    if layout is None:
        assert cells < 76 or rows < 8
        return
    drawn, spots = country.drawn(sample.kafka().states, None, layout)
    assert len(drawn) == layout.rows <= rows
    assert max(map(line_width, drawn)) <= cells + 1  # the last gap may be cut off
    assert len({spot.key for spot in spots}) == len(STATES)
    taken = Counter(
        (x, y)
        for spot in spots
        for x in range(spot.x, spot.x + spot.width)
        for y in range(spot.row, spot.row + spot.height)
    )
    assert max(taken.values()) == 1
    for spot in spots:
        assert text(drawn[spot.row])[spot.x : spot.x + 2] == spot.key


def test_without_a_group_the_slowest_of_each_state_is_shown() -> None:
    topic = TopicView(1, groups={"a": GroupLag(5, 1.0, 80.0), "b": GroupLag(9_000, 1.0, 1.0)})
    drawn, _ = country.drawn({"TX": topic}, None, country.Layout(8, 1))
    assert "TX▓5 " in text(drawn[7])
    drawn, _ = country.drawn({"TX": topic}, "b", country.Layout(8, 1))
    assert "TX 9.0k" in text(drawn[7])


def test_the_latest_states_are_named_in_words() -> None:
    assert text(country.caption(sample.kafka().states, None, 60)) == "CA 75 s▓  TX 21 s▒"
    assert country.hottest(sample.kafka().states, "etl") == []


@pytest.mark.parametrize(("cells", "rows"), [(59, 16), (78, 8), (116, 36), (196, 55)])
def test_the_panel_draws_a_map_where_it_fits(cells: int, rows: int) -> None:
    picture = lag.picture(sample.snapshot(), cells, rows)
    spots = {spot.key: spot for spot in picture.spots}
    assert spots["WA"].row > spots["AK"].row
    assert spots["FL"].x > spots["TX"].x > spots["HI"].x


def test_a_lag_below_zero_is_shown_as_it_is() -> None:
    topic = TopicView(1, groups={"etl": GroupLag(-3, 1.0, 0.0)})
    drawn, _ = country.drawn({"AK": topic}, None, country.Layout(8, 1))
    assert ("-3", "trouble") in drawn[0]
