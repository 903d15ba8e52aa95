"""The observer's HTTP server, over real HTTP."""

from __future__ import annotations

import gzip
import http.client
import json
from collections.abc import Iterator

import pytest
from prometheus_client.parser import text_string_to_metric_families

from kapture_tui.model.errors import Unreachable
from kapture_tui.model.snapshot import KafkaView, ObserverReport
from kapture_tui.model.wire import from_wire
from kapture_tui.workload.control import Order
from kapture_tui.workload.observer.report import Published
from kapture_tui.workload.observer.serve import HEALTHY_S, ORDER_BYTES, ReportServer


def report(seq: int) -> ObserverReport:
    return ObserverReport(f"tick {seq}", seq, KafkaView(brokers=seq), unavailable={"redis": "not deployed"})


class Clock:
    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def server(clock: Clock) -> Iterator[ReportServer]:
    server = ReportServer("127.0.0.1", 0, Published(report(0)), clock)
    yield server
    server.close()


@pytest.fixture
def given(server: ReportServer) -> list[Order]:
    """What was passed on to the loaders."""
    orders: list[Order] = []
    server.give = orders.append
    return orders


class Client:
    """One connection that stays open, as the supervisor's does."""

    def __init__(self, server: ReportServer) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)

    def get(self, path: str, method: str = "GET", **headers: str) -> tuple[http.client.HTTPResponse, bytes]:
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        self.connection.request(method, path, headers=names)
        response = self.connection.getresponse()
        return response, response.read()

    def post(self, body: bytes, path: str = "/control", **headers: str) -> tuple[int, str]:
        """The answer's status and text."""
        self.connection.request(
            "POST", path, body, {n.replace("_", "-"): value for n, value in headers.items()}
        )
        response = self.connection.getresponse()
        return response.status, response.read().decode()


@pytest.fixture
def client(server: ReportServer) -> Iterator[Client]:
    client = Client(server)
    yield client
    client.connection.close()


def test_the_newest_report_packed_or_plain(server: ReportServer, client: Client) -> None:
    for seq in (0, 1, 2):
        if seq:
            server.publish(Published(report(seq)))
        response, packed = client.get("/report", Accept_Encoding="deflate, gzip;q=0.5")
        assert (response.status, response.headers["Content-Encoding"]) == (200, "gzip")
        assert response.headers["Content-Type"] == "application/json"
        assert from_wire(ObserverReport, json.loads(gzip.decompress(packed))) == report(seq)
        response, plain = client.get("/report?plain", Accept_Encoding="gzip;q=0")
        assert response.headers["Content-Encoding"] is None
        assert plain == gzip.decompress(packed)


def test_what_is_known_is_not_sent_again(server: ReportServer, client: Client) -> None:
    tag = client.get("/report")[0].headers["ETag"]
    for known in (tag, f'"other", W/{tag}', "*"):
        response, body = client.get("/report", If_None_Match=known)
        assert (response.status, body, response.headers["ETag"]) == (304, b"", tag)
    assert client.get("/report", If_None_Match='"other"')[0].status == 200
    server.publish(Published(report(1)))
    response, body = client.get("/report", If_None_Match=tag)
    assert (response.status, json.loads(body)["seq"]) == (200, 1)
    assert response.headers["ETag"] != tag


def test_a_restarted_observer_does_not_reuse_tags(server: ReportServer, client: Client) -> None:
    other = ReportServer("127.0.0.1", 0, Published(report(0)))
    try:
        assert client.get("/report")[0].headers["ETag"] != Client(other).get("/report")[0].headers["ETag"]
    finally:
        other.close()


def test_metrics(server: ReportServer, client: Client) -> None:
    server.publish(Published(report(5)))
    response, body = client.get("/metrics")
    assert response.headers["Content-Type"].startswith("text/plain")
    families = {family.name: family for family in text_string_to_metric_families(body.decode())}
    assert families["kapture_kafka_brokers"].samples[0].value == 5
    response, body = client.get("/metrics", Accept="application/openmetrics-text; version=1.0.0")
    assert response.headers["Content-Type"].startswith("application/openmetrics-text")
    assert body.endswith(b"# EOF\n")


def test_health_is_that_it_ticks(server: ReportServer, client: Client, clock: Clock) -> None:
    clock.now_s = HEALTHY_S
    assert client.get("/healthz")[0].status == 200
    clock.now_s += 1
    response, body = client.get("/healthz")
    assert (response.status, body) == (503, b"no tick for 11 s\n")
    server.publish(Published(report(1)))
    assert client.get("/healthz")[0].status == 200


def test_head_and_unknown_paths(client: Client) -> None:
    response, body = client.get("/report", method="HEAD", Accept_Encoding="gzip")
    assert (response.status, body) == (200, b"")
    assert int(response.headers["Content-Length"]) > 0
    response, body = client.get("/")
    assert (response.status, b"/report" in body) == (404, True)
    assert client.get("/healthz")[0].status == 200  # the connection survived all of it


def test_an_order_is_passed_on(given: list[Order], client: Client) -> None:
    assert client.post(b'{"rate": 20, "paused": false}') == (204, "")
    assert client.post(b'{"paused": true, "rate": null}') == (204, "")
    assert given == [Order(20.0), Order(None, paused=True)]
    assert client.get("/healthz")[0].status == 200  # the connection survived it


def test_an_order_in_chunks(given: list[Order], client: Client) -> None:
    # So it comes from an API server that does not know how long it is.
    body = iter([b'{"rate": 1.5, ', b'"paused": ', b"true}"])
    client.connection.request("POST", "/control", body, {"Transfer-Encoding": "chunked"}, encode_chunked=True)
    response = client.connection.getresponse()
    assert (response.status, response.read(), given) == (204, b"", [Order(1.5, paused=True)])
    assert client.get("/healthz")[0].status == 200


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "char 0"),
        (b"fast", "line 1"),
        (b"[]", ""),
        (b"{}", "paused and rate missing"),
        (b'{"paused": true}', "rate missing"),
        (b'{"rate": 5}', "paused missing"),
        (b'{"rate": "5", "paused": false}', ""),
        (b'{"rate": 0, "paused": false}', "to send nothing, pause the loaders"),
        (b'{"rate": -1, "paused": false}', "must be more than 0"),
    ],
)
def test_what_is_no_order_is_refused(given: list[Order], client: Client, body: bytes, why: str) -> None:
    status, text = client.post(body)
    assert (status, given) == (400, [])
    assert why in text
    assert client.get("/healthz")[0].status == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Length": "-1"},
        {"Content-Length": "many"},
        {"Content-Length": str(ORDER_BYTES + 1)},
        {"Transfer-Encoding": "chunked"},
    ],
)
def test_an_order_without_end_is_not_read(
    given: list[Order], client: Client, headers: dict[str, str]
) -> None:
    client.connection.putrequest("POST", "/control")
    for name, value in headers.items():
        client.connection.putheader(name, value)
    client.connection.endheaders()
    client.connection.send(b"%x\r\n" % (ORDER_BYTES + 1))
    assert client.connection.getresponse().status == 400
    assert given == []


def test_kafka_that_is_away_is_another_answer(server: ReportServer, client: Client) -> None:
    def give(order: Order) -> None:
        raise Unreachable("sending an order to the loaders", "kafka:9092: Connection refused")

    server.give = give
    status, text = client.post(b'{"rate": 20, "paused": false}')
    assert (status, text) == (503, "sending an order to the loaders: kafka:9092: Connection refused\n")


def test_orders_go_to_control_only(given: list[Order], client: Client) -> None:
    assert client.post(b'{"rate": 20, "paused": false}', "/report")[0] == 404
    assert given == []


def test_a_port_in_use_is_said_clearly(server: ReportServer) -> None:
    with pytest.raises(Unreachable, match=rf"listening on 127\.0\.0\.1:{server.port}: .*choose another port"):
        ReportServer("127.0.0.1", server.port, Published(report(0)))
