"""The verdict: random histories of loaders, log and groups, judged against plain sets.

The model of a message is a triple (loader, partition, sequence). What is expected is computed here from such sets, by
the definitions in the docstrings of `GroupLedger` and `Ledger`; `judge` gets the same history as ranges.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kapture_tui.model.intervals import IntervalSet
from kapture_tui.model.ledger import (
    GroupHalf,
    GroupLedger,
    Ledger,
    LoaderHalf,
    LoaderState,
    Read,
    Sent,
    indeterminate,
    judge,
)

LOADERS = ["a" * 16, "b" * 16]
PARTITIONS = ["transactions.MA/0", "transactions.WY/1"]
STRANGER = "c" * 16

Message = tuple[str, str, int]


@dataclass
class Loader:
    """A loader as it was, and what of that it has told."""

    id: str
    state: LoaderState
    attempted: dict[str, int] = field(default_factory=dict)
    acked: set[tuple[str, int]] = field(default_factory=set)
    failed: set[tuple[str, int]] = field(default_factory=set)

    def half(self) -> LoaderHalf:
        """What it has told."""
        return LoaderHalf(
            loader=f"loader-{self.id[0]}",
            id=self.id,
            incarnation=0,
            time_s=1.0,
            state=self.state,
            partitions={
                key: Sent(count, ranges(self.acked, key), ranges(self.failed, key))
                for key, count in self.attempted.items()
                if count
            },
        )


@dataclass
class Group:
    """What a group has read, in order of offsets, by partition."""

    read: dict[str, list[tuple[str, int]]]
    drained: set[str]
    foreign: int
    redelivered: int
    expired: int


def ranges(marks: Iterable[tuple[str, int]], key: str) -> tuple[tuple[int, int], ...]:
    return IntervalSet.of((n, n + 1) for k, n in marks if k == key).ranges


@st.composite
def loaders(draw: st.DrawFn, loader: str) -> Loader:
    found = Loader(loader, draw(st.sampled_from(LoaderState)))
    for key in PARTITIONS:
        found.attempted[key] = count = draw(st.integers(0, 6))
        for sequence in range(count):
            fate = draw(st.sampled_from(["acked", "acked", "failed", "open"]))
            {"acked": found.acked, "failed": found.failed, "open": set()}[fate].add((key, sequence))
    return found


@st.composite
def groups(draw: st.DrawFn, senders: list[Loader]) -> Group:
    """A log with drops, second copies and swaps of what was sent, and things nobody sent; read up to some point."""
    read: dict[str, list[tuple[str, int]]] = {}
    for key in PARTITIONS[: draw(st.integers(0, 2))]:
        sent = [(s.id, n) for s in senders for n in range(s.attempted.get(key, 0) + draw(st.integers(0, 2)))]
        sent += [(STRANGER, 0)] * draw(st.integers(0, 1))
        kept = [message for message in sent if draw(st.integers(0, 3))]
        again = draw(st.lists(st.sampled_from(kept), max_size=2)) if kept else []
        swapped = draw(st.permutations(kept + again)) if draw(st.booleans()) else kept + again
        read[key] = swapped[: draw(st.integers(0, len(swapped)))] if draw(st.booleans()) else swapped
    figures = [draw(st.integers(0, 3)) for _ in range(3)]
    return Group(read, draw(st.sets(st.sampled_from(PARTITIONS))), *figures)


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[Loader], dict[str, Group]]:
    senders = [draw(loaders(loader)) for loader in LOADERS]
    return senders, {
        name: draw(groups(senders)) for name in draw(st.sets(st.sampled_from(["etl", "etl-redis"])))
    }


def read_of(messages: list[tuple[str, int]], loader: str) -> Read:
    """A group's memory of one loader in one partition, by the definition of its fields."""
    sequences = [n for who, n in messages if who == loader]
    seen: set[int] = set()
    duplicated = reordered = 0
    for n in sequences:
        duplicated += n in seen
        reordered += n not in seen and any(other > n for other in seen)
        seen.add(n)
    end = max(seen, default=-1) + 1
    holes = IntervalSet.of((n, n + 1) for n in range(end) if n not in seen)
    return Read(end, holes.ranges, duplicated, reordered)


def halves_of(name: str, group: Group) -> dict[str, GroupHalf]:
    first = min(group.read, default=None)
    return {
        key: GroupHalf(
            group=name,
            partition=key,
            owner="someone",
            offset=len(messages),
            time_s=1.0,
            loaders={loader: read_of(messages, loader) for loader in {who for who, _ in messages}},
            foreign=group.foreign if key == first else 0,
            redelivered=group.redelivered if key == first else 0,
            expired=group.expired if key == first else 0,
        )
        for key, messages in group.read.items()
    }


def expected_of(senders: list[Loader], group: Group) -> GroupLedger:
    delivered = {(who, key, n) for key, messages in group.read.items() for who, n in messages}
    acked = {(s.id, key, n) for s in senders for key, n in s.acked}
    hopeless = {
        (who, key, n)
        for who, key, n in acked - delivered
        if key in group.drained or any(w == who and k == key and m > n for w, k, m in delivered)
    }
    known = {s.id: s for s in senders}
    recovered = {m for m in delivered if is_recovered(m, known)}
    unexpected = {m for m in delivered if is_unexpected(m, known)}
    reads = [
        read_of(messages, who)
        for messages in group.read.values()
        for who in {loader for loader, _ in messages}
    ]
    noted = bool(group.read)
    return GroupLedger(
        delivered=len(delivered),
        lost=len(hopeless),
        duplicated=sum(map(len, group.read.values())) - len(delivered),
        redelivered=group.redelivered if noted else 0,
        reordered=sum(read.reordered for read in reads),
        recovered=len(recovered),
        unexpected=len(unexpected) + (group.foreign if noted else 0),
    )


def is_recovered(message: Message, known: dict[str, Loader]) -> bool:
    """Delivered, never acknowledged, and nothing will be heard of it any more."""
    who, key, n = message
    loader = known.get(who)
    if loader is None or (key, n) in loader.acked:
        return False
    if n >= loader.attempted.get(key, 0):
        return loader.state is LoaderState.DEAD
    return loader.state is not LoaderState.LIVE or (key, n) in loader.failed


def is_unexpected(message: Message, known: dict[str, Loader]) -> bool:
    """Delivered, and for certain nobody sent it."""
    who, key, n = message
    loader = known.get(who)
    return loader is None or (loader.state is LoaderState.DONE and n >= loader.attempted.get(key, 0))


@settings(max_examples=200)
@given(histories())
def test_the_verdict_is_that_of_plain_sets(history: tuple[list[Loader], dict[str, Group]]) -> None:
    senders, readers = history
    found = judge(
        [sender.half() for sender in senders],
        {name: halves_of(name, group) for name, group in readers.items()},
        {name: frozenset(group.drained) for name, group in readers.items()},
    )
    undecided = [
        (s.id, key, n)
        for s in senders
        for key, count in s.attempted.items()
        for n in range(count)
        if (key, n) not in s.acked and (s.state is not LoaderState.LIVE or (key, n) in s.failed)
    ]
    assert found == Ledger(
        attempted=sum(sum(s.attempted.values()) for s in senders),
        acked=sum(len(s.acked) for s in senders),
        indeterminate=len(undecided),
        expired=max((group.expired for group in readers.values() if group.read), default=0),
        groups={name: expected_of(senders, group) for name, group in readers.items()},
    )


@given(histories())
def test_every_delivered_message_is_accounted_for(history: tuple[list[Loader], dict[str, Group]]) -> None:
    senders, readers = history
    done = [Loader(s.id, LoaderState.DONE, s.attempted, s.acked, s.failed) for s in senders]
    for name, group in readers.items():
        everything = frozenset(PARTITIONS)
        found = judge([s.half() for s in done], {name: halves_of(name, group)}, {name: everything})
        of = found.groups[name]
        foreign = group.foreign if group.read else 0
        assert of.delivered == found.acked - of.lost + of.recovered + of.unexpected - foreign


HALF = LoaderHalf(
    "loader-0", LOADERS[0], 0, 1.0, LoaderState.LIVE, {PARTITIONS[0]: Sent(10, ((0, 4), (5, 8)), ((4, 5),))}
)


@pytest.mark.parametrize(
    ("state", "expected"),
    [(LoaderState.LIVE, [4]), (LoaderState.DONE, [4, 8, 9]), (LoaderState.DEAD, [4, 8, 9])],
)
def test_open_requests_are_undecided_once_the_loader_is_gone(state: LoaderState, expected: list[int]) -> None:
    half = LoaderHalf(HALF.loader, HALF.id, 0, 1.0, state, HALF.partitions)
    assert list(indeterminate(half, half.partitions[PARTITIONS[0]])) == expected


def verdict(read: Read | None, drained: bool) -> GroupLedger:
    loaders_read = {LOADERS[0]: read} if read else {}
    half = GroupHalf("etl", PARTITIONS[0], "etl-0", 10, 1.0, loaders_read)
    return judge(
        [HALF], {"etl": {PARTITIONS[0]: half}}, {"etl": frozenset(PARTITIONS[:1] if drained else ())}
    ).groups["etl"]


def test_ten_recovered_do_not_hide_ten_lost() -> None:
    sent = {PARTITIONS[0]: Sent(20, ((0, 10),), ((10, 20),))}
    half = LoaderHalf("loader-0", LOADERS[0], 0, 1.0, LoaderState.DONE, sent)
    group = GroupHalf("etl", PARTITIONS[0], "etl-0", 10, 1.0, {LOADERS[0]: Read(20, ((0, 10),))})
    found = judge([half], {"etl": {PARTITIONS[0]: group}}, {"etl": frozenset(PARTITIONS)}).groups["etl"]
    assert (found.delivered, found.lost, found.recovered) == (10, 10, 10)


def test_what_lies_ahead_is_lag_and_what_was_passed_over_is_lost() -> None:
    assert verdict(Read(3, ((1, 2),)), drained=False).lost == 1
    assert verdict(Read(3, ((1, 2),)), drained=True).lost == 5
    assert verdict(None, drained=False).lost == 0
    assert verdict(None, drained=True).lost == 7


def test_groups_without_any_half_are_not_judged() -> None:
    assert judge([HALF], {}, {}) == Ledger(attempted=10, acked=7, indeterminate=1)
    assert (HALF.attempted, HALF.acked) == (10, 7)
