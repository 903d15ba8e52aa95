"""The limit line: each rule has a stack it holds for, and says so with its evidence."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kapture_tui.model.snapshot import (
    FlowView,
    GroupFlow,
    GroupLag,
    KafkaView,
    Latency,
    Limit,
    PodRow,
    RedisView,
    RunInfo,
    Snapshot,
    TopicView,
)
from kapture_tui.model.wire import to_wire
from kapture_tui.telemetry.limits import LimitWatch
from kapture_tui.telemetry.limits.rules import NO_LIMIT, RULES, SIGNS

PAGE = (Path(__file__).parents[3] / "docs" / "limits.md").read_text(encoding="utf-8")

WELL = {"etl": GroupLag(40, 1000.0, 0.1), "etl-elasticsearch": GroupLag(90, 1000.0, 0.3)}


def snapshot(
    groups: dict[str, GroupLag] = WELL,
    *,
    flow: dict[str, Any] | None = None,
    pods: tuple[PodRow, ...] = (),
    second: int = 10,
    **parts: Any,
) -> Snapshot:
    """A stack on schedule at 1,000 messages a second, but for what a test says."""
    values: dict[str, Any] = {"mode": "open loop", "loader_slip_s": 0.0, "ack_latency_ms": Latency(p99=8.0)}
    return Snapshot(
        time=f"2026-01-02T17:00:{second:02}.000Z",
        run=RunInfo("pets", run_id="r1"),
        kafka=KafkaView(1, total=TopicView(51, 5000, 1000.0, groups)),
        flow=FlowView(groups={name: GroupFlow() for name in groups}, **{**values, **(flow or {})}),
        pods=pods,
        **parts,
    )


def pod(component: str, number: int = 0, **figures: Any) -> PodRow:
    return PodRow(f"{component}-{number}", component, "Running", **{"ready": True, **figures})


def limit(*seen: Snapshot) -> Limit:
    """What is said after these Snapshots."""
    watch = LimitWatch()
    found = [watch.look(snapshot) for snapshot in seen][-1]
    assert found is not None
    return found


def behind(lag_s: float, lag: int = 9000) -> dict[str, GroupLag]:
    """The Elasticsearch sink is late."""
    return {**WELL, "etl-elasticsearch": GroupLag(lag, 1000.0, lag_s)}


def growing(lag_s: float, per_s: int, **values: Any) -> tuple[Snapshot, Snapshot]:
    """The Elasticsearch sink is late, and has become so in ten seconds."""
    return snapshot(behind(lag_s, 0), second=0, **values), snapshot(behind(lag_s, 10 * per_s), **values)


def test_the_sentence_of_the_handbook() -> None:
    then, now = growing(9.1, 300)
    found = limit(
        replace(then, elasticsearch={"rejected": 70, "index_per_s": 970.0, "heap_ratio": 0.91}),
        replace(now, elasticsearch={"rejected": 370, "index_per_s": 970.0, "heap_ratio": 0.91}),
    )
    assert found.text == (
        "etl-elasticsearch is falling behind: elasticsearch rejects 3.0 %, heap 91 %, its lag grows by 300/s"
    )
    assert (found.rule, found.subject) == ("group.falls-behind", "etl-elasticsearch")
    assert [(e.subject, e.figure, round(e.value, 3)) for e in found.evidence] == [
        ("elasticsearch", "rejected_ratio", 0.03),
        ("elasticsearch", "heap_ratio", 0.91),
        ("etl-elasticsearch", "lag_growth_per_s", 300.0),
    ]


EXAMPLES = {
    "group.holds": (
        (
            snapshot(
                behind(1.2),
                flow={"mode": "closed loop", "limited_by": "12 partitions wait for etl-elasticsearch"},
                pods=(pod("etl-elasticsearch", cpu_cores=0.98), pod("etl-elasticsearch", 1, cpu_cores=0.5)),
            ),
        ),
        "etl-elasticsearch holds the loaders back: etl-elasticsearch-0 uses 98 % of its core, 1.2 s late",
    ),
    "group.falls-behind": (
        growing(25.0, 100, pods=(pod("etl-elasticsearch", throttled_ratio=0.4),)),
        "etl-elasticsearch is falling behind: etl-elasticsearch-0 is throttled in 40 % of the time,"
        " its lag grows by 100/s, 25 s late",
    ),
    "group.behind": (
        growing(25.0, -300),
        "etl-elasticsearch is behind, and catching up: 25 s late",
    ),
    "kafka.slow": (
        (
            snapshot(
                flow={"ack_latency_ms": Latency(p99=2900.0), "loader_slip_s": 0.2},
                pods=(pod("kafka", cpu_cores=1.9, cpu_limit=2.0), pod("kafka", 1, ready=False)),
            ),
        ),
        "kafka is slow to answer: p99 of acknowledgements 2,700 ms, 1 of its brokers away,"
        " kafka-0 uses 95 % of its CPU limit",
    ),
    "loaders.late": (
        (
            snapshot(
                flow={"loader_slip_s": 12.0, "ack_latency_ms": Latency(p99=12_100.0)},
                pods=(pod("data-loader", cpu_cores=1.01),),
            ),
        ),
        "the loaders are late: 12 s behind schedule, data-loader-0 uses 101 % of its core",
    ),
    "webapp.refuses": (
        (
            snapshot(
                webapp={
                    "behind_s": 0.1,
                    "routes": {
                        "popular": {"per_s": 6.0, "errors_per_s": 0.0, "latency_ms": {"p99": 12.0}},
                        "order": {"per_s": 2.0, "errors_per_s": 0.4, "latency_ms": {"p99": 900.0}},
                    },
                },
                pods=(pod("webapp", cpu_cores=0.5),),
            ),
        ),
        "the shop fails its visitors: 5.0 % of the visits fail, p99 of the slowest page 900 ms",
    ),
    "webapp.late": (
        (
            snapshot(
                webapp={"behind_s": 3.2, "routes": {"order": {"per_s": None, "latency_ms": {"p99": None}}}},
                pods=(pod("webapp", cpu_cores=0.99),),
            ),
        ),
        "the shop keeps its visitors waiting: the next one waits 3.2 s, webapp-0 uses 99 % of its core",
    ),
    "spout.behind": (
        (snapshot(spout={"behind_s": 41.0}, pods=(pod("spout", cpu_cores=0.2, throttled_ratio=0.3),)),),
        "the spout is behind: orders come back after 41 s, spout-0 is throttled in 30 % of the time",
    ),
    "loaders.busy": (
        (
            snapshot(
                flow={"mode": "unbounded", "loader_slip_s": None}, pods=(pod("data-loader", cpu_cores=0.4),)
            ),
        ),
        "the loaders send as fast as they can, and all follow",
    ),
    NO_LIMIT: (
        (snapshot(pods=(pod("data-loader", cpu_cores=0.39), pod("data-loader", 1, cpu_cores=0.2))),),
        "nothing is short: all groups within 0.3 s, the loaders have 61 % of a core to spare",
    ),
}


@pytest.mark.parametrize("rule", EXAMPLES)
def test_every_rule_has_its_stack(rule: str) -> None:
    seen, text = EXAMPLES[rule]
    assert (limit(*seen).rule, limit(*seen).text) == (rule, text)


def test_no_rule_is_without_an_example() -> None:
    assert set(EXAMPLES) == {rule.id for rule in RULES} | {NO_LIMIT}


@pytest.mark.parametrize(
    ("database", "figures", "usage", "said"),
    [
        (
            "postgres",
            {"cache_hit_ratio": 0.8},
            {"cpu_cores": 1.94},
            "postgres-0 uses 1.9 cores, postgres has 20 %",
        ),
        (
            "postgres",
            {"cache_hit_ratio": 0.99},
            {"cpu_cores": 1.9, "cpu_limit": 2.0},
            "postgres-0 uses 95 % of its CPU",
        ),
        ("mongo", {"inserts_per_s": 300.0}, {"cpu_cores": 0.9}, "mongo-0 uses 0.9 cores"),
        ("mongo", {}, {"memory_bytes": 97, "memory_limit": 100}, "mongo-0 uses 97 % of its memory"),
        ("redis", {"ops_per_s": 9.0}, {"cpu_cores": 0.97, "cpu_limit": 4.0}, "redis-0 uses 97 % of its CPU"),
        ("redis", {}, {"cpu_cores": 0.5}, "its lag grows by 300/s"),
    ],
)
def test_what_is_said_of_a_database(
    database: str, figures: dict[str, float], usage: dict[str, float], said: str
) -> None:
    name = f"etl-{database}"
    lags = ({name: GroupLag(0, 900.0, 9.1)}, {name: GroupLag(3000, 900.0, 9.1)})
    parts = {
        "pods": (pod(database, **usage),),
        database: RedisView(**figures) if database == "redis" else figures,
    }
    found = limit(*(snapshot(lag, second=10 * n, **parts) for n, lag in enumerate(lags)))
    assert said in found.text
    assert found.subject == name


def test_a_stack_without_shop_and_spout_has_no_word_of_them() -> None:
    late = snapshot(webapp={"behind_s": 9.0}, spout={"behind_s": 90.0})
    assert limit(late).subject == "webapp"
    assert limit(replace(late, webapp=None)).subject == "spout"
    assert limit(replace(late, webapp=None, spout=None)).rule == NO_LIMIT


def test_what_is_furthest_down_the_stream_comes_first() -> None:
    slow = {"loader_slip_s": 9.0, "ack_latency_ms": Latency(p99=60_000.0)}
    assert limit(*growing(25.0, 500, flow=slow)).subject == "etl-elasticsearch"


def test_of_several_groups_the_latest_is_named() -> None:
    both = {"etl": GroupLag(1, 500.0, 40.0), "etl-elasticsearch": GroupLag(1, 500.0, 20.0)}
    assert limit(snapshot(both)).subject == "etl"


@pytest.mark.parametrize(
    ("lags_s", "rule"),
    [
        ((8.0,), NO_LIMIT),
        ((12.0,), "group.behind"),
        ((12.0, 6.0), "group.behind"),  # 9 s on average, which is less than 10 and more than 7
        ((12.0, 1.0), NO_LIMIT),
    ],
)
def test_a_rule_that_held_holds_on_for_a_while(lags_s: tuple[float, ...], rule: str) -> None:
    seen = [snapshot(behind(lag_s), second=second) for second, lag_s in enumerate(lags_s)]
    assert limit(*seen).rule == rule


def test_one_second_is_no_limit() -> None:
    """Loaders wait for a moment, now for this and now for that one; it takes three seconds of ten to be a limit."""
    waits = {"mode": "closed loop", "limited_by": "1 partition waits for etl"}
    moments = [snapshot(flow=waits if second in (3, 7) else {}, second=second) for second in range(10)]
    assert limit(*moments).rule == NO_LIMIT
    moments[5] = snapshot(flow=waits, second=5)
    assert limit(*moments).subject == "etl"


def test_what_was_long_ago_does_not_count() -> None:
    late = [snapshot(behind(100.0), second=second) for second in range(5)]
    assert limit(*late, snapshot(second=16)).rule == NO_LIMIT


def test_another_run_begins_anew() -> None:
    other = replace(snapshot(second=1), run=RunInfo("pets", run_id="another"))
    assert limit(snapshot(behind(100.0), second=0), other).rule == NO_LIMIT


def test_a_clock_that_was_set_back_begins_anew() -> None:
    assert limit(snapshot(behind(100.0), second=30), snapshot(second=1)).rule == NO_LIMIT


def test_without_a_report_there_is_no_answer() -> None:
    assert LimitWatch().look(Snapshot()) is None
    assert LimitWatch().look(replace(snapshot(), flow=None)) is None


@pytest.mark.parametrize(
    ("mode", "text"), [("paused", "the loaders are paused"), (None, "no loader is running")]
)
def test_without_a_load_nothing_is_short(mode: str | None, text: str) -> None:
    assert limit(snapshot(flow={"mode": mode})).text == text


def test_loaders_that_wait_say_for_whom() -> None:
    said = limit(snapshot(flow={"mode": "waiting", "limited_by": "what does not read yet: etl-redis"}))
    assert (said.rule, said.text) == (NO_LIMIT, "the loaders wait for what does not read yet: etl-redis")


def rejecting(first: int, then: int, **figures: Any) -> str:
    """What is said of a group that falls behind while its database has rejected so many."""
    seen = growing(9.0, 500)
    return limit(
        *(
            replace(s, elasticsearch={"rejected": n, **figures})
            for s, n in zip(seen, (first, then), strict=True)
        )
    ).text


def test_a_count_that_begins_anew_is_no_rejection() -> None:
    assert "rejects" not in rejecting(900, 3, index_per_s=5.0)


def test_without_a_rate_of_what_was_done_rejections_are_told_as_they_are() -> None:
    assert "elasticsearch rejects 30/s" in rejecting(5, 305)


numbers = st.none() | st.floats(-1e9, 1e9) | st.integers(-5, 5)
visits = st.fixed_dictionaries({"per_s": numbers, "errors_per_s": numbers, "latency_ms": st.none()})
lags = st.builds(GroupLag, numbers, numbers, numbers)


@given(
    st.dictionaries(st.sampled_from(["etl", "etl-elasticsearch", "etl-new"]), lags),
    st.fixed_dictionaries(
        {
            "mode": st.sampled_from([None, "paused", "waiting", "unbounded", "closed loop", "open loop"]),
            "loader_slip_s": numbers,
        }
    ),
    st.dictionaries(
        st.sampled_from(["rejected", "index_per_s", "heap_ratio", "health"]),
        numbers | st.text() | st.booleans(),
    ),
    st.lists(
        st.builds(pod, st.sampled_from(["etl", "kafka", "data-loader"]), cpu_cores=numbers, cpu_limit=numbers)
    ),
    st.none()
    | st.fixed_dictionaries(
        {
            "behind_s": numbers | st.text(),
            "routes": st.none() | st.dictionaries(st.text(), st.none() | visits),
        }
    ),
)
def test_whatever_is_known_there_is_a_sentence(
    groups: Any, flow: Any, database: Any, pods: Any, webapp: Any
) -> None:
    now = snapshot(groups, flow=flow, elasticsearch=database, pods=tuple(pods), webapp=webapp, spout=webapp)
    for found in (limit(now), limit(snapshot(second=8), now)):
        assert found.text
        assert found.rule in EXAMPLES
        assert bool(found.subject) is (found.rule != NO_LIMIT)
        json.dumps(to_wire(found))


def test_the_documentation_has_every_rule_and_sign() -> None:
    for rule in RULES:
        needs = " and ".join(f"`{name}` ≥ {least:g}" for name, least in rule.needs)
        assert f"| `{rule.id}` | {rule.role} | {needs} | {rule.says} |" in PAGE
    for sign in SIGNS:
        assert f"| {sign.role} | `{sign.figure}` | {sign.at_least:g} | {sign.says} |" in PAGE
