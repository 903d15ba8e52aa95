"""The newest halves, in whatever order and however often records come."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from kapture_tui.model.ledger import GroupHalf, LoaderHalf, LoaderState
from kapture_tui.workload.ledger_json import encode, key_of
from kapture_tui.workload.observer.ledger_book import (
    FORGOTTEN_BYTES,
    SILENT_S,
    Keeper,
    LedgerBook,
    ListeningClock,
)

LIVE, DONE, DEAD = LoaderState.LIVE, LoaderState.DONE, LoaderState.DEAD


def loader(
    name: str = "data-loader-0", incarnation: int = 0, time_s: float = 1.0, state: LoaderState = LIVE
) -> LoaderHalf:
    return LoaderHalf(name, f"{name}#{incarnation}", incarnation, time_s, state)


def group(
    offset: int, time_s: float = 1.0, partition: str = "transactions.MA/0", name: str = "etl"
) -> GroupHalf:
    return GroupHalf(name, partition, "etl-0", offset, time_s)


def states(book: LedgerBook, now_s: float) -> dict[str, LoaderState]:
    return {half.id: half.state for half in book.loaders(now_s)}


halves = st.one_of(
    st.builds(
        loader,
        st.sampled_from(["a", "b"]),
        st.integers(0, 2),
        st.integers(0, 20).map(float),
        st.sampled_from([LIVE, DONE]),
    ),
    st.builds(group, st.integers(0, 20), st.integers(0, 20).map(float), st.sampled_from(["x/0", "x/1"])),
)


@given(st.lists(halves, max_size=30), st.randoms(use_true_random=False))
def test_order_and_repetition_do_not_matter(
    records: list[LoaderHalf | GroupHalf], rng: random.Random
) -> None:
    # Two halves of one key that are equally new would be a loader that contradicts itself.
    unique = {
        (key_of(h), h.time_s, getattr(h, "offset", None), getattr(h, "state", None)): h for h in records
    }
    one, other = LedgerBook(), LedgerBook()
    for half in unique.values():
        one.add(half, 0.0)
    shuffled = [*unique.values(), *records]
    rng.shuffle(shuffled)
    for half in shuffled:
        other.add(half, 0.0)
    assert {h.id: h for h in one.loaders(0.0)} == {h.id: h for h in other.loaders(0.0)}
    assert one.group("etl") == other.group("etl")


@given(st.lists(halves, max_size=30))
def test_a_record_read_again_is_not_news(records: list[LoaderHalf | GroupHalf]) -> None:
    book = LedgerBook()
    for half in records:
        book.add(half, 0.0)
    assert not any(book.add(half, 5.0) for half in records)


@given(st.lists(st.builds(group, st.integers(0, 20), st.integers(0, 20).map(float)), min_size=1))
def test_of_a_partition_the_highest_offset_wins_then_the_later_report(records: list[GroupHalf]) -> None:
    book = LedgerBook()
    for half in records:
        book.add(half, 0.0)
    newest = book.group("etl")["transactions.MA/0"]
    assert (newest.offset, newest.time_s) == max((half.offset, half.time_s) for half in records)


def test_a_loader_that_is_silent_is_dead_until_it_speaks() -> None:
    book = LedgerBook()
    book.add(loader(time_s=1.0), 0.0)
    assert states(book, SILENT_S) == {"data-loader-0#0": LIVE}
    assert states(book, SILENT_S + 0.1) == {"data-loader-0#0": DEAD}
    book.add(loader(time_s=2.0), SILENT_S + 1)
    assert states(book, SILENT_S + 1) == {"data-loader-0#0": LIVE}


def test_an_old_report_written_again_does_not_bring_a_loader_back() -> None:
    book = LedgerBook()
    book.add(loader(time_s=1.0), 0.0)
    book.add(loader(time_s=1.0), SILENT_S)
    assert states(book, SILENT_S + 0.1) == {"data-loader-0#0": DEAD}


def test_a_successor_ends_its_predecessor_at_once() -> None:
    book = LedgerBook()
    book.add(loader(incarnation=0, time_s=1.0), 0.0)
    book.add(loader(incarnation=1, time_s=1.5), 0.5)
    book.add(loader("data-loader-1", incarnation=0), 0.5)
    assert states(book, 0.5) == {"data-loader-0#0": DEAD, "data-loader-0#1": LIVE, "data-loader-1#0": LIVE}


def test_the_last_report_stays_the_last() -> None:
    book = LedgerBook()
    book.add(loader(time_s=5.0, state=DONE), 0.0)
    assert not book.add(loader(time_s=9.0), 0.0)
    assert states(book, 1000.0) == {"data-loader-0#0": DONE}


def test_only_time_in_which_we_listened_counts_as_silence() -> None:
    clock, book = ListeningClock(), LedgerBook()
    for second in range(5):
        clock.listened(float(second))
    assert clock.now_s == 4.0
    book.add(loader(), clock.now_s)
    clock.listened(1000.0)  # the broker was away
    assert states(book, clock.now_s) == {"data-loader-0#0": LIVE}
    for second in range(1000, 1012):
        clock.listened(float(second))
    assert states(book, clock.now_s) == {"data-loader-0#0": DEAD}


class TestKeeper:
    """Records that a broker with little room would forget."""

    quiet = group(7, partition="transactions.WY/0")
    key, value = key_of(quiet), encode(quiet)

    def busy(self, keeper: Keeper, size: int) -> None:
        filler = b"x" * 10_000
        for number in range(size // len(filler)):
            keeper.seen(b"group/etl/transactions.MA/0", filler + str(number).encode(), True)

    def test_what_is_far_behind_is_written_again_and_only_that(self) -> None:
        keeper = Keeper()
        keeper.seen(self.key, self.value, True)
        self.busy(keeper, FORGOTTEN_BYTES // 2)
        assert list(keeper.due()) == []
        self.busy(keeper, FORGOTTEN_BYTES)
        assert list(keeper.due()) == [(self.key, self.value)]

    def test_not_again_until_it_is_far_behind_again(self) -> None:
        keeper = Keeper()
        keeper.seen(self.key, self.value, True)
        self.busy(keeper, 2 * FORGOTTEN_BYTES)
        assert list(keeper.due()) == [(self.key, self.value)]
        assert list(keeper.due()) == []
        self.busy(keeper, FORGOTTEN_BYTES // 2)
        keeper.seen(self.key, self.value, False)  # it got there
        self.busy(keeper, FORGOTTEN_BYTES - 20_000)
        assert list(keeper.due()) == []
        self.busy(keeper, 40_000)
        assert list(keeper.due()) == [(self.key, self.value)]

    def test_an_outdated_record_does_not_stand_in_for_the_newest(self) -> None:
        keeper = Keeper()
        keeper.seen(self.key, self.value, True)
        self.busy(keeper, 2 * FORGOTTEN_BYTES)
        keeper.seen(self.key, encode(group(3, partition="transactions.WY/0")), False)
        assert list(keeper.due()) == [(self.key, self.value)]
