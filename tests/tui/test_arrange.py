"""Where the panels go."""

from __future__ import annotations

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from kapture_tui.tui.arrange import PANELS, Arrangement, Place, Wants, arrange, lag_widths
from kapture_tui.tui.panels.lag import grid

SIZES = st.tuples(st.integers(20, 300), st.integers(6, 120))


def arranged(cells: int, rows: int, pods: int = 6, groups: int = 2, header: int = 1) -> Arrangement:
    widths = lag_widths(cells)
    return arrange(
        cells, rows, Wants(pods, groups, {w: grid(groups, max(20, w)).rows for w in widths}), header
    )


def overlap(one: Place, other: Place) -> bool:
    apart = one.x + one.width <= other.x or other.x + other.width <= one.x
    return not (apart or one.y + one.height <= other.y or other.y + other.height <= one.y)


@given(SIZES, st.integers(0, 60), st.integers(1, 5))
def test_panels_fill_the_screen_between_header_and_keys_and_never_overlap(
    size: tuple[int, int], pods: int, groups: int
) -> None:
    cells, rows = size
    places = arranged(cells, rows, pods, groups).places
    for place in places.values():
        assert 0 <= place.x < place.x + place.width <= cells
        assert 1 <= place.y <= place.y + place.height <= rows - 1
        assert place.height >= 1 or rows < 8
    assert not [pair for pair in combinations(places.values(), 2) if overlap(*pair)]
    assert sum(place.width * place.height for place in places.values()) == cells * (rows - 2)


@given(st.integers(72, 300), st.integers(24, 120))
def test_everything_is_there_from_72_by_24(cells: int, rows: int) -> None:
    assert set(arranged(cells, rows).places) == set(PANELS)


def test_all_states_fit_at_120_by_40() -> None:
    place = arranged(120, 40).places["lag"]
    assert place.height >= 2 + 1 + grid(2, place.width - 4).rows


def test_at_80_by_24_all_components_both_groups_and_an_event_fit() -> None:
    places = arranged(80, 24).places
    assert places["pods"].height == 1 + 6
    assert places["flow"].height == 1 + 4
    assert places["ledger"].height == 1 + 2
    assert places["lag"].height >= 5
    assert places["events"].height >= 2


def test_what_is_unfolded_gets_the_room_there_is() -> None:
    assert arranged(120, 60, pods=30).places["pods"].height > arranged(120, 60, pods=6).places["pods"].height


def test_a_small_terminal_has_the_essentials() -> None:
    assert set(arranged(40, 12, header=3).places) == {"events"}
    assert set(arranged(60, 20, header=2).places) == {"flow", "events"}
