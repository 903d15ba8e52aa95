"""The report of a tick: what is there, and the reasons for what is not."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import pytest

from kapture_tui.model.ledger import GroupHalf, Ledger, LoaderHalf, LoaderState
from kapture_tui.model.snapshot import (
    FlowView,
    KafkaView,
    LoaderRow,
    ObserverReport,
    RedisView,
    Sale,
    StateSales,
)
from kapture_tui.model.wire import from_wire, to_wire
from kapture_tui.workload.observer.figures_watch import Told
from kapture_tui.workload.observer.kafka_watch import KafkaPart, drained_partitions, is_drained
from kapture_tui.workload.observer.report import Published, assemble
from kapture_tui.workload.observer.service import Observer
from kapture_tui.workload.observer.source import Source
from kapture_tui.workload.sinks import Statistics

T = TypeVar("T")

KAFKA = KafkaPart(
    KafkaView(brokers=3),
    FlowView(acked_per_s=5.0),
    Ledger(attempted=7, acked=6),
    (LoaderRow("data-loader-0", "live"),),
    True,
    {},
    {"lag_s": "vague"},
)
SALES = {"MA": StateSales(3, latest=(Sale(7, 0),))}
REDIS = Statistics({"keys": 4}, {"MA": ("Kibble",)}, sales=SALES)


def test_everything_is_there() -> None:
    report = assemble(0.5, 3, (KAFKA, ""), {"redis": (REDIS, "")})
    assert (report.time, report.seq, report.drained) == ("1970-01-01T00:00:00.500Z", 3, True)
    assert (report.kafka, report.flow, report.ledger) == (KAFKA.kafka, KAFKA.flow, KAFKA.ledger)
    assert (report.redis, report.popular, report.loaders) == (RedisView(keys=4), REDIS.popular, KAFKA.loaders)
    assert report.sales == SALES
    assert report.unavailable == {"lag_s": "vague"}
    assert from_wire(ObserverReport, to_wire(report)) == report


@pytest.mark.parametrize("redis", [None, (REDIS, ""), (None, "refused")])
def test_without_kafka_the_rest_is_there(redis: tuple[Statistics | None, str] | None) -> None:
    report = assemble(0.0, 1, (None, "no route"), {"redis": redis} if redis else {})
    assert (report.kafka, report.flow, report.ledger, report.loaders, report.drained) == (
        None,
        None,
        None,
        (),
        False,
    )
    assert {report.unavailable[part] for part in ("kafka", "flow", "ledger")} == {"no route"}
    assert (report.redis is not None) == ("redis" not in report.unavailable)


def test_databases_stand_under_their_names_and_those_from_outside_apart() -> None:
    found = {
        "postgres": (
            Statistics({"rows": 7, "size_bytes": None}, unavailable={"size_bytes": "not allowed"}),
            "",
        ),
        "paper": (Statistics({"lines": 3}), ""),
        "mongo": (None, "refused"),
    }
    report = assemble(0.0, 1, (KAFKA, ""), found)
    assert (report.postgres, report.mongo) == ({"rows": 7, "size_bytes": None}, None)
    assert report.databases == {"paper": {"lines": 3}}
    assert (report.unavailable["postgres.size_bytes"], report.unavailable["mongo"]) == (
        "not allowed",
        "refused",
    )
    assert from_wire(ObserverReport, to_wire(report)) == report


def test_without_redis_the_rest_is_there() -> None:
    away = assemble(0.0, 1, (KAFKA, ""), {"redis": (None, "refused")})
    none = assemble(0.0, 1, (KAFKA, ""), {})
    assert (away.redis, away.unavailable["redis"], away.unavailable["popular"]) == (
        None,
        "refused",
        "refused",
    )
    assert (none.redis, none.unavailable["redis"]) == (None, "not deployed")
    assert away.kafka == none.kafka == KAFKA.kafka


def test_what_is_popular_comes_from_redis_or_from_whoever_knows() -> None:
    other = Statistics({"docs": 7}, {"TX": ("c",)})
    for order in (["elasticsearch", "redis"], ["redis", "elasticsearch"]):
        found = {"redis": (REDIS, ""), "elasticsearch": (other, "")}
        assert assemble(0.0, 1, (KAFKA, ""), {n: found[n] for n in order}).popular == REDIS.popular
    for redis in ({"redis": (None, "refused")}, {}):
        report = assemble(0.0, 1, (KAFKA, ""), {"elasticsearch": (other, ""), **redis})
        assert report.popular == {"TX": ("c",)}
        assert "popular" not in report.unavailable


ENDS = {("transactions.MA", 0): 10, ("transactions.MA", 1): 5, ("transactions.WY", 0): 0}


class TestDrained:
    """Read to the end, and nothing more to come."""

    @staticmethod
    def halves(**offsets: int) -> dict[str, GroupHalf]:
        keys = {"ma0": "transactions.MA/0", "ma1": "transactions.MA/1", "wy0": "transactions.WY/0"}
        return {keys[k]: GroupHalf("etl", keys[k], "etl-0", offset, 0.0) for k, offset in offsets.items()}

    def test_partitions(self) -> None:
        assert drained_partitions({}, ENDS) == {"transactions.WY/0"}
        halves = self.halves(ma0=10, ma1=4, wy0=0)
        assert drained_partitions(halves, ENDS) == {"transactions.MA/0", "transactions.WY/0"}

    @pytest.mark.parametrize(
        ("loaders", "all_read", "drained"),
        [
            ([LoaderState.DONE], True, True),
            ([LoaderState.DONE, LoaderState.DEAD], True, True),
            ([LoaderState.DONE, LoaderState.LIVE], True, False),
            ([LoaderState.DONE], False, False),
            ([], True, False),
        ],
    )
    def test_run(self, loaders: list[LoaderState], all_read: bool, drained: bool) -> None:
        halves = [LoaderHalf(f"l{n}", f"{n}", 0, 0.0, state) for n, state in enumerate(loaders)]
        full = drained_partitions(self.halves(ma0=10, ma1=5), ENDS)
        other = full if all_read else drained_partitions(self.halves(ma0=10), ENDS)
        assert is_drained(halves, {"etl": full, "etl-redis": other}, len(ENDS)) is drained


def test_a_tick_asks_every_source_once_and_takes_what_there_is() -> None:
    def broken() -> KafkaPart:
        raise OSError("no route")

    published: list[Published] = []
    kafka, database = Source("Kafka", broken), Source("Redis", answer_once(REDIS))
    figures = Source("figures", answer_once(Told({"spout": Statistics({"orders_per_s": 2.5})})))
    observer = Observer(kafka, {"redis": database}, figures, published.append, wall=lambda: 1.0)
    observer.tick()
    for source in (kafka, database, figures):
        source.close()
    (only,) = published
    assert (only.report.spout, only.report.webapp) == ({"orders_per_s": 2.5}, None)
    assert "no process has told its figures" in only.report.unavailable["webapp"]
    assert (only.report.seq, only.report.redis, only.report.kafka) == (1, RedisView(keys=4), None)
    assert only.report.unavailable["kafka"] == "OSError: no route"
    assert only.sources == {"kafka": False, "redis": True}


def answer_once(part: T) -> Callable[[], T]:
    parts = iter([part])
    return lambda: next(parts)
