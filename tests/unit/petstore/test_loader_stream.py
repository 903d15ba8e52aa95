from __future__ import annotations

import json
from collections import defaultdict
from itertools import chain, pairwise
from zlib import crc32

from hypothesis import given, settings
from hypothesis import strategies as st

from kapture_tui.model.states import STATES
from kapture_tui.workload.petstore import LoaderStream, Petstore, PetstoreSpec
from kapture_tui.workload.petstore.loader_stream import STRETCH_WINDOWS, WARM_UP_WINDOWS
from kapture_tui.workload.petstore.petstore import WINDOW_DAYS

RECORDED_DAYS = (WARM_UP_WINDOWS + STRETCH_WINDOWS) * WINDOW_DAYS


def spec(days: float, customers: int = 8) -> PetstoreSpec:
    return PetstoreSpec(
        stores=4, customers=customers, days=days, seed=2, stream="data-loader-0", customer_base=1 << 20
    )


def values(stream: LoaderStream, count: int) -> list[bytes]:
    return [value for _, value in stream.next_batch(count)]


def test_the_recorded_days_are_what_generate_writes() -> None:
    exact = [t.json for t in Petstore(spec(2500)).transactions() if t.time < RECORDED_DAYS]
    assert values(LoaderStream(spec(2500)), len(exact)) == exact


def test_a_short_round_is_what_generate_writes_and_is_then_repeated_later() -> None:
    """A round of 100 days ends within a window; the next has the same visits 100 days later, with new ids."""
    exact = [json.loads(t.json) for t in Petstore(spec(100)).transactions()]
    found = [json.loads(value) for value in values(LoaderStream(spec(100)), 3 * len(exact))]
    orders: dict[int, int] = defaultdict(int)
    for place, record in enumerate(found):
        round_number, visit = divmod(place, len(exact))
        expected = exact[visit] | {"id": orders[record["customer"]["id"]]}
        orders[record["customer"]["id"]] += 1
        assert abs(record.pop("dateTime") - round_number * 100 - expected.pop("dateTime")) < 1e-9
        assert record == expected


def test_it_never_ends_never_repeats_and_never_goes_back() -> None:
    found = [json.loads(value) for value in values(LoaderStream(spec(700)), 3000)]
    times = [record["dateTime"] for record in found]
    assert times[-1] > 2 * 700
    assert times == sorted(times)
    identities = [(record["customer"]["id"], record["id"]) for record in found]
    assert len(set(identities)) == len(identities)
    by_customer: dict[int, list[int]] = defaultdict(list)
    for customer, number in identities:
        by_customer[customer].append(number)
    assert all(ids == list(range(len(ids))) for ids in by_customer.values())


def test_the_replayed_rate_is_that_of_the_model() -> None:
    """Within a round visits after the recorded days come as often as in the stretch: nothing is lost at its seams."""
    recorded = [t.time for t in Petstore(spec(2500)).transactions() if t.time < RECORDED_DAYS]
    steady = sum(time >= WARM_UP_WINDOWS * WINDOW_DAYS for time in recorded)
    found = values(LoaderStream(spec(2500)), len(recorded) + 2 * steady)
    length = STRETCH_WINDOWS * WINDOW_DAYS
    times = [json.loads(value)["dateTime"] for value in found[len(recorded) :]]
    assert sum(time < RECORDED_DAYS + length for time in times) == steady
    assert times[-1] < RECORDED_DAYS + 2 * length


@settings(max_examples=10, deadline=None)
@given(st.lists(st.integers(0, 200), max_size=12))
def test_batches_have_the_size_asked_for_and_do_not_change_the_stream(sizes: list[int]) -> None:
    stream = LoaderStream(spec(50, customers=2))
    batches = [stream.next_batch(size) for size in sizes]
    assert [len(batch) for batch in batches] == sizes
    assert list(chain.from_iterable(batches)) == LoaderStream(spec(50, customers=2)).next_batch(sum(sizes))


def test_routes_are_those_of_the_messages() -> None:
    stream = LoaderStream(spec(100, customers=40))
    assert len(stream.keys) == len(stream.key_crcs) == len(stream.states) == 40
    for slot, value in stream.next_batch(500):
        record = json.loads(value)
        assert stream.keys[slot] == str(record["customer"]["id"]).encode()
        assert stream.key_crcs[slot] == crc32(stream.keys[slot])
        assert STATES[stream.states[slot]] == record["store"]["location"]["state"]
    assert len(set(stream.keys)) == 40


def test_memory_is_bounded_by_the_stretch() -> None:
    """However far it goes, it hands out the windows it has, and lets go of the simulation."""
    stream, seen = LoaderStream(spec(100_000)), []
    while len(seen) < 200:
        stream.next_batch(7)
        if not seen or seen[-1] is not stream._window:
            seen.append(stream._window)
    assert len({id(window) for window in seen}) == WARM_UP_WINDOWS + STRETCH_WINDOWS
    assert all(a is not b for a, b in pairwise(seen))
