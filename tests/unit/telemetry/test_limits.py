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
    RunInfo,
    Snapshot,
    TopicView,
)
from kapture_tui.model.wire import to_wire
from kapture_tui.telemetry.limits import limit_of
from kapture_tui.telemetry.limits.figures import measured
from kapture_tui.telemetry.limits.rules import NO_LIMIT, RULES, SIGNS, STAYS

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


def limit(now: Snapshot, previous: Snapshot | None = None) -> Limit:
    found = limit_of(now, previous or Snapshot())
    assert found is not None
    return found


def behind(lag_s: float, out_per_s: float) -> dict[str, GroupLag]:
    """The Elasticsearch sink is late, and commits so much of 1,000 a second."""
    return {**WELL, "etl-elasticsearch": GroupLag(9000, out_per_s, lag_s)}


def test_the_sentence_of_the_handbook() -> None:
    then = snapshot(elasticsearch={"rejected": 70, "index_per_s": 970.0, "heap_ratio": 0.9}, second=9)
    now = snapshot(
        behind(9.1, 700.0), elasticsearch={"rejected": 100, "index_per_s": 970.0, "heap_ratio": 0.91}
    )
    found = limit(now, then)
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
        snapshot(
            behind(1.2, 1000.0),
            flow={"mode": "closed loop", "limited_by": "12 partitions wait for etl-elasticsearch"},
            pods=(pod("etl-elasticsearch", cpu_cores=0.98), pod("etl-elasticsearch", 1, cpu_cores=0.5)),
        ),
        "etl-elasticsearch holds the loaders back: etl-elasticsearch-0 uses 98 % of its core, 1.2 s late",
    ),
    "group.falls-behind": (
        snapshot(behind(25.0, 900.0), pods=(pod("etl-elasticsearch", throttled_ratio=0.4),)),
        "etl-elasticsearch is falling behind: etl-elasticsearch-0 is throttled in 40 % of the time,"
        " its lag grows by 100/s, 25 s late",
    ),
    "group.behind": (
        snapshot(behind(25.0, 1300.0)),
        "etl-elasticsearch is behind, and catching up: 25 s late",
    ),
    "kafka.slow": (
        snapshot(
            flow={"ack_latency_ms": Latency(p99=2900.0), "loader_slip_s": 0.2},
            pods=(pod("kafka", cpu_cores=1.9, cpu_limit=2.0), pod("kafka", 1, ready=False)),
        ),
        "kafka is slow to answer: p99 of acknowledgements 2,700 ms, 1 of its brokers away,"
        " kafka-0 uses 95 % of its CPU limit",
    ),
    "loaders.late": (
        snapshot(
            flow={"loader_slip_s": 12.0, "ack_latency_ms": Latency(p99=12_100.0)},
            pods=(pod("data-loader", cpu_cores=1.01),),
        ),
        "the loaders are late: 12 s behind schedule, data-loader-0 uses 101 % of its core",
    ),
    "loaders.busy": (
        snapshot(
            flow={"mode": "unbounded", "loader_slip_s": None}, pods=(pod("data-loader", cpu_cores=0.4),)
        ),
        "the loaders send as fast as they can, and all follow",
    ),
    NO_LIMIT: (
        snapshot(pods=(pod("data-loader", cpu_cores=0.39), pod("data-loader", 1, cpu_cores=0.2))),
        "nothing is short: all groups within 0.3 s, the loaders have 61 % of a core to spare",
    ),
}


@pytest.mark.parametrize("rule", EXAMPLES)
def test_every_rule_has_its_stack(rule: str) -> None:
    now, text = EXAMPLES[rule]
    assert (limit(now).rule, limit(now).text) == (rule, text)


def test_no_rule_is_without_an_example() -> None:
    assert set(EXAMPLES) == {rule.id for rule in RULES} | {NO_LIMIT}


def test_what_is_furthest_down_the_stream_comes_first() -> None:
    now = snapshot(behind(25.0, 500.0), flow={"loader_slip_s": 9.0, "ack_latency_ms": Latency(p99=60_000.0)})
    assert limit(now).subject == "etl-elasticsearch"


def test_of_several_groups_the_latest_is_named() -> None:
    both = {"etl": GroupLag(1, 500.0, 40.0), "etl-elasticsearch": GroupLag(1, 500.0, 20.0)}
    assert limit(snapshot(both)).subject == "etl"


@pytest.mark.parametrize(("lag_s", "held", "rule"), [(12.0, False, "group.behind"), (8.0, False, NO_LIMIT)])
def test_a_rule_that_held_holds_on_for_a_while(lag_s: float, held: bool, rule: str) -> None:
    assert limit(snapshot(behind(lag_s, 1000.0))).rule == rule
    before = replace(snapshot(second=9), limit=limit(EXAMPLES["group.behind"][0]))
    assert limit(snapshot(behind(8.0, 1000.0)), before).rule == "group.behind"
    assert limit(snapshot(behind(10 * STAYS - 0.1, 1000.0)), before).rule == NO_LIMIT
    other = replace(before, run=RunInfo("pets", run_id="another"))
    assert limit(snapshot(behind(8.0, 1000.0)), other).rule == NO_LIMIT


def test_without_a_report_there_is_no_answer() -> None:
    assert limit_of(Snapshot(), Snapshot()) is None
    assert limit_of(replace(snapshot(), flow=None), Snapshot()) is None


@pytest.mark.parametrize(
    ("mode", "text"), [("paused", "the loaders are paused"), (None, "no loader is running")]
)
def test_without_a_load_nothing_is_short(mode: str | None, text: str) -> None:
    assert limit(snapshot(flow={"mode": mode})).text == text


def test_a_count_that_begins_anew_is_no_rejection() -> None:
    then = snapshot(elasticsearch={"rejected": 900, "index_per_s": 5.0}, second=9)
    now = snapshot(elasticsearch={"rejected": 3, "index_per_s": 5.0})
    assert "rejected_ratio" not in measured(now, then)["database"]["elasticsearch"]


def test_without_a_rate_of_what_was_done_rejections_are_told_as_they_are() -> None:
    then, now = (
        snapshot(behind(9.0, 500.0), elasticsearch={"rejected": n}, second=s) for n, s in ((5, 8), (65, 10))
    )
    assert "elasticsearch rejects 30/s" in limit(now, then).text


numbers = st.none() | st.floats(-1e9, 1e9) | st.integers(-5, 5)
lags = st.builds(GroupLag, numbers, numbers, numbers)


@given(
    st.dictionaries(st.sampled_from(["etl", "etl-elasticsearch", "etl-new"]), lags),
    st.fixed_dictionaries(
        {
            "mode": st.sampled_from([None, "paused", "unbounded", "closed loop", "open loop"]),
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
)
def test_whatever_is_known_there_is_a_sentence(groups: Any, flow: Any, database: Any, pods: Any) -> None:
    now = snapshot(groups, flow=flow, elasticsearch=database, pods=tuple(pods))
    for previous in (Snapshot(), replace(now, time="2026-01-02T17:00:00.000Z")):
        found = limit(now, previous)
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
