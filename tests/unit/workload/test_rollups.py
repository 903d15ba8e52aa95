"""Checkpoints: sums that add up, and one chain of them that counts however many owners write at once."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kapture_tui.model.histogram import Histogram
from kapture_tui.model.ledger import GroupHalf, Read
from kapture_tui.workload import header
from kapture_tui.workload.consume import take
from kapture_tui.workload.etl import Etl
from kapture_tui.workload.kafka import Record
from kapture_tui.workload.ledger import PartitionLog
from kapture_tui.workload.rollups import Checkpoint, Tally, add, decode, encode, newest_valid, roll_up
from kapture_tui.workload.sinks.base import Batch, SinkUnavailable
from kapture_tui.workload.transaction import Order
from tests.unit.workload.memory import Faults, RollupsLink, RollupsTopic

MA = ("transactions.MA", 0)
KEY = "transactions.MA/0"

counts = st.integers(0, 1 << 50)
tallies = st.builds(Tally, counts, counts, counts)
minutes = st.dictionaries(st.integers(-10, 1 << 40), tallies, max_size=4)
orders = st.lists(
    st.builds(
        Order,
        intended_us=st.integers(0, 1 << 51),
        customer=counts,
        number=counts,
        day=st.floats(0, 1e5),
        products=st.lists(st.sampled_from("abc"), max_size=3).map(tuple),
        cents=st.integers(0, 10**6),
        document=st.just({}),
    ),
    max_size=8,
)


# --- sums -------------------------------------------------------------------------------------------------------------


@given(orders)
def test_rolled_up_is_summed(found: list[Order]) -> None:
    total, simulated, real = roll_up(found)
    assert total == (len(found), sum(len(o.products) for o in found), sum(o.cents for o in found))
    assert simulated == {m: roll_up([o for o in found if int(o.day * 1440) == m])[0] for m in simulated}
    assert real == {m: roll_up([o for o in found if o.intended_us // 60_000_000 == m])[0] for m in real}
    assert add(*simulated.values()) == add(*real.values()) == total


@given(orders, st.integers(0, 12))
def test_rollups_of_parts_add_up(found: list[Order], at: int) -> None:
    assert add(roll_up(found[:at])[0], roll_up(found[at:])[0]) == roll_up(found)[0]


def test_minutes() -> None:
    order = Order(120_000_000, 1, 1, 2.0, ("a",), 5)
    assert roll_up([order]) == ((1, 1, 5), {2880: (1, 1, 5)}, {2: (1, 1, 5)})
    assert add() == Tally(0, 0, 0)


# --- as text ----------------------------------------------------------------------------------------------------------

halves = st.builds(
    GroupHalf,
    group=st.just("etl"),
    partition=st.just(KEY),
    owner=st.text(max_size=4),
    offset=counts,
    time_s=st.floats(0, 2e9),
    loaders=st.dictionaries(st.just("a" * 16), st.just(Read(4, ((1, 2),), 1, 1))),
    latency=st.lists(counts, max_size=5).map(Histogram.of),
)


@given(st.builds(Checkpoint, counts, st.text(max_size=4), counts, halves, tallies, minutes, minutes))
def test_there_and_back(checkpoint: Checkpoint) -> None:
    assert decode(encode(checkpoint)) == checkpoint


CLAIM = Checkpoint(1, "a", 0, GroupHalf("etl", KEY, "a", 0, 1.0))


@pytest.mark.parametrize(
    "value",
    [
        None,
        b"",
        b"{",
        b"[]",
        b"null",
        b"{}",
        encode(CLAIM).replace(b'"total":[0,0,0]', b'"total":[0,0,0,0]'),
        encode(CLAIM).replace(b'"half":{"group":"etl"', b'"half":{"group":3'),
        encode(CLAIM).replace(b'"epoch":1', b'"epoch":"x"'),
        encode(CLAIM).replace(b'"simulated":{}', b'"simulated":{"x":[1,2,3]}'),
        encode(CLAIM).replace(b'"real":{}', b'"real":{"1":7}'),
    ],
)
def test_what_is_no_checkpoint(value: bytes | None) -> None:
    assert value != encode(CLAIM)
    assert decode(value) is None


# --- which of them counts ---------------------------------------------------------------------------------------------


def checkpoint(epoch: int, owner: str, offset: int) -> Checkpoint:
    return replace(CLAIM, epoch=epoch, owner=owner, half=replace(CLAIM.half, offset=offset))


def test_the_newest_of_the_highest_epoch_counts() -> None:
    first, second = checkpoint(1, "a", 5), checkpoint(1, "a", 8)
    claim, later = checkpoint(2, "b", 5), checkpoint(2, "b", 9)
    assert newest_valid([]) is None
    assert newest_valid([first, second]) is second
    assert newest_valid([first, claim, second]) is claim
    assert newest_valid([first, claim, second, later, second]) is later


def test_of_two_claims_of_one_epoch_the_first_counts() -> None:
    mine, other = checkpoint(2, "a", 5), checkpoint(2, "b", 7)
    assert newest_valid([checkpoint(1, "c", 7), mine, other]) is mine


@given(
    st.lists(st.builds(checkpoint, st.integers(1, 4), st.sampled_from("ab"), st.integers(0, 9)), max_size=12)
)
def test_by_its_definition(found: list[Checkpoint]) -> None:
    if not found:
        return
    epoch = max(c.epoch for c in found)
    owner = next(c.owner for c in found if c.epoch == epoch)
    assert newest_valid(found) is [c for c in found if (c.epoch, c.owner) == (epoch, owner)][-1]


# --- two owners at once, at any interleaving --------------------------------------------------------------------------

RECORDS = [
    Record(
        n, None, b'{"id":%d,"customer":{"id":%d},"dateTime":1.5,"products":[]}' % (n, n), header.pack(1, n, 7)
    )
    for n in range(12)
]


class Slowly:
    """A connection that lets somebody else act before each of its calls."""

    def __init__(self, topic: RollupsTopic, interruptions: list[list[str]], act: object) -> None:
        self._link = RollupsLink(topic, Faults())
        self._interruptions = interruptions
        self._act = act

    def _interrupted(self) -> None:
        for action in self._interruptions.pop(0) if self._interruptions else []:
            self._act(action)  # type: ignore[operator]

    def newest(self, partitions: object) -> dict[tuple[str, int], Checkpoint]:
        self._interrupted()
        return self._link.newest(partitions)  # type: ignore[arg-type]

    def append(self, checkpoints: object) -> dict[tuple[str, int], int]:
        self._interrupted()
        return self._link.append(checkpoints)  # type: ignore[arg-type]

    def close(self) -> None:
        pass


class Owner:
    """An ETL process that does as the protocol says, one step at a time, and remembers what it took for stored."""

    def __init__(self, name: str, rollups: object) -> None:
        self.name = name
        self.etl = Etl(rollups, name)  # type: ignore[arg-type]
        self.log: PartitionLog | None = None

    def act(self, action: str) -> None:
        if action == "claim":
            self.log = PartitionLog("etl", MA, self.etl.restore([MA]).get(MA))
        elif self.log is not None:
            start = self.log.offset
            found = take(self.log, RECORDS[start : start + int(action)], 0)
            batch = Batch(MA, start, self.log.half(self.name, 1.0), found)
            if self.etl.write([batch]).get(MA) != self.log.offset:
                self.log = None


actions = st.sampled_from(["claim", "1", "2", "3"])


@settings(max_examples=200)
@given(
    st.lists(st.tuples(st.booleans(), actions), max_size=14),
    st.lists(st.lists(actions, max_size=2), max_size=14),
)
def test_two_owners_never_lose_or_double(
    script: list[tuple[bool, str]], interruptions: list[list[str]]
) -> None:
    """One owner acts between any two steps of the other: between reading and claiming, claiming and checking, …"""
    topic = RollupsTopic()
    quick = Owner("quick", RollupsLink(topic, Faults()))
    slow = Owner("slow", Slowly(topic, interruptions, quick.act))
    for is_slow, action in script:
        owner = slow if is_slow else quick
        owner.act(action)
        newest = topic.newest(MA)
        assert newest is None or newest.total.orders == newest.half.offset
        if (
            owner.log is not None
            and newest is not None
            and action != "claim"
            and owner.log.offset < len(RECORDS)
        ):
            assert newest.half.offset == owner.log.offset, "what was said to be stored does not count"


def test_who_lost_a_partition_is_told_at_its_next_write() -> None:
    topic = RollupsTopic()
    first, second = Owner("a", RollupsLink(topic, Faults())), Owner("b", RollupsLink(topic, Faults()))
    first.act("claim")
    first.act("2")
    second.act("claim")
    first.act("2")
    assert first.log is None
    second.act("1")
    assert second.log is not None
    newest = topic.newest(MA)
    assert newest
    assert (newest.owner, newest.total.orders) == ("b", 3)


def test_a_doubt_that_could_not_be_settled_stays_one() -> None:
    """The check after a gap fails; the retry finds no gap after its own record, and must ask all the same."""
    topic = RollupsTopic()
    faults = Faults()
    first, second = Owner("a", RollupsLink(topic, faults)), Owner("b", RollupsLink(topic, Faults()))
    first.act("claim")
    second.act("claim")
    faults.script = ["ok", "down"]
    assert first.log is not None
    taken = take(first.log, RECORDS[:2], 0)
    batch = Batch(MA, 0, first.log.half("a", 1.0), taken)
    with pytest.raises(SinkUnavailable):
        first.etl.write([batch])
    assert first.etl.write([batch]) == {}


def test_a_batch_is_not_put_on_top_of_another_offset() -> None:
    topic = RollupsTopic()
    owner = Owner("a", RollupsLink(topic, Faults()))
    owner.act("claim")
    owner.act("2")
    log = PartitionLog("etl", MA)
    taken = take(log, RECORDS[:5], 0)
    assert owner.etl.write([Batch(MA, 0, log.half("a", 1.0), taken)]) == {MA: 2}
    assert len(topic.records[MA]) == 2


def test_a_batch_that_was_stored_without_an_answer_counts_once() -> None:
    topic = RollupsTopic()
    faults = Faults()
    owner = Owner("a", RollupsLink(topic, faults))
    owner.act("claim")
    faults.script = ["mute"]
    assert owner.log is not None
    taken = take(owner.log, RECORDS[:3], 0)
    batch = Batch(MA, 0, owner.log.half("a", 1.0), taken)
    with pytest.raises(SinkUnavailable):
        owner.etl.write([batch])
    assert owner.etl.write([batch]) == owner.etl.write([batch]) == {MA: 3}
    newest = topic.newest(MA)
    assert newest
    assert newest.total.orders == 3
