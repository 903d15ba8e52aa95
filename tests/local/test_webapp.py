"""The shop in a real stack: orders of shoppers and people arrive once, whatever happens to the shop."""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import wait
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest

from kapture_tui.model.ledger import LoaderState
from kapture_tui.model.snapshot import Snapshot
from kapture_tui.model.spec import Component, StackSpec
from kapture_tui.workload.process import StopSignal
from kapture_tui.workload.settings import Settings
from kapture_tui.workload.shoppers import SHARES
from kapture_tui.workload.webapp.desk import PATIENCE_S, Desk, NotTaken, Receipt
from kapture_tui.workload.webapp.shop import Order
from tests.local.stacks import WAIT_S, running, spec
from tests.local.test_faults import check_books


def shop_spec(namespace: str, shoppers: int) -> StackSpec:
    """A stack with a shop and a loader."""
    plain = spec(namespace, rate=100.0, scale=1)
    load = replace(plain.load, shoppers=shoppers)
    return replace(plain, components=plain.components | {Component.WEBAPP}, load=load)


def route(snapshot: Snapshot, name: str) -> dict[str, Any]:
    """The figures of a route; empty while they are not known."""
    found: dict[str, Any] = (snapshot.webapp or {}).get("routes", {}).get(name, {})
    return found


def ordered(snapshot: Snapshot) -> int:
    """What the shops have had acknowledged."""
    return sum(row.acked for row in snapshot.loaders if row.name.startswith("webapp"))


def all_routes_are_known(snapshot: Snapshot) -> bool:
    """Whether each route has been visited lately, and well."""
    routes = [route(snapshot, name) for name in SHARES]
    return all(r.get("per_s") and r["latency_ms"]["p99"] and r["errors_per_s"] == 0 for r in routes)


def ask(address: str, method: str, path: str, form: dict[str, object] | None = None) -> tuple[int, str]:
    """What a browser is answered."""
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=WAIT_S)
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    connection.request(method, path, urlencode(form) if form else None, kind if form else {})
    response = connection.getresponse()
    text = response.read().decode()
    connection.close()
    return response.status, text


async def test_orders_of_shoppers_and_people_arrive_once_and_are_in_the_books() -> None:
    async with running(shop_spec("shop", shoppers=20)) as stack:
        seen = await stack.until(all_routes_are_known, "figures of every route")
        assert seen.webapp is not None
        assert seen.webapp["requests_per_s"] > 0
        assert "webapp" not in seen.unavailable
        await stack.until(lambda s: ordered(s) > 20, "orders")
        address = seen.run.addresses["webapp"]
        status, home = await asyncio.to_thread(ask, address, "GET", "/")
        assert (status, "Where do you shop?" in home) == (200, True)
        form: dict[str, object] = {"products": 3, "amount": 2, "state": "CA", "customer": 12345}
        status, thanks = await asyncio.to_thread(ask, address, "POST", "/orders", form)
        assert (status, "Thank you" in thanks) == (201, True)

        final, books = await check_books(stack)
        assert final.ledger is not None
        assert final.ledger.acked == final.ledger.attempted == books.records
        assert ordered(final) > 20
        assert {row.name: row.state for row in final.loaders} == {"data-loader-0": "done", "webapp-0": "done"}
        assert final.run.addresses == {}
        # What was counted stays when everybody has gone.
        assert route(final, "order")["per_s"] == 0.0
        well = route(final, "order")["total"] - route(final, "order")["errors_total"]
        assert ordered(final) >= well + 1  # whoever was thanked has its order in Kafka
        assert route(final, "order")["latency_run_ms"]["p99"] is not None
        assert len({loader for loader, _, _ in books.sequences}) == 2


@pytest.mark.thorough
async def test_a_killed_shop_loses_nothing_and_its_visitors_come_back() -> None:
    async with running(shop_spec("shop-killed", shoppers=60)) as stack:
        await stack.until(lambda s: ordered(s) > 20, "orders")
        await stack.kill("webapp-0")
        await stack.until(all_routes_are_known, "figures of every route")
        before = ordered(await stack.until(lambda s: bool(s.loaders), "loaders"))
        await stack.until(lambda s: ordered(s) > before + 20, "orders at the new shop")
        final, books = await check_books(stack)
        assert books.written_twice == 0
        assert len({loader for loader, _, _ in books.sequences}) == 3  # the new shop is another sender
        assert {row.name for row in final.loaders if row.state == "done"} == {"data-loader-0", "webapp-0"}


@contextmanager
def broker(folder: Path) -> Iterator[tuple[subprocess.Popen[bytes], Settings]]:
    """An embedded broker in a process of its own, and the settings of a webapp that uses it."""
    ready = folder / "ready"
    settings = Settings("webapp-0", "run", "-", embedded=True, ready_file=ready)
    command = [sys.executable, "-m", "kapture_tui.targets.local.broker"]
    process = subprocess.Popen(command, env={**os.environ, **settings.to_env()})
    try:
        for _ in range(int(WAIT_S * 20)):
            if ready.exists():
                break
            threading.Event().wait(0.05)
        yield (
            process,
            replace(settings, bootstrap=json.loads(ready.read_text())["bootstrap"], ready_file=None),
        )
    finally:
        process.send_signal(signal.SIGCONT)
        process.kill()
        process.wait()


def placed(desk: Desk, order: Order) -> Receipt:
    """The receipt of an order that may have to be tried again."""
    for _ in range(int(WAIT_S * 20)):
        try:
            return desk.place(order).result(WAIT_S)
        except NotTaken:
            threading.Event().wait(0.05)
    raise AssertionError("never taken")


def test_an_order_is_taken_when_kafka_has_it_and_refused_while_kafka_is_away(tmp_path: Path) -> None:
    stop = StopSignal()
    with ExitStack() as end:
        process, settings = end.enter_context(broker(tmp_path))
        desk = Desk(settings, lambda: 0)
        desk.open(StopSignal())
        thread = threading.Thread(target=desk.run, args=(lambda: bool(stop),))
        thread.start()
        end.callback(thread.join)
        end.callback(stop.set)
        order = Order("CA", 4, (1, 2))
        first, second = (desk.place(order).result(WAIT_S) for _ in range(2))
        assert [(r.number, r.offset, r.customer.id) for r in (first, second)] == [
            (0, 0, first.customer.id),
            (1, 1, first.customer.id),
        ]

        process.send_signal(signal.SIGSTOP)
        waiting = desk.place(order)
        assert not wait([waiting], PATIENCE_S + 1).done
        with pytest.raises(NotTaken, match=r"not acknowledged one for transactions\.CA"):
            desk.place(order).result(WAIT_S)
        half = desk.half(LoaderState.LIVE)
        assert (half.attempted, half.acked) == (3, 2)

        process.send_signal(signal.SIGCONT)
        assert waiting.result(WAIT_S).offset == 2  # it went through after all, once
        assert placed(desk, order).offset == 3
        half = desk.half(LoaderState.LIVE)
        assert (half.attempted, half.acked, half.component) == (4, 4, "webapp")

        gone = desk.place(order)
        stop.set()
        thread.join()
        desk.close()
        assert gone.done() or gone.running()
        with pytest.raises(NotTaken, match="closing"):
            desk.place(order)
