"""What MongoDB says of itself: serverStatus as rates, dbStats as sizes. What FerretDB lacks is None, with a reason."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pymongo.errors import OperationFailure, PyMongoError

from kapture_tui.model.errors import Unreachable
from kapture_tui.workload.rates import RATE_S, Window
from kapture_tui.workload.sinks.base import Statistics
from kapture_tui.workload.sinks.mongo_link import BOOKKEEPING, MongoLink

ANSWER_S = 2.0
"""How long an answer may take, seconds."""

SIZES_S = 5.0
SIZES_SHARE = 0.05
SIZES_MOST_S = 60.0
"""How often sizes are asked for, seconds, and what part of the time the server may spend on that: where MongoDB keeps
the number of documents, FerretDB counts them (0.3 s for 100,000). One look at a server that hung says nothing about
the next one, so there is a longest time as well."""

COMMANDS = 12
"""Commands shown: the busiest ones."""

UNAUTHORIZED = 13

NOT_COUNTED = "this server does not count them"
NOT_YET = "there are not two looks at it yet"


@dataclass(frozen=True, slots=True)
class Counters:
    """What serverStatus counts since the server's start.

    Attributes:
        server: names that start.
        inserts: documents inserted; None where the server counts commands only.
        calls: commands executed, by name.
    """

    server: str
    inserts: int | None
    calls: Mapping[str, int]


def counters_of(status: Mapping[str, Any]) -> Counters:
    """The counters in an answer to serverStatus."""
    operations = status.get("opcounters", {})
    commands = status.get("metrics", {}).get("commands", {})
    return Counters(
        server=f"{status.get('host')} {status.get('pid')}",
        inserts=int(operations["insert"]) if "insert" in operations else None,
        calls={
            name: int(counts["total"])
            for name, counts in commands.items()
            if isinstance(counts, Mapping) and "total" in counts
        },
    )


@dataclass(frozen=True, slots=True)
class Sizes:
    """What dbStats says of the database: documents without our own bookkeeping, bytes with it and the indexes."""

    documents: int
    size_bytes: int


def sizes_of(stats: Mapping[str, Any], ours: int) -> Sizes:
    """The sizes in an answer to dbStats; `ours` of the documents are our own bookkeeping."""
    size = stats.get("totalSize", stats.get("storageSize", 0) + stats.get("indexSize", 0))
    return Sizes(max(0, int(stats["objects"]) - ours), int(size))


class MongoRates:
    """Rates from one answer after the other; None until there are two from the same server process."""

    def __init__(self) -> None:
        self._counters: Window[Counters] = Window(RATE_S)
        self._sizes: tuple[float, Sizes] | None = None
        self._growth: float | None = None

    def add(self, now_s: float, new: Counters) -> None:
        """Take the newest counters."""
        if self._counters:
            old = self._counters.newest()
            if old.server != new.server or any(
                old.calls[name] > new.calls.get(name, 0) for name in old.calls
            ):
                self._counters.clear()
        self._counters.add(now_s, new)

    def add_sizes(self, now_s: float, new: Sizes) -> None:
        """Take the newest sizes."""
        self._growth = None
        if self._sizes:
            before_s, old = self._sizes
            if now_s > before_s and new.documents >= old.documents:  # else it was emptied
                self._growth = (new.documents - old.documents) / (now_s - before_s)
        self._sizes = now_s, new

    @property
    def inserts_per_s(self) -> float | None:
        """Documents inserted a second: as the server counts them, or as their number grows."""
        counters = self._counters.span()
        if counters and counters[1].inserts is not None and counters[2].inserts is not None:
            return (counters[2].inserts - counters[1].inserts) / counters[0]
        return self._growth

    @property
    def commands(self) -> dict[str, float]:
        """Executions a second of the busiest commands."""
        span = self._counters.span()
        if span is None:
            return {}
        seconds, before, after = span
        rates = {name: (count - before.calls.get(name, 0)) / seconds for name, count in after.calls.items()}
        busiest = sorted((name for name in rates if rates[name] > 0), key=lambda name: (-rates[name], name))
        return {name: rates[name] for name in busiest[:COMMANDS]}


class MongoWatch:
    """Looks at the server once a call."""

    def __init__(self, url: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._link = MongoLink(url, ANSWER_S)
        self._clock = clock
        self._rates = MongoRates()
        self._sizes: Sizes | None = None
        self._sizes_reason = ""
        self._sizes_due_s = 0.0

    def look(self) -> Statistics:
        """One look. Raises Unreachable when the server does not answer."""
        figures: dict[str, Any] = dict.fromkeys(
            ("inserts_per_s", "documents", "size_bytes", "connections", "commands")
        )
        reasons: dict[str, str] = {}
        try:
            self._look_at_status(figures, reasons)
            self._look_at_sizes(figures, reasons)
        except PyMongoError as exc:
            raise Unreachable("asking Mongo", self._link.said(exc)) from None
        figures["inserts_per_s"] = self._rates.inserts_per_s
        if figures["inserts_per_s"] is None:
            reasons.setdefault("inserts_per_s", NOT_YET)
        return Statistics(figures, unavailable=reasons)

    def _look_at_status(self, figures: dict[str, Any], reasons: dict[str, str]) -> None:
        try:
            status = self._link.admin.command("serverStatus")
        except OperationFailure as exc:
            if exc.code != UNAUTHORIZED:
                raise
            reasons |= dict.fromkeys(("connections", "commands"), "the user may not ask for serverStatus")
            return
        self._rates.add(self._clock(), counters_of(status))
        figures["commands"] = self._rates.commands
        figures["connections"] = status.get("connections", {}).get("current")
        if figures["connections"] is None:
            reasons["connections"] = NOT_COUNTED

    def _look_at_sizes(self, figures: dict[str, Any], reasons: dict[str, str]) -> None:
        began_s = self._clock()
        if began_s >= self._sizes_due_s:
            self._ask_for_sizes()
            took_s = self._clock() - began_s
            self._sizes_due_s = began_s + took_s + min(SIZES_MOST_S, max(SIZES_S, took_s / SIZES_SHARE))
        if self._sizes is None:
            reasons |= dict.fromkeys(("documents", "size_bytes"), self._sizes_reason)
        else:
            figures |= {"documents": self._sizes.documents, "size_bytes": self._sizes.size_bytes}

    def _ask_for_sizes(self) -> None:
        try:
            ours = sum(self._link.collection(name).estimated_document_count() for name in BOOKKEEPING)
            self._sizes = sizes_of(self._link.database.command("dbStats"), ours)
        except PyMongoError as exc:  # serverStatus was answered, so this alone is too much for the server
            self._sizes, self._sizes_reason = None, f"dbStats: {self._link.said(exc)}"
        else:
            self._rates.add_sizes(self._clock(), self._sizes)
