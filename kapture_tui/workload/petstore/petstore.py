"""The simulation: all customers advanced together, window by window, their transactions in order of time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from heapq import merge
from itertools import count, islice
from typing import BinaryIO, NamedTuple

from kapture_tui.workload.petstore.customers import Customer, CustomerFactory
from kapture_tui.workload.petstore.products import PRODUCTS, Product
from kapture_tui.workload.petstore.purchasing import draw_models
from kapture_tui.workload.petstore.records import MESSAGE, BasketSerializer, people_json
from kapture_tui.workload.petstore.shopping import Basket, Shopper
from kapture_tui.workload.petstore.spec import PetstoreSpec
from kapture_tui.workload.petstore.stores import draw_stores
from kapture_tui.workload.petstore.streams import derive
from kapture_tui.workload.petstore.tables import zip_table
from kapture_tui.workload.petstore.usage import UsagePaths

WINDOW_DAYS = 15.0
"""Days all customers are advanced by at a time. Memory grows with it; what comes out does not depend on it."""

LINES_PER_WRITE = 256
"""Few enough that a reader who has seen enough stops us at once, enough to make writing cheap."""


class Visit(NamedTuple):
    """A transaction as the simulation sees it. Visits sort by time, then customer, then id.

    Attributes:
        time: days since the start.
        slot: number of the customer, 0 for the first of the spec.
        id: 0, 1, 2, … per customer.
        basket: numbers of the products.
    """

    time: float
    slot: int
    id: int
    basket: Basket


@dataclass(frozen=True, slots=True)
class Transaction:
    """A transaction as its readers see it.

    Attributes:
        id: 0, 1, 2, … per customer.
        customer: who, with the store.
        time: days since the start.
        products: in the order they were picked.
        json: the message, without an end of line.
    """

    id: int
    customer: Customer
    time: float
    products: tuple[Product, ...]
    json: bytes


class Petstore:
    """A run of the model, or a share of its customers."""

    def __init__(self, spec: PetstoreSpec, share: range | None = None) -> None:
        """Draw stores, models and customers.

        Args:
            spec: of the whole run.
            share: slots of the customers to simulate, for one of several workers; None: all of them.
        """
        zips = zip_table()
        self.spec = spec
        self.share = range(spec.customers) if share is None else share
        self.stores = draw_stores(spec.seed, spec.stores, zips)
        factory = CustomerFactory(spec.seed, spec.stream, self.stores, zips)
        self.customers = [factory.draw(spec.customer_base + slot) for slot in self.share]
        models = draw_models(spec.seed, spec.models, spec.purchasing)
        paths = UsagePaths(spec.seed)
        self._shoppers = [
            Shopper(derive(spec.seed, "shopper", spec.stream, customer.id), models, paths)
            for customer in self.customers
        ]
        self._ids = [0] * len(self._shoppers)

    def advance(self, until: float) -> list[Visit]:
        """All visits before that time (days) which have not been returned yet, sorted."""
        visits: list[Visit] = []
        add = visits.append
        for place, (slot, shopper) in enumerate(zip(self.share, self._shoppers, strict=True)):
            if shopper.next_time >= until:
                continue
            number = self._ids[place]
            while (time := shopper.next_time) < until:
                add(Visit(time, slot, number, shopper.visit()))
                number += 1
            self._ids[place] = number
        visits.sort()
        return visits

    def visits(self, window_days: float = WINDOW_DAYS) -> Iterator[Visit]:
        """What is left of the run up to the spec's number of days, in order."""
        ends = (min(step * window_days, self.spec.days) for step in count(1))
        for end in ends:
            yield from self.advance(end)
            if end >= self.spec.days:
                return

    def transactions(self, window_days: float = WINDOW_DAYS) -> Iterator[Transaction]:
        """The same for readers."""
        people = [people_json(customer) for customer in self.customers]
        serialize = BasketSerializer(self.spec.compat)
        first = self.share.start
        for time, slot, number, basket in self.visits(window_days):
            place = slot - first
            json = MESSAGE % (number, people[place], time, serialize(basket))
            products = tuple(PRODUCTS[item] for item in basket)
            yield Transaction(number, self.customers[place], time, products, json)

    def json_lines(self, window_days: float = WINDOW_DAYS) -> Iterator[bytes]:
        """The same as JSON, one object a line, each ended by a line feed."""
        people = [people_json(customer) for customer in self.customers]
        serialize = BasketSerializer(self.spec.compat)
        line = MESSAGE + b"\n"
        first = self.share.start
        for time, slot, number, basket in self.visits(window_days):
            yield line % (number, people[slot - first], time, serialize(basket))


def merge_shares(*shares: Iterator[Transaction]) -> Iterator[Transaction]:
    """Join what workers made of shares of one run. The result does not depend on how the customers were shared."""
    return merge(*shares, key=lambda transaction: (transaction.time, transaction.customer.id, transaction.id))


def generate(spec: PetstoreSpec, out: BinaryIO, count: int | None = None) -> int:
    """Write transactions as JSON lines.

    Args:
        spec: what to generate.
        out: where to; flushed after every few lines.
        count: stop after that many; None: at the end of the days.

    Returns: the number of lines.
    Raises: BrokenPipeError: the reader has gone. OSError: writing failed.
    """
    lines = islice(Petstore(spec).json_lines(), count)
    written = 0
    for line in lines:
        block = [line, *islice(lines, LINES_PER_WRITE - 1)]
        out.write(b"".join(block))
        out.flush()
        written += len(block)
    return written
