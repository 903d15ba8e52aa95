"""However often the spout is killed, every order comes back once, and what was sent twice is known as such."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kapture_tui.model.ledger import LoaderHalf
from kapture_tui.model.states import LEDGER_TOPIC, restock_topic
from kapture_tui.workload import header, spout
from kapture_tui.workload.consume import take
from kapture_tui.workload.fastjson import loads
from kapture_tui.workload.kafka import Lane, OnDelivery, Record, TopicPartition
from kapture_tui.workload.ledger import PartitionLog
from kapture_tui.workload.ledger_json import decode
from kapture_tui.workload.observer.kafka_watch import judge_restock
from kapture_tui.workload.process import StopSignal
from kapture_tui.workload.restock import Restock, encode, parse
from kapture_tui.workload.settings import Settings
from kapture_tui.workload.sinks.base import SinkUnavailable
from kapture_tui.workload.spout import Books, Rollup, Spout

SETTINGS = Settings("spout-7d9f", "r1", "nowhere", groups=("etl", "etl-postgres"))


@pytest.fixture(autouse=True, scope="module")
def no_pauses() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(spout, "BACKOFF_S", (0.0,))
        yield


class Killed(BaseException):
    """The process is gone; nothing of it is left but what it has written."""


@dataclass
class Broker:
    """Topics in memory, which outlive their writers.

    Attributes:
        left: records it takes until its writer is killed; None: any number.
    """

    records: dict[TopicPartition, list[Record]] = field(default_factory=dict)
    left: int | None = None

    def lane(self, topic: str, partition: int, on_delivery: OnDelivery | None) -> Lane:
        log = self.records.setdefault((topic, partition), [])

        def send(key: bytes | None, value: bytes, packed: bytes | None, report: bool = True) -> bool:
            if packed is not None and self.left is not None:
                if not self.left:
                    raise Killed
                self.left -= 1
            log.append(Record(len(log), key, value, packed))
            if on_delivery:
                on_delivery(True, len(log) - 1, packed)
            return True

        return send

    def poll(self, timeout_s: float) -> None:
        """All is delivered at once."""

    def in_flight(self) -> int:
        return 0

    def flush(self, timeout_s: float) -> int:
        return 0

    def restocks(self, state: str) -> list[Record]:
        return self.records.get((restock_topic(state), 0), [])

    def newest_half(self) -> LoaderHalf:
        halves = [decode(r.key, r.value) for r in self.records[LEDGER_TOPIC, 0]]
        newest = halves[-1]
        assert isinstance(newest, LoaderHalf)
        return newest


@dataclass
class Orders:
    """A source in memory: orders by state, as (store, cents), and what is remembered beside them.

    Attributes:
        stop: set once everything came back.
        faults: what happens at the next calls of `settle`: "ok", "down" before it is done, "mute" after it.
    """

    stop: StopSignal
    orders: dict[str, list[tuple[int, int]]]
    faults: list[str] = field(default_factory=list)
    most: int = 3
    kept: Books | None = None
    done: Counter[str] = field(default_factory=Counter)
    upto: Counter[str] = field(default_factory=Counter)
    kill_in_settle: bool = False

    def books(self) -> Books | None:
        return self.kept

    def begin(self, incarnation: int) -> Books:
        self.kept = self.kept or Books(incarnation)
        return self.kept

    def next(self) -> Rollup | None:
        if self.upto == self.done:
            self.upto = Counter({s: min(len(o), self.done[s] + self.most) for s, o in self.orders.items()})
        at_work = {s: o[self.done[s] : self.upto[s]] for s, o in self.orders.items()}
        restocks = []
        for state, orders in sorted(at_work.items()):
            for store in sorted({store for store, _ in orders}):
                cents = [c for s, c in orders if s == store]
                restocks.append(Restock(state, store, len(cents), sum(cents), 1.0, {"a": len(cents)}))
        if not restocks:
            self.stop.set()
            return None
        return Rollup(sum(map(len, at_work.values())), 0, tuple(restocks), more=True)

    def settle(self, books: Books) -> None:
        fault = self.faults.pop(0) if self.faults else "ok"
        if fault == "down":
            raise SinkUnavailable("settling")
        self.kept, self.done = books, self.upto
        if fault == "mute":
            raise SinkUnavailable("settling", "no answer")

    def close(self) -> None:
        """Nothing to let go of."""


class Impatient(StopSignal):
    """Set from the thread that asks."""

    def wait(self, timeout_s: float) -> bool:
        return bool(self)


def run(broker: Broker, source: Orders, incarnation: int = 0) -> bool:
    """Run a spout until everything came back or it is killed; whether it lived."""
    try:
        Spout(SETTINGS, source, broker, source.stop, incarnation).run()
    except Killed:
        return False
    return True


def read(broker: Broker, state: str) -> tuple[PartitionLog, list[Any]]:
    """What the ETL makes of a state's restocks."""
    log = PartitionLog("etl", (restock_topic(state), 0))
    return log, take(log, broker.restocks(state), 0)


orders = st.dictionaries(
    st.sampled_from(["MA", "RI", "TX"]),
    st.lists(st.tuples(st.integers(1, 3), st.integers(0, 100)), min_size=1, max_size=12),
    min_size=1,
)
lives = st.lists(st.integers(0, 9), max_size=4)
faults = st.lists(st.sampled_from(["ok", "down", "mute"]), max_size=3)


@settings(deadline=None)
@given(orders, lives, faults, st.integers(1, 5))
def test_every_order_comes_back_once(
    sold: dict[str, list[tuple[int, int]]], lives: list[int], wrong: list[str], most: int
) -> None:
    broker, source = Broker(), Orders(Impatient(), sold, list(wrong), most)
    for left in lives:
        broker.left = left
        if run(broker, source):
            break
    broker.left = None
    assert run(broker, source)
    halves = {}
    for state, of_state in sold.items():
        log, taken = read(broker, state)
        by_store: Counter[int] = Counter()
        for order in taken:
            by_store[order.customer] += order.cents
        assert by_store == cents_by_store(of_state)
        assert sum(order.document["orders"] for order in taken) == len(of_state)
        again = sum(log_of.duplicated for log_of in log.loaders.values())
        assert len(broker.restocks(state)) == len(taken) + again
        half = log.half("etl-0", 1.0)
        halves[half.partition] = half
    ends = {(restock_topic(state), 0): len(broker.restocks(state)) for state in sold}
    ledger, brought_back = judge_restock([broker.newest_half()], halves, ends)
    verdict = ledger.groups["etl"]
    assert (verdict.lost, verdict.unexpected, verdict.reordered) == (0, 0, 0)
    assert verdict.delivered == ledger.acked == ledger.attempted
    assert brought_back == sum(map(len, sold.values()))
    if not lives and "down" not in wrong:
        assert verdict.duplicated == 0


def cents_by_store(orders: list[tuple[int, int]]) -> Counter[int]:
    sums: Counter[int] = Counter()
    for store, cents in orders:
        sums[store] += cents
    return sums


def test_books_that_are_lost_are_begun_anew_under_another_number() -> None:
    broker, source = Broker(), Orders(Impatient(), {"MA": [(1, 5), (2, 7)]})
    assert run(broker, source)
    first = broker.newest_half()
    source.kept, source.done, source.upto = None, Counter(), Counter()
    source.stop = Impatient()
    assert run(broker, source, incarnation=first.incarnation + 1)
    second = broker.newest_half()
    assert (first.loader, first.incarnation) == (second.loader, second.incarnation - 1) == ("spout", 0)
    assert first.id != second.id
    log, taken = read(broker, "MA")
    assert [order.cents for order in taken] == [5, 7, 5, 7]
    assert len(log.loaders) == 2


def test_a_restock_is_read_as_an_order_of_its_store() -> None:
    restock = Restock("MA", 7, 3, 1234, 2.5, {"b": 2, "a": 1})
    order = parse(encode(restock, 9), 11, 12, 9)
    assert (order.customer, order.number, order.cents, order.day) == (7, 9, 1234, 2.5)
    assert (order.products, order.intended_us, order.loader, order.sequence) == (("a", "b"), 11, 12, 9)
    assert loads(encode(restock, 9))["products"] == [
        {"name": "a", "quantity": 1},
        {"name": "b", "quantity": 2},
    ]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
)
odd_restocks = st.fixed_dictionaries(
    {},
    optional={
        "id": json_values,
        "store": json_values | st.fixed_dictionaries({"id": json_values}),
        "dateTime": json_values,
        "cents": json_values,
        "products": json_values | st.lists(st.fixed_dictionaries({"name": json_values}), max_size=2),
    },
)


@given(odd_restocks | json_values)
def test_anything_else_is_refused(value: Any) -> None:
    try:
        order = parse(json.dumps(value).encode(), 1)
    except ValueError:
        return
    assert type(order.customer) is int
    assert order.cents >= 0


@pytest.mark.parametrize("value", [None, b"", b"{}", header.pack(1, 2, 3)])
def test_what_is_no_json_is_refused(value: bytes | None) -> None:
    with pytest.raises(ValueError, match=r"restock|value|JSON|[Ii]nput|character"):
        parse(value, 1)
