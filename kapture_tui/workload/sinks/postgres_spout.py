"""Postgres as the spout's source: which orders were brought back stands in tables beside them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from kapture_tui.model.spec import Component
from kapture_tui.workload.restock import Restock
from kapture_tui.workload.sinks.base import SinkUnavailable
from kapture_tui.workload.sinks.postgres_schema import PLACE_BITS, migrate
from kapture_tui.workload.sinks.postgres_statistics import connect, first_line
from kapture_tui.workload.sinks.urls import without_password
from kapture_tui.workload.spout import Books, Rollup

MOST = 2_000
"""Offsets of a partition in one rollup: a second's orders of the busiest state at full speed."""

_TAKE = f"""
INSERT INTO kapture.spout_places (partition_id) SELECT id FROM kapture.partitions ON CONFLICT DO NOTHING;
UPDATE kapture.spout_places s SET upto = least(p.next_offset, s.done + {MOST})
FROM kapture.partitions p
WHERE p.id = s.partition_id AND p.next_offset > s.done
  AND NOT EXISTS (SELECT FROM kapture.spout_places WHERE upto > done)
"""

_AT_WORK = f"""
SELECT split_part(split_part(p.name, '/', 1), '.', 2) AS state, o.id, o.store_id, o.cents, o.day, o.intended_at
FROM kapture.spout_places s JOIN kapture.partitions p ON p.id = s.partition_id
JOIN kapture.orders o ON o.id >= (s.partition_id::bigint << {PLACE_BITS} | s.done)
                     AND o.id < (s.partition_id::bigint << {PLACE_BITS} | s.upto)
WHERE s.upto > s.done
"""

_SUMS = f"""
SELECT state, store_id, count(*), sum(cents)::bigint, max(day),
       (extract(epoch FROM min(intended_at)) * 1000000)::bigint
FROM ({_AT_WORK}) AS at_work GROUP BY state, store_id
"""

_SOLD = f"""
SELECT state, store_id, name, sold
FROM (
    SELECT state, store_id, i.product_id, count(*) AS sold
    FROM ({_AT_WORK}) AS at_work JOIN kapture.items i ON i.order_id = at_work.id
    WHERE store_id IS NOT NULL GROUP BY state, store_id, i.product_id
) AS sales JOIN kapture.products p ON p.id = sales.product_id
"""

# A table that grows by thousands of rows a second has no statistics that are of use, and a hash join would read all of
# it: what is at work is found by its ids.
_PLAN = "SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off"

_PLACES = """
SELECT coalesce(bool_or(s.upto > s.done), false), coalesce(bool_or(p.next_offset > s.upto), false)
FROM kapture.spout_places s JOIN kapture.partitions p ON p.id = s.partition_id
"""


class PostgresSource:
    """See `Source`. One spout at a time; a second one would send the same restocks once more."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: psycopg.Connection[tuple[Any, ...]] | None = None

    def books(self) -> Books | None:
        """See `Source`."""
        with self._asking("reading the spout's books") as connection:
            row = connection.execute(
                "SELECT incarnation, orders, sequences FROM kapture.spout_books"
            ).fetchone()
        return Books(*row) if row else None

    def begin(self, incarnation: int) -> Books:
        """See `Source`."""
        with self._asking("beginning the spout's books") as connection:
            connection.execute(
                "INSERT INTO kapture.spout_books (incarnation) VALUES (%s) ON CONFLICT DO NOTHING",
                (incarnation,),
            )
        return self.books() or Books(incarnation)

    def next(self) -> Rollup | None:
        """See `Source`: which orders are at work is remembered before they are looked at."""
        with self._asking("taking orders") as connection:
            connection.execute(_TAKE.encode())
            with connection.transaction():
                connection.execute(_PLAN)
                at_work, more = connection.execute(_PLACES).fetchone() or (False, False)
                if not at_work:
                    return None
                sums = connection.execute(_SUMS.encode()).fetchall()
                sold = connection.execute(_SOLD.encode()).fetchall()
        products: dict[tuple[str, int], dict[str, int]] = {}
        for state, store, name, count in sold:
            of_store = products.setdefault((state, store), {})
            of_store[name] = of_store.get(name, 0) + count
        restocks = sorted(
            (
                Restock(state, store, orders, cents, day, products.get((state, store), {}))
                for state, store, orders, cents, day, _ in sums
                if store is not None
            ),
            key=lambda restock: (restock.state, restock.store),
        )
        # Offsets without an order, as those of what is no transaction, are passed over with a rollup of nothing.
        oldest_us = min((row[5] for row in sums), default=None)
        return Rollup(sum(row[2] for row in sums), oldest_us, tuple(restocks), more)

    def settle(self, books: Books) -> None:
        """See `Source`: in one transaction."""
        with self._asking("settling the spout's books") as connection, connection.transaction():
            connection.execute("UPDATE kapture.spout_places SET done = upto WHERE upto > done")
            changed = connection.execute(
                "UPDATE kapture.spout_books SET orders = %s, sequences = %s WHERE incarnation = %s",
                (books.orders, Jsonb(dict(books.sequences)), books.incarnation),
            )
            if not changed.rowcount:
                raise SinkUnavailable("settling the spout's books", "they are gone, or others")

    def close(self) -> None:
        """See `Source`."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(psycopg.Error):
                connection.close()

    @contextmanager
    def _asking(self, doing: str) -> Iterator[psycopg.Connection[tuple[Any, ...]]]:
        try:
            if self._connection is None:
                self._connection = connect(self._url, Component.SPOUT.value)
                migrate(self._connection)
            yield self._connection
        except psycopg.Error as exc:
            self.close()
            raise SinkUnavailable(
                f"{doing} ({without_password(self._url)})", first_line(exc, self._url)
            ) from exc
        except BaseException:
            self.close()
            raise
