"""What Elasticsearch says of itself, and a little searching beside it.

The searches run here, in the observer, and not in the sink: one process has them whatever the scale, one after the
other and two a second at most, and a server that is slow to answer holds up neither the transactions nor their figures.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from kapture_tui.model.states import STATES
from kapture_tui.workload.rates import RATE_S, Window
from kapture_tui.workload.sinks.base import Statistics
from kapture_tui.workload.sinks.elasticsearch_client import Client, HttpClient, Refused
from kapture_tui.workload.sinks.elasticsearch_documents import ALIASES, EVERY_ALIAS

ANSWER_S = 2.0
"""How long a request may take, seconds."""

POPULAR = 5
"""Products a state."""

RADIUS = "50km"
"""Around the store of a state's newest order."""

_SEARCH_MS = 500
"""After so many milliseconds a search ends with what it has found."""

_INDICES = (
    f"/{EVERY_ALIAS}/_stats/docs,indexing,search?level=cluster&filter_path="
    "_shards.total,_all.primaries.docs.count,_all.primaries.indexing.index_total,_all.total.search.query_total"
)
_NODES = (
    "/_nodes/stats/jvm,thread_pool?filter_path="
    "nodes.*.jvm.mem.heap_used_in_bytes,nodes.*.jvm.mem.heap_max_in_bytes,"
    "nodes.*.thread_pool.write.rejected,nodes.*.thread_pool.search.rejected"
)
_HEALTH = f"/_cluster/health/{EVERY_ALIAS}?filter_path=status"

UNTIL_TWO = "a rate takes two looks at the same server"


@dataclass(frozen=True, slots=True)
class Counters:
    """What the server counts since it started: documents indexed, searches (each counted in every shard it asks)."""

    indexed: int
    searched: int


class ElasticsearchWatch:
    """Looks at a server once a call. Connects when it must."""

    def __init__(
        self, url: str, client: Client | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._client = client or HttpClient(url, ANSWER_S)
        self._clock = clock
        self._rates: Window[Counters] = Window(RATE_S)
        self._popular: dict[str, tuple[str, ...]] = {}
        self._turn = 0

    def look(self) -> Statistics:
        """One look. Raises Unreachable when the server does not answer, or not as it should."""
        unavailable: dict[str, str] = {}
        figures = self._indices(unavailable) | self._nodes(unavailable) | self._health(unavailable)
        if figures["docs"]:
            with _or_why(unavailable, "popular"):
                self._search(STATES[self._turn % len(STATES)])
                self._turn += 1
        return Statistics(figures, dict(self._popular), unavailable)

    def _indices(self, unavailable: dict[str, str]) -> dict[str, Any]:
        figures: dict[str, Any] = dict.fromkeys(("docs", "index_per_s", "search_per_s"))
        with _or_why(unavailable, *figures):
            told = self._client.ask("GET", _INDICES)
            if not told["_shards"]["total"]:
                unavailable |= dict.fromkeys(figures, "there is no index yet")
                return figures
            primaries, total = told["_all"]["primaries"], told["_all"]["total"]
            figures["docs"] = primaries["docs"]["count"]
            counters = Counters(primaries["indexing"]["index_total"], total["search"]["query_total"])
            figures |= self._rates_of(counters)
            unavailable |= {name: UNTIL_TWO for name, figure in figures.items() if figure is None}
        return figures

    def _rates_of(self, new: Counters) -> dict[str, float | None]:
        if self._rates and self._rates.newest().indexed > new.indexed:  # restarted, or emptied
            self._rates.clear()
        self._rates.add(self._clock(), new)
        span = self._rates.span()
        if span is None:
            return {"index_per_s": None, "search_per_s": None}
        seconds, old, _ = span
        return {
            "index_per_s": (new.indexed - old.indexed) / seconds,
            "search_per_s": max(0, new.searched - old.searched) / seconds,
        }

    def _nodes(self, unavailable: dict[str, str]) -> dict[str, Any]:
        """Of the node that is worst off, and of all together."""
        figures: dict[str, Any] = dict.fromkeys(("heap_ratio", "rejected"))
        with _or_why(unavailable, *figures):
            nodes = self._client.ask("GET", _NODES)["nodes"].values()
            memories = [node["jvm"]["mem"] for node in nodes]
            figures["heap_ratio"] = max(m["heap_used_in_bytes"] / m["heap_max_in_bytes"] for m in memories)
            pools = [node["thread_pool"] for node in nodes]
            figures["rejected"] = sum(p[name]["rejected"] for p in pools for name in ("write", "search"))
        return figures

    def _health(self, unavailable: dict[str, str]) -> dict[str, Any]:
        with _or_why(unavailable, "health"):
            return {"health": self._client.ask("GET", _HEALTH)["status"]}
        return {"health": None}

    def _search(self, state: str) -> None:
        """What sells best in a state, and what was bought near the store of its newest order."""
        path = f"/{ALIASES[state]}/_search"
        found = self._client.ask("POST", path, top_products())
        buckets = found["aggregations"]["products"]["buckets"]
        if buckets:
            self._popular[state] = tuple(bucket["key"] for bucket in buckets)
        for hit in found["hits"]["hits"]:
            if points := hit.get("fields", {}).get("store_at"):
                self._client.ask("POST", path, orders_near(points[0]))


def top_products() -> dict[str, Any]:
    """The best-selling products of a state, and its newest order."""
    return {
        "timeout": f"{_SEARCH_MS}ms",
        "size": 1,
        "sort": [{"@timestamp": "desc"}],
        "_source": False,
        "docvalue_fields": ["store_at"],
        "aggs": {"products": {"terms": {"field": "product_names", "size": POPULAR}}},
    }


def orders_near(point: Any) -> dict[str, Any]:
    """How many orders were placed in stores around a point."""
    return {
        "timeout": f"{_SEARCH_MS}ms",
        "size": 0,
        "query": {"geo_distance": {"distance": RADIUS, "store_at": point}},
    }


@contextmanager
def _or_why(unavailable: dict[str, str], *names: str) -> Iterator[None]:
    """Figures that the server refuses to tell have its reason; the others are told all the same."""
    try:
        yield
    except Refused as exc:
        unavailable |= dict.fromkeys(names, exc.cause)
    except (KeyError, TypeError, ValueError, ZeroDivisionError) as exc:
        unavailable |= dict.fromkeys(names, f"the server tells it in an unknown form ({exc!r})")
