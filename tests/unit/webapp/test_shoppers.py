"""What shoppers do, and how their visits are counted."""

from __future__ import annotations

import threading
from collections import Counter
from random import Random

import pytest

from kapture_tui.model.spec import LoadSpec
from kapture_tui.workload.fastjson import loads
from kapture_tui.workload.shoppers import AT_ONCE, PATIENCE_S, SHARES, Counts, Crowd, Visit, Visitors, asked
from kapture_tui.workload.webapp.shop import Shop

STATES = ["CA", "CA", "MA"]
PAGE = Visit("product", "/products/1")
WAIT_S = 60.0


class Shopkeeper:
    """Answers when told to, on a clock that stands still until it is moved."""

    def __init__(self, answer: int | Exception = 200) -> None:
        self.now_s = 100.0
        self.answer = answer
        self.timeouts: list[float] = []
        self.open = threading.Event()
        self.open.set()
        self.counts = Counts()
        self.visitors = Visitors("http://shop", self.counts, self.ask, lambda: self.now_s)

    def ask(self, _address: str, _visit: Visit, timeout_s: float) -> int:
        self.timeouts.append(timeout_s)
        assert self.open.wait(WAIT_S)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def seen(self) -> dict[str, float | None]:
        self.visitors.leave()
        return dict(self.counts.figures(0.0).figures)


def test_a_seed_gives_the_same_visits_and_routes_have_their_shares() -> None:
    crowds = [Crowd(Random("1"), STATES, 50) for _ in range(2)]
    visits = [[crowd.visit() for _ in range(3000)] for crowd in crowds]
    assert visits[0] == visits[1]
    assert Crowd(Random("2"), STATES, 50).visit() != visits[0][0]
    routes = Counter(visit.route for visit in visits[0])
    for route, share in SHARES.items():
        assert routes[route] / 3000 == pytest.approx(share, abs=0.05)


def test_every_order_is_one_that_the_shop_takes() -> None:
    shop = Shop(LoadSpec(stores=40), "webapp-0", 0)
    crowd = Crowd(Random("1"), list(shop.stores), 30)
    orders = [shop.order(loads(visit.body)) for _ in range(500) if (visit := crowd.visit()).body]
    assert len({order.customer for order in orders}) > 10
    homes = {order.customer: order.state for order in orders}
    assert all(homes[order.customer] == order.state for order in orders)


def test_latency_counts_from_when_the_visit_was_due() -> None:
    shop = Shopkeeper()
    shop.visitors.send(shop.now_s - 2.0, PAGE)
    shop.visitors.leave()
    latency = shop.counts.figures(0.0).histograms["routes.product.latency"]
    assert (latency.total, latency.max_us) == (1, 2_000_000)
    assert shop.timeouts == [PATIENCE_S - 2.0]


@pytest.mark.parametrize("answer", [503, 404, OSError("refused")])
def test_errors_are_counted(answer: int | Exception) -> None:
    shop = Shopkeeper(answer)
    shop.visitors.send(shop.now_s, PAGE)
    figures = shop.seen()
    assert (figures["routes.product.total"], figures["routes.product.errors_total"]) == (1, 1)
    assert figures["routes.order.total"] == 0


def test_a_shop_that_hangs_is_behind_and_its_visitors_lose_patience() -> None:
    shop = Shopkeeper()
    shop.open.clear()
    for _ in range(AT_ONCE + 3):
        shop.visitors.send(shop.now_s, PAGE)
    for _ in range(int(WAIT_S * 100)):
        if len(shop.timeouts) == AT_ONCE:
            break
        threading.Event().wait(0.01)
    shop.now_s += PATIENCE_S + 1
    assert shop.visitors.behind_s == PATIENCE_S + 1
    shop.open.set()
    for _ in range(int(WAIT_S * 100)):
        if shop.counts.figures(0.0).figures["routes.product.total"] == AT_ONCE + 3:
            break
        threading.Event().wait(0.01)
    figures = shop.seen()
    assert (figures["routes.product.total"], figures["routes.product.errors_total"]) == (AT_ONCE + 3, 3)
    assert len(shop.timeouts) == AT_ONCE  # the three had gone before it was their turn
    assert shop.visitors.behind_s == 0


def test_nobody_at_the_address_is_an_error_not_a_crash() -> None:
    with pytest.raises(ConnectionRefusedError):
        asked("http://127.0.0.1:9", PAGE, 5.0)
