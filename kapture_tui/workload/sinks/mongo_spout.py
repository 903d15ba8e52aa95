"""Mongo as the spout's source. What it remembers is one document, so that it changes as a whole.

Documents are named by partition, loader and sequence, and the sink stores a ledger half after them: whatever that half
says was read is there. New orders are therefore a difference of two sets of sequences, in whatever order they came.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

from kapture_tui.model.intervals import IntervalSet, Range
from kapture_tui.model.wire import from_wire, to_wire
from kapture_tui.workload.ledger_json import decode_group
from kapture_tui.workload.restock import Restock
from kapture_tui.workload.sinks.base import SinkUnavailable
from kapture_tui.workload.sinks.mongo_link import BOOKS, DOCUMENTS, POSITIONS, Document, MongoLink
from kapture_tui.workload.spout import Books, Rollup
from kapture_tui.workload.transaction import MAX_INTEGER, NAMES_ONLY, describe

MOST = 1_000
"""Orders in one rollup: they are asked for by name, a thousand of which FerretDB finds in a second."""

ANSWER_S = 30.0

Sequences = Mapping[str, tuple[Range, ...]]
"""By "MA/0/LOADER", ranges of sequences."""


@dataclass(frozen=True, slots=True)
class Page:
    """What is remembered.

    Attributes:
        done: orders in restocks that were acknowledged.
        at_work: orders whose restocks are not yet.
        since_us: when those at work were taken, microseconds since the epoch.
    """

    books: Books
    done: Sequences = field(default_factory=dict)
    at_work: Sequences = field(default_factory=dict)
    since_us: int = 0


class MongoSource:
    """See `Source`. One spout at a time; a second one would send the same restocks once more."""

    def __init__(self, url: str) -> None:
        self._link = MongoLink(url, ANSWER_S)

    def books(self) -> Books | None:
        """See `Source`."""
        with self._link.errors("reading the spout's books"):
            page = self._read(self._memory())
        return page.books if page else None

    def begin(self, incarnation: int) -> Books:
        """See `Source`."""
        with self._link.errors("beginning the spout's books"):
            memory = self._memory()
            page = self._read(memory)
            if page is None:
                page = Page(Books(incarnation))
                self._write(memory, page)
        return page.books

    def next(self) -> Rollup | None:
        """See `Source`: which orders are at work is remembered before they are looked at."""
        with self._link.errors("taking orders"):
            memory = self._memory()
            page = self._read(memory)
            if page is None:
                return None
            more = False
            if not page.at_work:
                new = self._new(memory, page.done)
                taken = first(new, MOST)
                if not taken:
                    return None
                more = taken != new
                page = replace(page, at_work=taken, since_us=time.time_ns() // 1000)
                self._write(memory, page)
            names = [f"{key}/{n}" for key, ranges in page.at_work.items() for n in IntervalSet(ranges)]
            found = list(self._link.collection(DOCUMENTS).find({"_id": {"$in": names}}))
        if len(found) != len(names):
            raise SinkUnavailable("taking orders", f"{len(names) - len(found)} of {len(names)} are not there")
        return Rollup(len(found), page.since_us, roll_up(found), more)

    def settle(self, books: Books) -> None:
        """See `Source`."""
        with self._link.errors("settling the spout's books"):
            memory = self._memory()
            page = self._read(memory)
            if page is None or page.books.incarnation != books.incarnation:
                raise SinkUnavailable("settling the spout's books", "they are gone, or others")
            self._write(memory, Page(books, together(page.done, page.at_work)))

    def close(self) -> None:
        """See `Source`."""
        self._link.close()

    def _memory(self) -> str:
        """Which collection of documents there is: the books count for that one only."""
        uuid = self._link.uuid(DOCUMENTS)
        if not uuid:
            raise SinkUnavailable(f"looking for orders ({self._link.shown_url})", "there are none yet")
        return uuid

    def _read(self, memory: str) -> Page | None:
        found = self._link.collection(BOOKS).find_one({"_id": memory})
        # As text: names of partitions are no names for fields.
        return from_wire(Page, json.loads(found["page"])) if found else None

    def _write(self, memory: str, page: Page) -> None:
        document = {"_id": memory, "page": json.dumps(to_wire(page))}
        self._link.collection(BOOKS).replace_one({"_id": memory}, document, upsert=True)

    def _new(self, memory: str, done: Sequences) -> Sequences:
        """What the sink has stored and is not done."""
        new: dict[str, tuple[Range, ...]] = {}
        for position in self._link.collection(POSITIONS).find({"_id": {"$regex": f"^{memory}/"}}):
            half = decode_group(position["half"])
            for loader, read in half.loaders.items():
                key = f"{half.partition.partition('.')[2]}/{loader}"
                if ranges := (read.delivered - IntervalSet(done.get(key, ()))).ranges:
                    new[key] = ranges
        return new


def first(sequences: Sequences, most: int) -> Sequences:
    """The first so many of them."""
    taken: dict[str, tuple[Range, ...]] = {}
    for key, ranges in sequences.items():
        if some := IntervalSet.of((n, n + 1) for n in islice(IntervalSet(ranges), most)):
            taken[key] = some.ranges
            most -= len(some)
    return taken


def together(one: Sequences, other: Sequences) -> Sequences:
    """All of both."""
    keys = {**one, **other}
    return {key: (IntervalSet(one.get(key, ())) | IntervalSet(other.get(key, ()))).ranges for key in keys}


def roll_up(documents: Iterable[Document]) -> tuple[Restock, ...]:
    """The restocks of the stores that these transactions name, in the order of state and store."""
    by_store: dict[tuple[str, int], list[Mapping[str, Any]]] = {}
    for document in documents:
        state = str(document["_id"]).partition("/")[0]
        said = json.loads(document["json"]) if "json" in document else document
        store = said.get("store")
        number = store.get("id") if isinstance(store, dict) else None
        if type(number) is int and abs(number) <= MAX_INTEGER:
            by_store.setdefault((state, number), []).append(said)
    return tuple(_restock(*key, by_store[key]) for key in sorted(by_store))


def _restock(state: str, store: int, orders: list[Mapping[str, Any]]) -> Restock:
    sold: Counter[str] = Counter()
    cents = 0
    for product in (product for order in orders for product in order["products"]):
        name, price = NAMES_ONLY if product.get("fieldNames") else describe(product)
        sold[name] += 1
        cents += price
    return Restock(
        state, store, len(orders), cents, max(float(order["dateTime"]) for order in orders), dict(sold)
    )
