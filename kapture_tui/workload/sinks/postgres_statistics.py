"""What Postgres says of itself: pg_stat_database as rates, the size of our tables, and what is in them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kapture_tui.model.errors import Unreachable
from kapture_tui.workload.rates import RATE_S, Window
from kapture_tui.workload.sinks.base import Statistics
from kapture_tui.workload.sinks.postgres_schema import SCHEMA, THERE
from kapture_tui.workload.sinks.urls import without_password, without_secrets

if TYPE_CHECKING:
    import psycopg

CONNECT_S = 5
ANSWER_S = 2.0
"""How long a look may take, seconds."""

SILENT_MS = 30_000
"""After so long without an answer to what was sent, a connection is given up: its server's machine is gone."""

NO_TABLES = "its tables are not there yet"

_LOOK = f"""
SELECT pg_postmaster_start_time()::text || coalesce(stats_reset::text, ''),
       xact_commit, tup_inserted, blks_hit, blks_read, numbackends, {THERE}
FROM pg_stat_database WHERE datname = current_database()
"""

_TABLES = f"""
SELECT (SELECT coalesce(sum(orders + items), 0)::bigint FROM {SCHEMA}.partitions),
       (SELECT sum(pg_total_relation_size(oid))::bigint FROM pg_class
        WHERE relnamespace = '{SCHEMA}'::regnamespace AND relkind = 'r')
"""
"""Rows as the sink counts them in its own transactions: the server's estimate is lost in a crash."""


@dataclass(frozen=True, slots=True)
class Counters:
    """What pg_stat_database counts. `since` names the moment from which on."""

    since: str
    commits: int
    inserted: int
    hits: int
    reads: int


class PostgresRates:
    """Rates and hit ratio from one row of pg_stat_database after the other."""

    def __init__(self) -> None:
        self._window: Window[Counters] = Window(RATE_S)
        self._hit_ratio: float | None = None

    def figures(self, now_s: float, new: Counters) -> dict[str, float | None]:
        """Take the newest row; rates are None until there are two from the same life of the server.

        The hit ratio is that of the last rows between which blocks were asked for: the operating system's cache, which
        Postgres does not see, may still have had what counts as read.
        """
        if self._window:
            old = self._window.newest()
            if old.since != new.since or old.commits > new.commits:
                self._window.clear()
                self._hit_ratio = None
            elif asked := (new.hits - old.hits) + (new.reads - old.reads):
                self._hit_ratio = (new.hits - old.hits) / asked
        self._window.add(now_s, new)
        span = self._window.span()
        return {
            "commits_per_s": (span[2].commits - span[1].commits) / span[0] if span else None,
            "inserted_per_s": (span[2].inserted - span[1].inserted) / span[0] if span else None,
            "cache_hit_ratio": self._hit_ratio,
        }


class PostgresWatch:
    """Looks at Postgres once a call. Connects when it must."""

    def __init__(self, url: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._url = url
        self._clock = clock
        self._connection: psycopg.Connection[tuple[Any, ...]] | None = None
        self._rates = PostgresRates()

    def look(self) -> Statistics:
        """One look. Raises Unreachable when Postgres does not answer, or not as it should."""
        import psycopg

        try:
            return self._look()
        except psycopg.Error as exc:
            self.close()
            doing = f"asking Postgres ({without_password(self._url)})"
            raise Unreachable(doing, first_line(exc, self._url)) from None

    def _look(self) -> Statistics:
        connection = self._connection = self._connection or connect(self._url, "kapture-observer", ANSWER_S)
        counted = connection.execute(_LOOK.encode()).fetchone()
        assert counted is not None, "a session is in a database, which has its row"
        *counters, connections, there = counted
        tables = connection.execute(_TABLES.encode()).fetchone() if there else None
        rows, size_bytes = tables or (None, None)
        figures = {
            **self._rates.figures(self._clock(), Counters(*counters)),
            "rows": rows,
            "size_bytes": size_bytes,
            "connections": connections,
        }
        return Statistics(figures, unavailable=_reasons(figures))

    def close(self) -> None:
        """Let go of the connection."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(Exception):
                connection.close()


def _reasons(figures: Mapping[str, Any]) -> dict[str, str]:
    known = {
        "commits_per_s": "it takes two looks",
        "inserted_per_s": "it takes two looks",
        "cache_hit_ratio": "nothing was read since",
        "rows": NO_TABLES,
        "size_bytes": NO_TABLES,
    }
    return {name: why for name, why in known.items() if figures[name] is None}


def connect(url: str, name: str, answer_s: float | None = None) -> psycopg.Connection[tuple[Any, ...]]:
    """A connection in autocommit mode.

    Args:
        name: what the server shows of it (application_name).
        answer_s: how long a statement may take, seconds; None: as long as it needs.

    Raises: psycopg.Error: also for a URL that is none.
    """
    import psycopg

    connection = psycopg.connect(
        url,
        autocommit=True,
        connect_timeout=CONNECT_S,
        application_name=name,
        keepalives_idle=10,
        keepalives_interval=5,
        keepalives_count=3,
        tcp_user_timeout=SILENT_MS,
    )
    if answer_s is not None:
        connection.execute("SELECT set_config('statement_timeout', %s, false)", (f"{answer_s:g}s",))
    return connection


def first_line(exc: psycopg.Error, url: str) -> str:
    """What the server or its client said, in a line and without the password."""
    said = str(exc).strip().splitlines()
    return without_secrets(f"{type(exc).__name__}: {said[0]}" if said else type(exc).__name__, url)
