"""Redis' INFO as rates; the answers are as redis-py parses them."""

from __future__ import annotations

from typing import Any

import pytest

from kapture_tui.model.errors import Unreachable
from kapture_tui.workload.sinks.redis_statistics import (
    COMMANDS,
    RedisRates,
    RedisWatch,
    redis_errors,
)
from kapture_tui.workload.sinks.urls import without_secrets


def info(processed: int, hits: int = 0, misses: int = 0, run_id: str = "a", **calls: int) -> dict[str, Any]:
    return {
        "run_id": run_id,
        "total_commands_processed": processed,
        "keyspace_hits": hits,
        "keyspace_misses": misses,
        "used_memory": 1000 + processed,
        "connected_clients": 3,
        "db0": {"keys": 5, "expires": 0, "avg_ttl": 0},
        "db1": {"keys": 2, "expires": 0, "avg_ttl": 0},
        "dbsize": 99,
    } | {f"cmdstat_{name}": {"calls": count, "usec": 1} for name, count in calls.items()}


def test_rates_keys_and_hit_ratio() -> None:
    rates = RedisRates()
    first = rates.view(0.0, info(100, hits=50, misses=50, get=70, set=20))
    assert (first.ops_per_s, first.hit_ratio, dict(first.commands)) == (None, None, {})
    view = rates.view(2.0, info(400, hits=80, misses=60, get=100, set=220, idle=0))
    assert (view.ops_per_s, view.keys, view.memory_bytes, view.clients) == (150.0, 7, 1400, 3)
    assert list(view.commands.items()) == [("set", 100.0), ("get", 15.0)]
    assert view.hit_ratio == 0.75


def test_without_lookups_the_last_ratio_stays() -> None:
    rates = RedisRates()
    rates.view(0.0, info(0))
    rates.view(1.0, info(10, hits=1, misses=3))
    assert rates.view(2.0, info(20, hits=1, misses=3)).hit_ratio == 0.25


@pytest.mark.parametrize("restarted", [info(5, run_id="b"), info(5)])
def test_a_server_that_counts_anew_has_no_rate_of_before(restarted: dict[str, Any]) -> None:
    rates = RedisRates()
    rates.view(0.0, info(1000, hits=5, misses=5))
    rates.view(1.0, info(2000, hits=10, misses=5))
    view = rates.view(2.0, restarted)
    assert (view.ops_per_s, view.hit_ratio) == (None, None)


def test_only_the_busiest_commands() -> None:
    rates = RedisRates()
    names = [f"c{number:02}" for number in range(30)]
    rates.view(0.0, info(0, **dict.fromkeys(names, 0)))
    view = rates.view(1.0, info(0, **{name: number for number, name in enumerate(names)}))
    assert list(view.commands) == list(reversed(names))[:COMMANDS]


@pytest.mark.parametrize(
    "url",
    [
        "redis://user:hunter2@127.0.0.1:1/0",
        "redis://:hunter2@127.0.0.1:1",
        "redis://:h%75nter2@127.0.0.1:1",
        "htp://x:hunter2@y",
        "redis://[hunter2",
    ],
)
def test_no_password_in_a_reason(url: str) -> None:
    with pytest.raises(Unreachable) as caught:
        RedisWatch(url).look()
    assert "asking Redis" in str(caught.value)
    assert "hunter2" not in str(caught.value)
    assert "hunter2" not in without_secrets(f"cannot use {url} nor hunter2", url)
    assert caught.value.__cause__ is None


def test_what_a_client_says_stays_readable() -> None:
    with (
        pytest.raises(Unreachable, match=r"reading: refused by 127\.0\.0\.1"),
        redis_errors("reading", "redis://127.0.0.1"),
    ):
        raise OSError("refused by 127.0.0.1")
