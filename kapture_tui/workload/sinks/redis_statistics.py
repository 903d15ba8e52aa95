"""What Redis says of itself: INFO as rates, and the products that sell best."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kapture_tui.model.errors import Unreachable
from kapture_tui.model.snapshot import RedisView, StateSales
from kapture_tui.model.states import STATES
from kapture_tui.model.wire import to_wire
from kapture_tui.workload.rates import RATE_S, Window
from kapture_tui.workload.sinks.base import Statistics
from kapture_tui.workload.sinks.redis_sales import read_sales
from kapture_tui.workload.sinks.urls import without_secrets

if TYPE_CHECKING:
    import redis

ANSWER_S = 2.0
"""How long Redis may take to answer, seconds."""

POPULAR_S = 5.0
"""How often the popular products are read, seconds."""

SALES_S = 2.0
"""How often the last transactions are read, seconds."""

POPULAR = 5
"""Products a state."""

COMMANDS = 12
"""Commands shown: the busiest ones."""


_NETWORK = (
    "total_net_input_bytes",
    "total_net_output_bytes",
    "total_net_repl_input_bytes",
    "total_net_repl_output_bytes",
)
"""Counters of INFO; replication counts apart."""


@dataclass(frozen=True, slots=True)
class Counters:
    """What INFO counts since the server's start. `server` names that start."""

    server: str
    operations: int
    hits: int
    misses: int
    calls: Mapping[str, int]
    network_bytes: int = 0


def counters_of(info: Mapping[str, Any]) -> Counters:
    """The counters in an INFO answer as redis-py parses it."""
    return Counters(
        server=str(info.get("run_id", "")),
        operations=int(info.get("total_commands_processed", 0)),
        hits=int(info.get("keyspace_hits", 0)),
        misses=int(info.get("keyspace_misses", 0)),
        network_bytes=sum(int(info.get(name, 0)) for name in _NETWORK),
        calls={
            name.removeprefix("cmdstat_"): int(stat["calls"])
            for name, stat in info.items()
            if name.startswith("cmdstat_") and isinstance(stat, Mapping)
        },
    )


class RedisRates:
    """Rates and hit ratio from one INFO answer after the other."""

    def __init__(self) -> None:
        self._window: Window[Counters] = Window(RATE_S)
        self._hit_ratio: float | None = None

    def view(self, now_s: float, info: Mapping[str, Any]) -> RedisView:
        """Take the newest answer; rates are None until there are two from the same server process."""
        self._add(now_s, counters_of(info))
        span = self._window.span()
        return RedisView(
            ops_per_s=(span[2].operations - span[1].operations) / span[0] if span else None,
            keys=sum(int(db["keys"]) for name, db in info.items() if _is_database(name, db)),
            memory_bytes=_whole(info.get("used_memory")),
            clients=_whole(info.get("connected_clients")),
            commands=_busiest(*span) if span else {},
            hit_ratio=self._hit_ratio,
            replicas=_whole(info.get("connected_slaves")),
            network_bytes_per_s=(
                (span[2].network_bytes - span[1].network_bytes) / span[0]
                if span and _NETWORK[0] in info
                else None
            ),
        )

    def _add(self, now_s: float, new: Counters) -> None:
        if self._window:
            old = self._window.newest()
            if old.server != new.server or old.operations > new.operations:  # restarted, or CONFIG RESETSTAT
                self._window.clear()
                self._hit_ratio = None
            elif lookups := (new.hits - old.hits) + (new.misses - old.misses):
                self._hit_ratio = (new.hits - old.hits) / lookups
        self._window.add(now_s, new)


def _busiest(seconds: float, before: Counters, after: Counters) -> dict[str, float]:
    rates = {name: (count - before.calls.get(name, 0)) / seconds for name, count in after.calls.items()}
    busiest = sorted((name for name in rates if rates[name] > 0), key=lambda name: (-rates[name], name))
    return {name: rates[name] for name in busiest[:COMMANDS]}


def _is_database(name: str, value: Any) -> bool:
    return name.startswith("db") and name[2:].isdecimal() and isinstance(value, Mapping)


def _whole(value: Any) -> int | None:
    return None if value is None else int(value)


class RedisWatch:
    """Looks at Redis once a call. Connects when it must; the client reconnects by itself."""

    def __init__(self, url: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._url = url
        self._clock = clock
        self._client: redis.Redis | None = None
        self._rates = RedisRates()
        self._popular: dict[str, tuple[str, ...]] = {}
        self._popular_reason = ""
        self._popular_due_s = 0.0
        self._sales_due_s = 0.0
        self._sales: dict[str, StateSales] = {}
        self._sales_reason = ""

    def look(self) -> Statistics:
        """One look. Raises Unreachable when Redis does not answer, or not as it should."""
        with redis_errors("asking Redis", self._url):
            client = self._client = self._client or _connect(self._url)
            info: Any = client.info("all")
        view = self._rates.view(self._clock(), info)
        self._look_at_popular(client)
        self._look_at_sales(client)
        reasons = {"popular": self._popular_reason, "sales": self._sales_reason}
        missing = {part: reason for part, reason in reasons.items() if reason}
        return Statistics(to_wire(view), self._popular, missing, self._sales)

    def _look_at_popular(self, client: redis.Redis) -> None:
        now_s = self._clock()
        if now_s < self._popular_due_s:
            return
        self._popular_due_s = now_s + POPULAR_S
        try:
            with redis_errors("reading the popular products", self._url):
                self._popular, self._popular_reason = _read_popular(client), ""
        except (
            Unreachable
        ) as exc:  # INFO answers even where data does not: loading, no rights, another type of key
            self._popular, self._popular_reason = {}, str(exc)

    def _look_at_sales(self, client: redis.Redis) -> None:
        now_s = self._clock()
        if now_s < self._sales_due_s:
            return
        self._sales_due_s = now_s + SALES_S
        try:
            with redis_errors("reading what was sold", self._url):
                self._sales, self._sales_reason = read_sales(client), ""
        except Unreachable as exc:
            self._sales, self._sales_reason = {}, str(exc)


def _connect(url: str) -> redis.Redis:
    from kapture_tui.workload.redis_client import open_redis

    return open_redis(url, "kapture-observer", ANSWER_S)


def _read_popular(client: redis.Redis) -> dict[str, tuple[str, ...]]:
    pipeline = client.pipeline(transaction=False)
    for state in STATES:
        pipeline.zrevrange(f"popular:{state}", 0, POPULAR - 1)
    answers = zip(STATES, pipeline.execute(), strict=True)
    return {state: tuple(products) for state, products in answers if products}


@contextmanager
def redis_errors(doing: str, url: str) -> Iterator[None]:
    """Turn the client's errors into ours, without the password, which some of them quote."""
    from redis.exceptions import RedisError

    try:
        yield
    except (RedisError, OSError, ValueError) as exc:
        raise Unreachable(doing, without_secrets(str(exc), url)) from None
