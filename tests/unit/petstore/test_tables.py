from __future__ import annotations

from collections import Counter
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kapture_tui.model.states import STATES
from kapture_tui.workload.petstore.tables import Wheel, name_tables, zip_table


def test_zip_codes_are_distinct_sorted_and_of_the_51_states() -> None:
    zips = zip_table()
    assert len(zips) == 31_430
    assert list(zips.zipcodes) == sorted(set(zips.zipcodes))
    assert set(zips.states) == set(STATES)
    assert all(len(code) == 5 and code.isdigit() for code in zips.zipcodes)


def test_zip_codes_have_people_incomes_and_places() -> None:
    zips = zip_table()
    assert min(zips.populations) > 0
    assert (min(zips.incomes), max(zips.incomes)) == (4955.0, 238661.0)
    assert sum(zips.populations) == 307_587_581
    assert min(zips.latitudes) > 18
    assert max(zips.longitudes) < -66


def test_columns_belong_together() -> None:
    zips = zip_table()
    place = zips.location(zips.zipcodes.index("02139"))
    assert (place.city, place.state, place.latitude, place.longitude) == ("Cambridge", "MA", 42.37, -71.11)
    assert (place.income, place.population) == (71745.0, 36349)


def test_names_come_as_often_as_in_the_census() -> None:
    first, last = name_tables()
    random = Random(1)
    firsts = Counter(first.draw(random) for _ in range(20_000))
    lasts = Counter(last.draw(random) for _ in range(20_000))
    # Shares of those names the census lists with a share: 3.3 of 90 %, 1.0 of 77 %.
    assert firsts["James"] / 20_000 == pytest.approx(0.018, abs=0.004)
    assert lasts["Smith"] / 20_000 == pytest.approx(0.0130, abs=0.003)


@given(st.lists(st.floats(0, 1e6), min_size=1).filter(any), st.floats(0, 1, exclude_max=True))
def test_a_wheel_stops_where_the_weights_laid_end_to_end_have_the_point(
    weights: list[float], point: float
) -> None:
    class Fixed(Random):
        def random(self) -> float:
            return point

    chosen = Wheel(weights).draw(Fixed())
    length = point * sum(weights)
    assert sum(weights[:chosen]) == pytest.approx(min(sum(weights[:chosen]), length))
    assert sum(weights[: chosen + 1]) == pytest.approx(max(sum(weights[: chosen + 1]), length))
