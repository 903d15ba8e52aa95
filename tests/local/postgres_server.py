"""A Postgres of this machine for tests, started as the local target starts it, and asked by a client of its own."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path
from typing import Any

import psycopg
import pytest

from kapture_tui.model.errors import UsageError
from kapture_tui.targets.local.ports import free_ports
from kapture_tui.targets.local.postgres import PostgresServer as LocalServer
from kapture_tui.targets.local.state import StateDirectory

START_S = 60.0


def _missing() -> str:
    try:
        LocalServer().describe()
    except UsageError as exc:
        return str(exc)
    return ""


needs_postgres = pytest.mark.skipif(bool(_missing()), reason=_missing())


class PostgresServer:
    """One server, which can be killed and started again."""

    def __init__(self, folder: Path) -> None:
        (self._port,) = free_ports(1)
        self._state = StateDirectory(folder)
        self._folder = self._state.data / "postgres"
        self._folder.mkdir(parents=True)
        self._log = folder / "postgres.log"
        self._launch = LocalServer().launch(self._port, self._folder)
        subprocess.run(self._launch.before, check=True, stdout=subprocess.DEVNULL)
        self.url = LocalServer().url(self._port, self._folder)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start it, and wait until it takes connections."""
        end = time.monotonic() + START_S
        while not self._answers():
            assert time.monotonic() < end, self._log.read_text()
            if self._process is None or self._process.poll() is not None:
                # The processes of a killed one may still be ending, and it waits for them.
                with self._log.open("ab") as log:
                    self._process = subprocess.Popen(self._launch.command, stdout=log, stderr=log)
            time.sleep(0.1)

    def _answers(self) -> bool:
        try:
            self.ask("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True

    def kill(self) -> None:
        """SIGKILL it, as a crash would end it."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def ask(self, statement: str) -> list[tuple[Any, ...]]:
        """The rows of a query; [] of a statement without any."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def totals(self) -> dict[int, tuple[int, int]]:
        """Orders and cents of every customer."""
        return totals(self.url)

    def remove(self) -> None:
        """End it, and remove what it has written."""
        self.kill()
        self._state.remove()


def totals(url: str) -> dict[int, tuple[int, int]]:
    """Orders and cents of every customer, as the database adds them up out of orders, items and products."""
    with psycopg.connect(url) as connection:
        orders = connection.execute(
            "SELECT customer_id, count(*), sum(cents)::bigint FROM kapture.orders GROUP BY customer_id"
        ).fetchall()
        items = connection.execute(
            "SELECT customer_id, sum(p.cents)::bigint FROM kapture.orders o"
            " JOIN kapture.items i ON i.order_id = o.id JOIN kapture.products p ON p.id = i.product_id"
            " GROUP BY customer_id"
        ).fetchall()
    by_items = dict(items)
    assert all(by_items.get(customer, 0) == cents for customer, _, cents in orders)
    return {customer: (count, cents) for customer, count, cents in orders}


def orphans(url: str) -> int:
    """Rows that refer to what is not there."""
    with psycopg.connect(url) as connection:
        found = connection.execute(
            "SELECT (SELECT count(*) FROM kapture.orders o WHERE"
            "  NOT EXISTS (SELECT FROM kapture.customers c WHERE c.id = o.customer_id)"
            "  OR store_id IS NOT NULL AND NOT EXISTS (SELECT FROM kapture.stores s WHERE s.id = o.store_id))"
            " + (SELECT count(*) FROM kapture.items i WHERE"
            "  NOT EXISTS (SELECT FROM kapture.orders o WHERE o.id = i.order_id)"
            "  OR NOT EXISTS (SELECT FROM kapture.products p WHERE p.id = i.product_id))"
        ).fetchone()
    assert found is not None
    return int(found[0])
