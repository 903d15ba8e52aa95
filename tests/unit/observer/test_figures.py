"""Figures that processes tell of themselves: what they look like under way, and how they add up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kapture_tui.model.histogram import Histogram
from kapture_tui.model.snapshot import ContainerUsage
from kapture_tui.model.wire import to_wire
from kapture_tui.workload.fastjson import dumps
from kapture_tui.workload.figures import Figures, FiguresPublisher, FiguresReport, decode, key_of
from kapture_tui.workload.kafka import Lane, OnDelivery
from kapture_tui.workload.observer.figures_watch import SILENT_S, FiguresBook, OwnContainer, Told, parts_of
from kapture_tui.workload.observer.flow import latency
from kapture_tui.workload.settings import Settings


class Outbox:
    """A producer that keeps what it is given."""

    def __init__(self) -> None:
        self.sent: list[tuple[bytes, bytes]] = []

    def lane(self, topic: str, partition: int, on_delivery: OnDelivery | None) -> Lane:
        assert (topic, partition) == ("kapture.figures", 0)

        def send(key: bytes | None, value: bytes, header: bytes | None, report: bool = True, /) -> bool:
            self.sent.append((key or b"", value))
            return True

        return send

    def poll(self, timeout_s: float) -> None: ...

    def in_flight(self) -> int:
        return 0

    def flush(self, timeout_s: float) -> int:
        return 0


class Stack:
    """Processes that tell, each by a clock of its own, and a book that hears it one second after the other."""

    def __init__(self) -> None:
        self.book = FiguresBook()
        self.now_s = 1000.0

    def tell(self, name: str, figures: Mapping[str, float | None], skew_s: float = 0.0, **more: Any) -> None:
        since_s = more.pop("since_s", 1.0)
        report = FiguresReport("webapp", name, since_s, self.now_s + skew_s, figures, **more)
        self.book.add(key_of("webapp", name), dumps(to_wire(report)), self.now_s)

    def webapp(self) -> Any:
        return self.book.parts(self.now_s)["webapp"]


def test_a_report_a_second_and_a_last_one_at_the_end() -> None:
    outbox, now = Outbox(), [5.0]
    publisher = FiguresPublisher(
        outbox, "spout", "spout-0", clock=lambda: now[0], wall=lambda: now[0] + 100.0
    )
    latencies = Histogram.of([1500])

    def told() -> Figures:
        return Figures({"orders_total": now[0], "behind_s": None}, {"latency": latencies}, {"b": "c"})

    for now[0] in (5.0, 5.5, 5.9, 6.0, 7.2):
        publisher.publish_due(told)
    now[0] = 7.3
    publisher.end(told)
    assert {key for key, _ in outbox.sent} == {b"spout/spout-0"}
    read = [report for _, value in outbox.sent if (report := decode(value))]
    assert [(report.time_s, report.ended) for report in read] == [
        (105.0, False),
        (106.0, False),
        (107.2, False),
        (107.3, True),
    ]
    figures = {"orders_total": 6.0, "behind_s": None}
    assert read[1] == FiguresReport(
        "spout", "spout-0", 105.0, 106.0, figures, {"latency": latencies}, {"b": "c"}
    )


def test_counters_become_rates_levels_the_highest_and_dots_nest() -> None:
    stack = Stack()
    for second in range(4):
        stack.now_s = 1000.0 + second
        # Clocks that are years apart: each process' rate goes by its own.
        stack.tell("a", {"routes.product.total": 10 * second, "behind_s": 0.5}, skew_s=-1e8)
        stack.tell("b", {"routes.product.total": 4 * second, "behind_s": 2.0}, skew_s=3600.0)
    product = {"per_s": pytest.approx(14.0), "total": 42}
    assert stack.webapp().figures == {"routes": {"product": product}, "behind_s": 2.0}


@given(st.lists(st.lists(st.integers(0, 10**7), max_size=30), min_size=1, max_size=4))
def test_latencies_of_several_processes_are_those_of_all_values_together(values: list[list[int]]) -> None:
    stack = Stack()
    for number, _ in enumerate(values):
        stack.tell(f"shoppers-{number}", {}, histograms={"latency": Histogram()})
    stack.now_s += 1
    for number, of_one in enumerate(values):
        stack.tell(f"shoppers-{number}", {}, histograms={"latency": Histogram.of(of_one)})
    together = Histogram.of(value for of_one in values for value in of_one)
    assert stack.webapp().figures == {
        "latency_ms": to_wire(latency(together.since(Histogram()))),
        "latency_run_ms": to_wire(latency(together)),
    }


def test_only_what_was_added_lately_counts() -> None:
    stack = Stack()
    stack.tell("a", {}, histograms={"latency": Histogram.of([10**6] * 100)})
    stack.now_s += 1
    stack.tell("a", {}, histograms={"latency": Histogram.of([10**6] * 100 + [1000])})
    figures = stack.webapp().figures
    assert figures["latency_ms"]["max"] < 2
    assert figures["latency_run_ms"]["p50"] == 1000.0


def test_a_process_that_is_silent_does_not_live() -> None:
    stack = Stack()
    for second in range(3):
        stack.now_s = 1000.0 + second
        stack.tell("a", {"total": 5 * second})
        stack.tell("b", {"total": 7 * second})
    assert stack.webapp().figures == {"per_s": pytest.approx(12.0), "total": 24}
    for second in range(3, 10):
        stack.now_s = 1000.0 + second
        stack.tell("a", {"total": 5 * second})
    assert stack.webapp().figures == {"per_s": pytest.approx(5.0), "total": 45 + 14}
    stack.now_s += SILENT_S + 0.1
    assert stack.book.parts(stack.now_s) == {}
    assert parts_of(Told(stack.book.parts(stack.now_s)), "")["webapp"][0] is None


def test_what_has_ended_in_order_keeps_what_it_counted() -> None:
    stack = Stack()
    for second in range(3):
        stack.now_s = 1000.0 + second
        stack.tell("a", {"total": 5 * second, "behind_s": 0.0})
    latencies = {"latency": Histogram.of([2000])}
    stack.tell("a", {"total": 11, "behind_s": 0.0}, 0.1, histograms=latencies, ended=True)
    stack.now_s += 1000
    told = stack.webapp()
    assert (told.figures["per_s"], told.figures["total"]) == (0.0, 11)
    assert told.figures["latency_ms"] == to_wire(latency(Histogram()))
    assert told.figures["latency_run_ms"]["max"] == 2.0
    assert told.figures["behind_s"] is None
    assert told.unavailable == {"behind_s": "its processes have ended"}


def test_another_process_of_the_same_name_counts_from_its_own_beginning() -> None:
    stack = Stack()
    for second in range(3):
        stack.now_s = 1000.0 + second
        stack.tell("a", {"total": 1000 * second})
    stack.now_s += SILENT_S + 1
    stack.tell("a", {"total": 3}, since_s=2.0)
    first = stack.webapp()
    assert first.figures == {"per_s": None, "total": 2003}
    assert first.unavailable == {"per_s": "told only once so far"}
    stack.now_s += 1
    stack.tell("a", {"total": 5}, since_s=2.0)
    assert stack.webapp().figures == {"per_s": pytest.approx(2.0), "total": 2005}


def test_what_nobody_knows_has_its_reason() -> None:
    stack = Stack()
    stack.tell("a", {"behind_s": None}, unavailable={"behind_s": "the table is empty"})
    assert stack.webapp().unavailable == {"behind_s": "the table is empty"}
    stack.tell("b", {"behind_s": 0.0})
    assert (stack.webapp().figures, stack.webapp().unavailable) == ({"behind_s": 0.0}, {})


@pytest.mark.parametrize("value", [b"x", b"[]", b"{}", b'{"part": 5}', b"\xff"])
def test_what_is_no_report_is_passed_over(value: bytes) -> None:
    stack = Stack()
    stack.tell("a", {"behind_s": 1.0})
    stack.book.add(b"webapp/a", value, stack.now_s)
    stack.book.add(None, value, stack.now_s)
    assert stack.webapp().figures == {"behind_s": 1.0}


def test_containers_are_told_by_pod_and_one_without_a_limit_is_not_held_back() -> None:
    stack = Stack()
    for second in range(4):
        stack.now_s = 1000.0 + second
        for name, limited in (("etl-0", True), ("etl-1", False)):
            figures: dict[str, float | None] = {
                "network_bytes_total": 5000.0 * second,
                "disk_bytes_total": None,
                "periods_total": 10.0 * second if limited else 0.0,
                "throttled_total": 4.0 * second if limited else 0.0,
                "cpu_seconds_total": 0.25 * second,
            }
            report = FiguresReport("container", name, 1.0, stack.now_s, figures)
            stack.book.add(key_of("container", name), dumps(to_wire(report)), stack.now_s)
    assert stack.book.containers(stack.now_s) == {
        "etl-0": ContainerUsage(5000.0, None, 0.4, 0.25),
        "etl-1": ContainerUsage(5000.0, None, None, 0.25),
    }
    assert stack.book.containers(stack.now_s + SILENT_S + 1) == {}


def test_the_observer_tells_its_own_container_and_none_where_it_is_not_alone() -> None:
    seconds, settings = iter(range(9)), Settings("observer-0", "r1", "", contained=True)
    counted = iter((70.0, 140.0))

    def read() -> Figures:
        return Figures({"network_bytes_total": next(counted), "disk_bytes_total": 0.0})

    own = OwnContainer(settings, lambda: next(seconds), read)
    assert own() == {"observer-0": ContainerUsage(None, None, None)}
    assert own() == {"observer-0": ContainerUsage(70.0, 0.0, None)}
    assert OwnContainer(replace(settings, contained=False))() == {}
