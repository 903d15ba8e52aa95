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

# Orders and items of a partition at work are ranges of ids, and both are said: else the server may read whole tables,
# which grow by thousands of rows a second and have no statistics that are of use.
_FROM = f"s.partition_id::bigint << {PLACE_BITS} | s.done"
_TO = f"s.partition_id::bigint << {PLACE_BITS} | s.upto"
_STATE = "split_part(split_part(partition.name, '/', 1), '.', 2)"

_SUMS = f"""
SELECT {_STATE}, found.store_id, sum(found.orders)::bigint, sum(found.cents)::bigint, max(found.day),
       (extract(epoch FROM min(found.oldest)) * 1000000)::bigint
FROM kapture.spout_places s JOIN kapture.partitions partition ON partition.id = s.partition_id
CROSS JOIN LATERAL (
    SELECT o.store_id, count(*) AS orders, sum(o.cents) AS cents, max(o.day) AS day, min(o.intended_at) AS oldest
    FROM kapture.orders o WHERE o.id >= ({_FROM}) AND o.id < ({_TO}) GROUP BY o.store_id
) AS found
WHERE s.upto > s.done GROUP BY 1, 2
"""

_SOLD = f"""
SELECT {_STATE}, found.store_id, product.name, sum(found.sold)::bigint
FROM kapture.spout_places s JOIN kapture.partitions partition ON partition.id = s.partition_id
CROSS JOIN LATERAL (
    SELECT o.store_id, i.product_id, count(*) AS sold
    FROM kapture.orders o JOIN kapture.items i ON i.order_id = o.id
    WHERE o.id >= ({_FROM}) AND o.id < ({_TO}) AND i.order_id >= ({_FROM}) AND i.order_id < ({_TO})
      AND o.store_id IS NOT NULL
    GROUP BY o.store_id, i.product_id
) AS found JOIN kapture.products product ON product.id = found.product_id
WHERE s.upto > s.done GROUP BY 1, 2, 3
"""

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
                at_work, more = connection.execute(_PLACES).fetchone() or (False, False)
                if not at_work:
                    return None
                sums = connection.execute(_SUMS.encode()).fetchall()
                sold = connection.execute(_SOLD.encode()).fetchall()
        products: dict[tuple[str, int], dict[str, int]] = {}
        for state, store, name, count in sold:
            products.setdefault((state, store), {})[name] = count
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
                self._connection.execute("SET jit = off")  # compiling takes longer than what is compiled
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
