"""The tables in Postgres and their migrations. All lie in a schema of their own, so nobody else's are touched.

Orders and items have no foreign keys: with them a COPY of the same rows took five times as long (8 µs became 45 µs an
order), since each row looks its parents up, and several sinks would lock the same few stores and products all the time.
What refers to what is written in one transaction, or before it, by the sink alone; the tests look for orphans.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kapture_tui.workload.sinks.base import SinkUnavailable

if TYPE_CHECKING:
    import psycopg

SCHEMA = "kapture"

PLACE_BITS = 40
"""An order's id is its partition's number and, in so many bits, its place there: below the partition's `next_offset`.
So ids say what has been read since some offset, and orders of a partition lie side by side."""

# Not to_regclass: in a transaction that has waited for another one it still answers from before.
THERE = f"EXISTS (SELECT FROM pg_tables WHERE schemaname = '{SCHEMA}' AND tablename = 'migrations')"
"""Whether there are any tables of ours, as an expression."""

_LOCK = 0x6B617074757265
"""Of the migrations, for those who start at the same time: an arbitrary number, here "kapture"."""

MIGRATIONS: tuple[str, ...] = (
    """
    CREATE TABLE kapture.memory (
        word text PRIMARY KEY DEFAULT gen_random_uuid()::text
    );
    CREATE TABLE kapture.partitions (
        id smallint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        name text NOT NULL UNIQUE,
        next_offset bigint NOT NULL DEFAULT 0,
        half bytea,
        orders bigint NOT NULL DEFAULT 0,
        items bigint NOT NULL DEFAULT 0
    );
    CREATE TABLE kapture.stores (
        id bigint PRIMARY KEY,
        name text,
        zipcode text,
        city text,
        state text,
        latitude double precision,
        longitude double precision,
        median_household_income double precision,
        population bigint
    );
    CREATE TABLE kapture.customers (
        id bigint PRIMARY KEY,
        first_name text,
        last_name text,
        zipcode text,
        city text,
        state text,
        latitude double precision,
        longitude double precision,
        median_household_income double precision,
        population bigint
    );
    CREATE TABLE kapture.products (
        id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        name text NOT NULL,
        cents bigint NOT NULL,
        category text,
        brand text,
        flavor text,
        color text,
        size double precision,
        per_unit_cost double precision,
        UNIQUE (name, cents)
    );
    CREATE TABLE kapture.orders (
        id bigint PRIMARY KEY,
        customer_id bigint NOT NULL,
        number bigint NOT NULL,
        store_id bigint,
        day double precision NOT NULL,
        intended_at timestamptz NOT NULL,
        cents bigint NOT NULL
    );
    CREATE TABLE kapture.items (
        order_id bigint NOT NULL,
        line integer NOT NULL,
        product_id integer NOT NULL,
        PRIMARY KEY (order_id, line)
    );
    COMMENT ON SCHEMA kapture IS 'what kapture-tui writes; a stack that ends removes it';
    COMMENT ON TABLE kapture.partitions IS 'by topic partition: the offset that everything below is in these tables of';
    COMMENT ON COLUMN kapture.orders.store_id IS 'null: the transaction names no store';
    """,
    """
    CREATE TABLE kapture.spout_books (
        single boolean PRIMARY KEY DEFAULT true CHECK (single),
        incarnation integer NOT NULL,
        orders bigint NOT NULL DEFAULT 0,
        sequences jsonb NOT NULL DEFAULT '{}'
    );
    CREATE TABLE kapture.spout_places (
        partition_id smallint PRIMARY KEY,
        done bigint NOT NULL DEFAULT 0,
        upto bigint NOT NULL DEFAULT 0
    );
    COMMENT ON TABLE kapture.spout_books IS 'what the spout has sent and was acknowledged';
    COMMENT ON TABLE kapture.spout_places IS
        'orders below done are in restocks that were acknowledged; those below upto are at work';
    """,
)
"""Each is run once, in this order. What is released is not changed any more: add another one."""


def migrate(connection: psycopg.Connection[tuple[object, ...]]) -> None:
    """Bring the tables up to date. Several processes may do so at the same time.

    Raises:
        psycopg.Error: the database does not let us, or is not there.
        SinkUnavailable: the tables are those of a later release.
    """
    if _version(connection) == len(MIGRATIONS):
        return
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
        version = _version(connection)
        if version > len(MIGRATIONS):
            raise SinkUnavailable(
                "using the tables in Postgres",
                f"they are at version {version} and this release knows {len(MIGRATIONS)}",
                f"upgrade, or DROP SCHEMA {SCHEMA} CASCADE",
            )
        if version == 0:
            connection.execute(f"CREATE SCHEMA {SCHEMA}")
            connection.execute(
                "CREATE TABLE kapture.migrations"
                " (version integer PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now())"
            )
        for number, statements in enumerate(MIGRATIONS[version:], version + 1):
            connection.execute(statements.encode())
            connection.execute("INSERT INTO kapture.migrations (version) VALUES (%s)", (number,))


def _version(connection: psycopg.Connection[tuple[object, ...]]) -> int:
    """How many migrations have been run; 0 without any of our tables."""
    there = connection.execute(f"SELECT {THERE}".encode()).fetchone()
    if not there or not there[0]:
        return 0
    newest = connection.execute("SELECT max(version) FROM kapture.migrations").fetchone()
    return int(str(newest[0])) if newest and newest[0] is not None else 0
