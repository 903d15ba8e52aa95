"""A database from outside the project: what docs/adding-a-database.md asks of one, on SQLite.

The test copies this file into a package of its own, so it must not import from the tests.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from urllib.parse import urlsplit

from kapture_tui.model.ledger import GroupHalf
from kapture_tui.workload.kafka import TopicPartition
from kapture_tui.workload.ledger import partition_key
from kapture_tui.workload.ledger_json import decode_group, encode
from kapture_tui.workload.sinks import Batch, SinkUnavailable, Statistics

SCHEMA = """
CREATE TABLE IF NOT EXISTS orders (loader TEXT, part TEXT, sequence INTEGER, customer INTEGER, cents INTEGER);
CREATE TABLE IF NOT EXISTS positions (part TEXT PRIMARY KEY, upto INTEGER, half BLOB);
"""


class PaperSink:
    """Writes every order as a row."""

    group = "etl-paper"
    documents = False
    batch_records = 5_000
    batch_s = 0.2

    def __init__(self, url: str) -> None:
        self._path = urlsplit(url).path

    def prepare(self) -> None:
        with closing(sqlite3.connect(self._path)) as database:
            database.executescript(SCHEMA)

    def restore(self, partitions: Sequence[TopicPartition]) -> Mapping[TopicPartition, GroupHalf]:
        with closing(sqlite3.connect(self._path)) as database:
            stored = dict(database.execute("SELECT part, half FROM positions"))
        return {p: decode_group(stored[key]) for p in partitions if (key := partition_key(p)) in stored}

    def write(self, batches: Sequence[Batch]) -> Mapping[TopicPartition, int]:
        try:
            with closing(sqlite3.connect(self._path)) as database, database:
                return {batch.partition: _store(database, batch) for batch in batches}
        except sqlite3.Error as exc:
            raise SinkUnavailable("writing a batch", str(exc)) from exc

    def identity(self) -> str:
        return self._path

    def statistics(self) -> Statistics:
        with closing(sqlite3.connect(self._path)) as database:
            ((rows,),) = database.execute("SELECT count(*) FROM orders")
        return Statistics({"rows": rows, "pages": None}, unavailable={"pages": "nobody counts them"})

    def close(self) -> None:
        """Nothing is open between two calls."""


def _store(database: sqlite3.Connection, batch: Batch) -> int:
    part = partition_key(batch.partition)
    found = database.execute("SELECT upto FROM positions WHERE part = ?", (part,)).fetchone()
    stored = found[0] if found else 0
    if stored != batch.start:
        return int(stored)
    rows = [(f"{o.loader:016x}", part, o.sequence, o.customer, o.cents) for o in batch.orders]
    database.executemany("INSERT INTO orders VALUES (?, ?, ?, ?, ?)", rows)
    position = (part, batch.half.offset, encode(batch.half))
    database.execute("INSERT OR REPLACE INTO positions VALUES (?, ?, ?)", position)
    return batch.half.offset
