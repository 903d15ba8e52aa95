"""Snapshots for tests: made by arithmetic, the same in every run."""

from __future__ import annotations

from dataclasses import replace

from kapture_tui.model.event import Event, EventKind
from kapture_tui.model.ledger import GroupLedger, Ledger
from kapture_tui.model.snapshot import (
    Evidence,
    FlowView,
    GroupFlow,
    GroupLag,
    KafkaView,
    Latency,
    Limit,
    LoaderRow,
    Phase,
    PodRow,
    RedisView,
    RunInfo,
    Sale,
    Snapshot,
    StateSales,
    TopicView,
)
from kapture_tui.model.states import STATES

GROUPS = ("etl", "etl-redis")

_PODS = (
    ("data-loader-0", "data-loader", 0.92, 88),
    ("data-loader-1", "data-loader", 0.88, 91),
    ("etl-0", "etl", 0.31, 74),
    ("etl-1", "etl", 0.29, 75),
    ("etl-redis-0", "etl-redis", 0.44, 78),
    ("etl-redis-1", "etl-redis", 0.41, 77),
    ("kafka-0", "kafka", 0.61, 141),
    ("observer-0", "observer", 0.05, 69),
    ("redis-0", "redis", 0.23, 58),
)


def noise(*parts: int) -> float:
    """Return a figure from 0 to 1 that looks random and is the same in every run."""
    value = 17
    for part in parts:
        value = (value * 1103515245 + part * 12345 + 6789) % 2147483648
    return value / 2147483648


def pods(tick: int = 60) -> tuple[PodRow, ...]:
    """Return the processes of a stack of scale 2, with usage that moves from tick to tick."""
    return tuple(
        PodRow(
            name=name,
            component=component,
            phase="Running",
            ready=True,
            age_s=float(tick),
            cpu_cores=cpu * (0.9 + 0.2 * noise(tick, index)),
            memory_bytes=int((mebibytes + noise(tick // 5, index)) * 1048576),
            sample_age_s=0.3,
        )
        for index, (name, component, cpu, mebibytes) in enumerate(_PODS)
    )


def lag(tick: int, state: int, group: int) -> GroupLag:
    """Return one group's lag in one state; California is minutes behind, Texas seconds."""
    records, late_s = int(40 + 400 * noise(tick, state, group)), 0.1 + 0.4 * noise(tick, state)
    if STATES[state] == "CA" and group:
        records, late_s = 9_000 + records, 75.0
    if STATES[state] == "TX" and group:
        records, late_s = 1_200 + records, 21.0
    return GroupLag(records, 350.0 + 40 * noise(tick, state, 3), late_s)


def kafka(tick: int = 60) -> KafkaView:
    """Return all 51 states, and their sum."""
    states = {
        state: TopicView(
            partitions=1,
            end_offset=tick * 360 + index * 1000,
            in_per_s=360.0,
            groups={name: lag(tick, index, g) for g, name in enumerate(GROUPS)},
        )
        for index, state in enumerate(STATES)
    }
    total = TopicView(
        partitions=len(STATES),
        end_offset=sum(view.end_offset or 0 for view in states.values()),
        in_per_s=360.0 * len(STATES),
        groups={
            name: GroupLag(sum(view.groups[name].lag or 0 for view in states.values()), 18_100.0, 75.0)
            for name in GROUPS
        },
    )
    return KafkaView(1, states, total)


def flow(tick: int = 60) -> FlowView:
    """Return some 18,000 transactions a second."""
    rate = 18_200 + 900 * noise(tick, 1)
    return FlowView(
        offered_per_s=rate,
        acked_per_s=rate - 20 * noise(tick, 2),
        delivered_per_s=rate - 90 * noise(tick, 3),
        loader_slip_s=None,
        mode="closed loop",
        limited_by="12 partitions wait for etl-redis",
        ack_latency_ms=Latency(1.2, 4.0, 6 + 4 * noise(tick, 4), 40.0),
        groups={
            "etl": GroupFlow(
                Latency(30.0, 80.0, 120 + 30 * noise(tick, 5), 300.0), delivered_per_s=rate - 50
            ),
            "etl-redis": GroupFlow(
                Latency(90.0, 220.0, 300 + 80 * noise(tick, 6), 900.0), delivered_per_s=rate - 90
            ),
        },
    )


def ledger(tick: int = 60) -> Ledger:
    """Return a ledger without fault."""
    acked = 18_200 * tick
    return Ledger(
        attempted=acked + 900,
        acked=acked,
        groups={
            "etl": GroupLedger(delivered=acked - 1_000),
            "etl-redis": GroupLedger(delivered=acked - 8_000, redelivered=1_204),
        },
    )


def redis(tick: int = 60) -> RedisView:
    """Return a busy Redis."""
    ops = 41_200 + 3_000 * noise(tick, 7)
    commands = {
        "hincrby": ops * 0.5,
        "zincrby": ops * 0.2,
        "lpush": ops * 0.1,
        "ltrim": ops * 0.1,
        "exec": 210.0,
    }
    return RedisView(ops, 12_345 + tick * 3, 178 * 1048576 + tick * 40_000, 8, commands, 0.97, 0)


def databases(tick: int = 60) -> dict[str, dict[str, object]]:
    """Return the other databases and the web application at work, as fields of a Snapshot."""
    latency = {"p50": 4.0, "p95": 11.0, "p99": 38 + 9 * noise(tick, 8), "max": 140.0}
    return {
        "elasticsearch": {
            "index_per_s": 15_000 + 800 * noise(tick, 9),
            "search_per_s": 12.0,
            "docs": 911_000 + 15_000 * tick,
            "heap_ratio": 0.91,
            "rejected": 412,
            "health": "yellow",
        },
        "postgres": {
            "commits_per_s": 41.0,
            "rows": 640_000 + 9_000 * tick,
            "inserted_per_s": 9_100 + 300 * noise(tick, 10),
            "size_bytes": 310 * 1048576 + tick * 400_000,
            "connections": 6,
            "cache_hit_ratio": 0.993,
        },
        "mongo": {"inserts_per_s": 8_800.0, "documents": 612_000, "size_bytes": 290 << 20, "connections": 9},
        "webapp": {
            "routes": {
                "/buy": {"per_s": 48.0, "errors_per_s": 0.0, "latency_ms": latency},
                "/popular": {"per_s": 130.0, "errors_per_s": 0.2, "latency_ms": latency},
            }
        },
        "spout": {"orders_per_s": 25.0, "restocks_per_s": 3.1, "behind_s": 0.8},
    }


NOT_DEPLOYED = dict.fromkeys(("elasticsearch", "postgres", "mongo", "webapp", "spout"), "not deployed")


def everything(tick: int = 60) -> Snapshot:
    """Return a healthy run with every database."""
    return replace(snapshot(tick), **databases(tick), unavailable={})


def sales(tick: int = 60) -> dict[str, StateSales]:
    """Return what California has sold: one transaction a tick."""
    latest = tuple(
        Sale(
            40_000 + n,
            n % 7,
            3.2,
            1_000 + int(9_000 * noise(n)),
            PRODUCTS[n % 3 : n % 3 + 2],
            f"Store_{(3, 17, 128)[n % 3]}",
        )
        for n in (tick, tick - 1)
    )
    stores = ("Store_17", "Store_128", "Store_3")
    return {"CA": StateSales(370 * tick, 1_240 * tick, 1_930_000 * tick, 31, stores, latest)}


PRODUCTS = ("Chewy Bites 5 lb", "Feather Wand", "Cedar Bedding 14", "Soft Paw kitty litter 28")


def limit(tick: int = 60) -> Limit:
    """Return what holds it back."""
    evidence = (
        Evidence("etl-redis", "lag_growth_per_s", 3200.0, "its lag grows by 3,200/s"),
        Evidence("etl-redis", "lag_s", 75.0, "75 s late"),
    )
    text = ", ".join(found.text for found in evidence)
    return Limit("group.holds", "etl-redis", f"etl-redis holds the loaders back: {text}", evidence)


def loaders(tick: int = 60) -> tuple[LoaderRow, ...]:
    """Return what the two loaders say."""
    return tuple(
        LoaderRow(f"data-loader-{n}", "live", 9_100 * tick, 9_100.0, None, None, 6, "etl-redis is behind")
        for n in (0, 1)
    )


EVENTS = (
    Event("2026-01-02T17:00:20.000Z", EventKind.STEP, "", "all components ready after 2.9 s"),
    Event("2026-01-02T17:03:02.000Z", EventKind.ACTION, "data-loader", "you scaled data-loader 1 → 2"),
    Event("2026-01-02T17:04:31.000Z", EventKind.CHANGE, "etl-1", "killed (out of memory), back after 0.4 s"),
)


def snapshot(tick: int = 60) -> Snapshot:
    """Return what the console sees `tick` seconds into a healthy run of scale 2."""
    return Snapshot(
        time=f"2026-01-02T17:{tick // 60 % 60:02}:{tick % 60:02}.000Z",
        seq=tick,
        run=RunInfo("perf-test", "local", "r1", Phase.FLOWING, float(tick), 2, ("kafka", "redis")),
        pods=pods(tick),
        kafka=kafka(tick),
        flow=flow(tick),
        limit=limit(tick),
        ledger=ledger(tick),
        redis=redis(tick),
        popular={"CA": PRODUCTS[:3]},
        sales=sales(tick),
        loaders=loaders(tick),
        events=EVENTS,
        report_age_s=0.6,
        unavailable=NOT_DEPLOYED,
    )


def starting() -> Snapshot:
    """Return the first tick: nothing measured yet, and the reasons."""
    return Snapshot(
        time="2026-01-02T17:00:00.000Z",
        run=RunInfo("perf-test", "local", "r1", Phase.STARTING, 1.0, 2, ("kafka", "redis")),
        pods=tuple(replace(pod, cpu_cores=None, ready=False, reason="starting") for pod in pods(1)),
        unavailable={"observer": "the observer has not answered yet", **NOT_DEPLOYED},
    )


def troubled(tick: int = 252) -> Snapshot:
    """Return a run in which things went wrong: loss, a sick process, an old report, missing figures."""
    well = snapshot(tick)
    sick = tuple(
        replace(
            pod,
            phase="Pending",
            ready=False,
            restarts=3,
            reason="restarts too often: exit code 137",
            cpu_cores=None,
        )
        if pod.name == "etl-1"
        else pod
        for pod in well.pods
    )
    assert well.ledger is not None
    groups = {**well.ledger.groups, "etl": GroupLedger(delivered=4_574_201, lost=5, duplicated=2)}
    alarm = Event(
        "2026-01-02T17:04:32.000Z", EventKind.ALARM, "", "5 acknowledged messages are lost in group etl"
    )
    return replace(
        well,
        pods=sick,
        ledger=replace(well.ledger, groups=groups),
        redis=None,
        report_age_s=31.0,
        events=(*well.events, alarm),
        unavailable={"redis": "INFO: connection refused", **NOT_DEPLOYED},
    )
