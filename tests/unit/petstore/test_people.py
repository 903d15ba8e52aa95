"""Stores, customers and where they live."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from math import exp

import pytest

from kapture_tui.workload.petstore.customers import CustomerFactory, Homes, distance_miles
from kapture_tui.workload.petstore.stores import Store, draw_stores, store_weights
from kapture_tui.workload.petstore.tables import Location, zip_table


def at(zipcode: str) -> Location:
    zips = zip_table()
    return zips.location(zips.zipcodes.index(zipcode))


def test_the_richest_zip_code_weighs_a_hundred_times_the_poorest_per_head() -> None:
    zips = zip_table()
    per_head = [weight / people for weight, people in zip(store_weights(zips), zips.populations, strict=True)]
    assert max(per_head) / min(per_head) == pytest.approx(100)
    by_income = [weight for _, weight in sorted(zip(zips.incomes, per_head, strict=True))]
    assert all(poorer <= richer * (1 + 1e-12) for poorer, richer in pairwise(by_income))


def test_stores_are_where_people_and_money_are() -> None:
    zips = zip_table()
    weights = store_weights(zips)
    in_california = sum(w for w, state in zip(weights, zips.states, strict=True) if state == "CA") / sum(
        weights
    )
    stores = draw_stores(3, 4000, zips)
    assert in_california == pytest.approx(0.14115, abs=1e-4)
    assert Counter(store.location.state for store in stores)["CA"] / 4000 == pytest.approx(
        in_california, abs=0.02
    )


def test_more_stores_do_not_move_the_first_ones() -> None:
    assert draw_stores(3, 20, zip_table())[:5] == draw_stores(3, 5, zip_table())
    assert [store.name for store in draw_stores(3, 2, zip_table())] == ["Store_0", "Store_1"]


def test_distances_are_great_circles() -> None:
    boston, los_angeles = at("02108"), at("90012")
    assert distance_miles(boston, los_angeles) == pytest.approx(2600, rel=0.01)
    assert distance_miles(boston, los_angeles) == distance_miles(los_angeles, boston)
    assert distance_miles(boston, boston) == 0.0


@pytest.mark.parametrize("zipcode", ["10001", "99546", "96713", "99723", "04619", "90012"])
def test_homes_weigh_exp_of_distance_over_the_whole_country(zipcode: str) -> None:
    """Against the plain formula; New York, the Aleutians, Hawaii, the far north, the far east, Los Angeles."""
    zips, center = zip_table(), at(zipcode)
    exact = [exp(-distance_miles(center, zips.location(index)) / 5) for index in range(len(zips))]
    total = sum(exact)
    indices, wheel = Homes(zips)._wheel(center)
    ends = [0.0, *(end / wheel.cumulative[-1] for end in wheel.cumulative)]
    found = dict(zip(indices, (after - before for before, after in pairwise(ends)), strict=True))
    worst = max(abs(found.get(index, 0.0) - weight / total) for index, weight in enumerate(exact))
    assert worst < 1e-6


def test_zip_codes_at_the_same_coordinates_are_equally_likely_homes() -> None:
    zips = zip_table()
    places = Counter(zip(zips.latitudes, zips.longitudes, strict=True))
    twins = [i for i in range(len(zips)) if places[zips.latitudes[i], zips.longitudes[i]] > 1][:1]
    center = zips.location(twins[0])
    indices, wheel = Homes(zips)._wheel(center)
    weights = dict(
        zip(indices, (after - before for before, after in pairwise([0.0, *wheel.cumulative])), strict=True)
    )
    twin = [
        i
        for i in indices
        if zips.location(i).zipcode != center.zipcode and distance_miles(center, zips.location(i)) < 1e-3
    ]
    assert twin
    assert all(abs(weights[i] - weights[twins[0]]) < 1e-3 for i in twin)


def test_a_store_has_customers_by_the_people_around_it() -> None:
    stores = (Store(0, at("10001")), Store(1, at("02139")))
    share = stores[0].location.population / sum(store.location.population for store in stores)
    factory = CustomerFactory(1, "", stores, zip_table())
    customers = [factory.draw(number) for number in range(2000)]
    assert sum(customer.store.id == 0 for customer in customers) / 2000 == pytest.approx(share, abs=0.04)


def test_a_customer_depends_on_seed_stream_and_number_only() -> None:
    stores = draw_stores(1, 10, zip_table())
    factory = CustomerFactory(1, "a", stores, zip_table())
    forwards = [factory.draw(number) for number in range(20)]
    assert [
        CustomerFactory(1, "a", stores, zip_table()).draw(number) for number in reversed(range(20))
    ] == forwards[::-1]
    assert [CustomerFactory(1, "b", stores, zip_table()).draw(number) for number in range(20)] != forwards
