"""The shop over real HTTP: what a browser and a program are answered. Only Kafka and Redis are stood in for."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urlencode

import pytest
import uvicorn
from hypothesis import given
from hypothesis import strategies as st

from kapture_tui.model.errors import Unreachable
from kapture_tui.model.spec import LoadSpec
from kapture_tui.workload.webapp import pages
from kapture_tui.workload.webapp.app import BODY_BYTES, Visits, application
from kapture_tui.workload.webapp.desk import NotTaken, Promise, Receipt
from kapture_tui.workload.webapp.html import Html, element
from kapture_tui.workload.webapp.popular import Sold
from kapture_tui.workload.webapp.service import Server, listen
from kapture_tui.workload.webapp.shop import ARTICLES, Order, Shop

HOSTILE = "<script>alert('1')</script>\" onmouseover=\"x & y"
FORM = "application/x-www-form-urlencoded"


@dataclass
class Till:
    """A desk that Kafka always answers, unless it is told otherwise."""

    shop: Shop = field(default_factory=lambda: Shop(LoadSpec(stores=40), "webapp-0", 0))
    taken: list[Order] = field(default_factory=list)
    trouble: NotTaken | None = None

    def place(self, order: Order) -> Promise:
        if self.trouble:
            raise self.trouble
        self.taken.append(order)
        promise: Promise = Future()
        customer = self.shop.customer(order.state, order.customer)
        promise.set_result(Receipt(order, customer, 3, (f"transactions.{order.state}", 0), 41))
        return promise


@dataclass
class House:
    """A shop that is open, and what it was built with."""

    port: int
    till: Till
    sold: list[Sold] | Unreachable = field(default_factory=list)
    trouble: str = ""
    visits: Visits = field(default_factory=Visits)

    def popular(self, _state: str) -> list[Sold]:
        if isinstance(self.sold, Unreachable):
            raise self.sold
        return self.sold

    def ask(
        self, method: str, path: str, body: str | bytes | None = None, kind: str = FORM
    ) -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request(method, path, body, {"Content-Type": kind} if body is not None else {})
        response = connection.getresponse()
        text = response.read().decode()
        connection.close()
        return response.status, text

    def get(self, path: str) -> tuple[int, str]:
        return self.ask("GET", path)

    def order(self, **fields: object) -> tuple[int, str]:
        return self.ask("POST", "/orders", urlencode(fields, doseq=True))


@pytest.fixture(scope="module")
def opened() -> Iterator[House]:
    listening = listen("127.0.0.1", 0)
    house = House(listening.getsockname()[1], Till())
    app = application(house.till, house.popular, lambda: house.trouble, house.visits)
    server = Server(uvicorn.Config(app, log_config=None, access_log=False, lifespan="off"), listening)
    server.start()
    yield house
    server.leave()


@pytest.fixture
def house(opened: House) -> House:
    opened.sold, opened.trouble, opened.till.trouble = [], "", None
    opened.till.taken.clear()
    return opened


class Reader(HTMLParser):
    """What a browser would make of a page: its links, elements and forms' fields."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    def links(self) -> list[str | None]:
        return [attributes["href"] for tag, attributes in self.elements if tag == "a"]


def test_from_the_states_to_a_product_and_its_order(house: House) -> None:
    house.sold = [(ARTICLES[7].name, 12.0), ("something of another shop", 3.0)]
    state = next(iter(house.till.shop.stores))
    status, text = house.get("/")
    assert status == 200
    assert f"/states/{state}" in Reader(text).links()
    status, text = house.get(f"/states/{state}")
    page = Reader(text)
    assert status == 200
    assert page.links()[1] == f"/products/7?state={state}"
    assert "something of another shop" in page.text
    status, text = house.get(f"/products/7?state={state}")
    assert status == 200
    fields = {a["name"]: a for tag, a in Reader(text).elements if tag in ("input", "select") and "name" in a}
    assert set(fields) == {"products", "state", "amount", "customer"}
    assert [a for tag, a in Reader(text).elements if tag == "option" and "selected" in a] == [
        {"selected": ""}
    ]
    status, text = house.order(products=7, state=state, amount=2, customer=5)
    assert status == 201
    assert house.till.taken == [Order(state, 5, (7, 7))]
    assert "Thank you" in Reader(text).text


def test_a_program_orders_with_json(house: House) -> None:
    state = next(iter(house.till.shop.stores))
    wanted = {"state": state, "customer": 1, "products": [3, 4]}
    status, text = house.ask("POST", "/orders", json.dumps(wanted), "application/json")
    told = json.loads(text)
    assert (status, house.till.taken) == (201, [Order(state, 1, (3, 4))])
    assert (told["topic"], told["partition"], told["offset"], told["order"]) == (
        f"transactions.{state}",
        0,
        41,
        3,
    )


def test_hostile_names_are_text(house: House) -> None:
    house.sold = [(HOSTILE, 5.0)]
    state = next(iter(house.till.shop.stores))
    for text in (
        house.get(f"/states/{state}")[1],
        pages.popular(state, None, HOSTILE).decode(),
        house.get(f"/products/1?state={state}&{urlencode({'state': HOSTILE})}")[1],
        house.get("/states/%3Cscript%3E")[1],
        house.ask("POST", "/orders", urlencode({"state": HOSTILE}))[1],
    ):
        page = Reader(text)
        assert not {"script", "img"} & {tag for tag, _ in page.elements}
        assert not any(name.startswith("on") for _, attributes in page.elements for name in attributes)
    assert HOSTILE in "".join(Reader(pages.popular(state, [(HOSTILE, 1)]).decode()).text)


@given(st.text(), st.text())
def test_whatever_the_text_it_comes_back_as_text(text: str, value: str) -> None:
    page = Reader(element("p", element("b", text, title=value), text))
    shown = [(tag, attributes) for tag, attributes in page.elements]
    plain = value.replace("\r\n", "\n").replace("\r", "\n")
    assert [tag for tag, _ in shown] == ["p", "b"]
    assert list(shown[1][1]) == ["title"]
    assert isinstance(element("p"), Html)
    assert (shown[1][1]["title"] or "").replace("\r\n", "\n").replace("\r", "\n") == plain


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", FORM),
        (b"{", "application/json"),
        (b"[]", "application/json"),
        (b"[" * 10_000, "application/json"),
        (b"\xff", "application/json"),
        (b"\xff", FORM),
        (b"state=CA&products=1&customer=0&amount=0", FORM),
        (b"state=CA&products=1&customer=0&amount=1000000000", FORM),
        (b"products=1" + b"&products=1" * 1000, FORM),
        (b"x" * (BODY_BYTES + 1), FORM),
        (b'{"state": "CA", "customer": 1e400, "products": [1]}', "application/json"),
    ],
)
def test_what_is_no_order_is_a_bad_request(house: House, body: bytes, kind: str) -> None:
    status, text = house.ask("POST", "/orders", body, kind)
    assert (status, house.till.taken) == (400, [])
    assert "order" in text


def test_kafka_that_takes_no_orders_is_another_answer(house: House) -> None:
    house.till.trouble = NotTaken("placing an order", "Kafka has acknowledged nothing for 9 s")
    state = next(iter(house.till.shop.stores))
    status, text = house.order(products=7, state=state, amount=1, customer=5)
    assert status == 503
    assert "acknowledged nothing for 9 s" in text


def test_without_redis_everything_can_still_be_bought(house: House) -> None:
    house.sold = Unreachable("asking Redis what is popular", "refused")
    state = next(iter(house.till.shop.stores))
    status, text = house.get(f"/states/{state}")
    assert status == 503
    assert "refused" in text
    assert len([link for link in Reader(text).links() if link and "/products/" in link]) == len(ARTICLES)


@pytest.mark.parametrize(
    "path", ["/states/XX", f"/products/{len(ARTICLES)}", "/products/-1", "/nothing", "/orders"]
)
def test_what_there_is_not(house: House, path: str) -> None:
    assert house.get(path)[0] in (404, 405)


def test_probes_tell_trouble_and_are_no_visits(house: House) -> None:
    before = house.visits.count
    assert (house.get("/ready"), house.get("/healthz")) == ((200, "ok\n"), (200, "ok\n"))
    house.trouble = "the shop is closing"
    assert house.get("/ready") == (503, "the shop is closing\n")
    house.get("/")
    assert house.visits.count == before + 1
