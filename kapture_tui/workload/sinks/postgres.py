"""The Postgres sink: transactions in normalised tables, by COPY.

One transaction stores the orders and items of all batches, each partition's offset and its ledger half. The partitions'
rows are locked and compared first, so a batch that is sent twice counts once, and one from a consumer that lost its
partition changes nothing. Customers, stores and products that orders refer to are written with the first of them.
"""

from __future__ import annotations

import operator
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple

import psycopg

from kapture_tui.model.ledger import GroupHalf
from kapture_tui.model.spec import Component
from kapture_tui.workload.kafka import TopicPartition
from kapture_tui.workload.ledger import partition_key
from kapture_tui.workload.ledger_json import decode_group, encode
from kapture_tui.workload.sinks.base import Batch, SinkUnavailable, Statistics
from kapture_tui.workload.sinks.postgres_rows import (
    HEADER,
    KNOWN,
    TRAILER,
    Known,
    Rows,
    customer_row,
    first_id,
    product_row,
    rows_of,
    store_row,
)
from kapture_tui.workload.sinks.postgres_schema import migrate
from kapture_tui.workload.sinks.postgres_statistics import PostgresWatch, connect, first_line
from kapture_tui.workload.sinks.urls import without_password

Connection = psycopg.Connection[tuple[Any, ...]]

_PLACE = "zipcode, city, state, latitude, longitude, median_household_income, population"
_INSERT_CUSTOMER = (
    f"INSERT INTO kapture.customers (id, first_name, last_name, {_PLACE})"
    " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING"
)
_INSERT_STORE = (
    f"INSERT INTO kapture.stores (id, name, {_PLACE})"
    " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING"
)
_INSERT_PRODUCT = (
    "INSERT INTO kapture.products (name, cents, category, brand, flavor, color, size, per_unit_cost)"
    " VALUES (%s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING"
)
_ADD_PARTITIONS = (
    "INSERT INTO kapture.partitions (name) SELECT unnest(%s::text[]) ORDER BY 1 ON CONFLICT DO NOTHING"
)
_LOCK_PARTITIONS = (
    "SELECT name, id, next_offset FROM kapture.partitions WHERE name = ANY(%s) ORDER BY name FOR UPDATE"
)
_ADVANCE = (
    "UPDATE kapture.partitions p SET next_offset = b.next_offset, half = b.half,"
    " orders = p.orders + b.orders, items = p.items + b.items"
    " FROM unnest(%s::smallint[], %s::bigint[], %s::bytea[], %s::bigint[], %s::bigint[])"
    " AS b(id, next_offset, half, orders, items) WHERE p.id = b.id"
)


class PostgresSink:
    """The sink of group `etl-postgres`: see `Database`."""

    group = Component.POSTGRES_SINK.value
    documents = True
    batch_records = 5_000
    batch_s = 0.2

    def __init__(self, url: str) -> None:
        self._url = url
        self._watch = PostgresWatch(url)
        self._connection: Connection | None = None
        self._known = Known()

    def prepare(self) -> None:
        """See `Sink`."""
        with self._asking("preparing the tables"):
            pass

    def restore(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, GroupHalf]:
        """See `Sink`."""
        names = {partition_key(partition): partition for partition in partitions}
        with self._asking("reading the stored offsets") as connection:
            self._known.clear()  # we may be here because the tables were emptied
            rows = connection.execute(
                "SELECT name, half FROM kapture.partitions WHERE name = ANY(%s) AND half IS NOT NULL",
                (list(names),),
            ).fetchall()
        return {names[name]: decode_group(half) for name, half in rows}

    def write(self, batches: Sequence[Batch]) -> Mapping[TopicPartition, int]:
        """See `Sink`: one transaction for all of them."""
        with self._asking("writing a batch") as connection, connection.transaction():
            stored = _lock(connection, [partition_key(batch.partition) for batch in batches])
            places = {batch.partition: stored[partition_key(batch.partition)] for batch in batches}
            ours = [batch for batch in batches if places[batch.partition].offset == batch.start]
            if ours:
                self._store(connection, [(places[batch.partition].id, batch) for batch in ours])
        offsets = {partition: place.offset for partition, place in places.items()}
        return offsets | {batch.partition: batch.half.offset for batch in ours}

    def identity(self) -> str:
        """See `Sink`: a random word in a table of its own; one that was emptied is given another."""
        with self._asking("asking who it is") as connection, connection.transaction():
            connection.execute(
                "INSERT INTO kapture.memory SELECT WHERE NOT EXISTS (SELECT FROM kapture.memory)"
            )
            words = connection.execute("SELECT min(word) FROM kapture.memory").fetchone()
            return str(words)

    def statistics(self) -> Statistics:
        """See `Database`."""
        return self._watch.look()

    def close(self) -> None:
        """See `Sink`."""
        self._watch.close()
        self._disconnect()

    def _store(self, connection: Connection, batches: Sequence[tuple[int, Batch]]) -> None:
        """Write batches, each with its partition's id."""
        orders = [(first_id(number, batch.start), batch.orders) for number, batch in batches]
        if len(self._known.customers) + len(self._known.stores) > KNOWN:
            self._known.clear()
        rows = rows_of(orders, self._known)
        if not rows.is_complete:
            self._write_parents(connection, rows)
            rows = rows_of(orders, self._known)
        _copy(connection, "orders", rows.orders)
        _copy(connection, "items", rows.items)
        columns = zip(
            *(
                (number, batch.half.offset, encode(batch.half), *counts)
                for (number, batch), counts in zip(batches, rows.counts, strict=True)
            ),
            strict=True,
        )
        connection.execute(_ADVANCE, [list(column) for column in columns])

    def _write_parents(self, connection: Connection, rows: Rows) -> None:
        """Write the customers, stores and products that orders refer to and that are not known to be there.

        Everybody does so in this order and sorted, after locking partitions: nobody can wait for another in a circle.
        """
        known = self._known
        products = {key: product_row(said) for key, said in rows.new_products.items()}
        with connection.cursor() as cursor:
            cursor.executemany(_INSERT_STORE, [store_row(*each) for each in _sorted(rows.new_stores)])
            cursor.executemany(
                _INSERT_CUSTOMER, [customer_row(*each) for each in _sorted(rows.new_customers)]
            )
            cursor.executemany(_INSERT_PRODUCT, sorted(products.values(), key=operator.itemgetter(0, 1)))
            names = [row[0] for row in products.values()]
            cursor.execute("SELECT name, cents, id FROM kapture.products WHERE name = ANY(%s)", (names,))
            ids = {(name, cents): number for name, cents, number in cursor}
        # Should this transaction fail, the connection goes, and what is known with it.
        known.stores |= rows.new_stores.keys()
        known.customers |= rows.new_customers.keys()
        known.products |= {key: ids[row[:2]] for key, row in products.items()}

    # --- the connection -------------------------------------------------------------------------------------------

    @contextmanager
    def _asking(self, doing: str) -> Iterator[Connection]:
        """A connection with the tables up to date; whatever goes wrong with it, the next one is another."""
        try:
            yield self._connected()
        except psycopg.Error as exc:
            self._disconnect()
            raise SinkUnavailable(
                f"{doing} ({without_password(self._url)})", first_line(exc, self._url)
            ) from exc
        except BaseException:
            self._disconnect()  # a call that was broken off leaves it in no known state
            raise

    def _connected(self) -> Connection:
        if self._connection is None:
            self._known.clear()  # it may be another server
            self._connection = connect(self._url, self.group)
            migrate(self._connection)
        return self._connection

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(psycopg.Error):
                connection.close()


class _Place(NamedTuple):
    """A partition's number in the tables, and the offset stored for it."""

    id: int
    offset: int


def _lock(connection: Connection, names: list[str]) -> dict[str, _Place]:
    """Lock these partitions' rows, made where they are missing, always in one order."""
    found = connection.execute(_LOCK_PARTITIONS, (names,)).fetchall()
    if len(found) < len(names):
        connection.execute(_ADD_PARTITIONS, (names,))
        found = connection.execute(_LOCK_PARTITIONS, (names,)).fetchall()
    return {name: _Place(number, offset) for name, number, offset in found}


def _sorted(by_id: Mapping[int, Mapping[str, Any]]) -> list[tuple[int, Mapping[str, Any]]]:
    return sorted(by_id.items(), key=operator.itemgetter(0))


def _copy(connection: Connection, table: str, rows: bytearray) -> None:
    with (
        connection.cursor() as cursor,
        cursor.copy(f"COPY kapture.{table} FROM STDIN (FORMAT BINARY)".encode()) as copy,
    ):
        copy.write(HEADER)
        copy.write(rows)
        copy.write(TRAILER)
