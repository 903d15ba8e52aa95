"""What Elasticsearch says, as figures: from answers of a real 8.19, cut down to what is looked at."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from kapture_tui.model.errors import Unreachable
from kapture_tui.workload.sinks.elasticsearch_client import Refused
from kapture_tui.workload.sinks.elasticsearch_statistics import UNTIL_TWO, ElasticsearchWatch


def indices(docs: int, indexed: int, searched: int) -> dict[str, Any]:
    return {
        "_shards": {"total": 51},
        "_all": {
            "primaries": {"docs": {"count": docs}, "indexing": {"index_total": indexed}},
            "total": {"search": {"query_total": searched}},
        },
    }


def node(used: int, writes: int, searches: int) -> dict[str, Any]:
    return {
        "jvm": {"mem": {"heap_used_in_bytes": used, "heap_max_in_bytes": 1000}},
        "thread_pool": {"write": {"rejected": writes}, "search": {"rejected": searches}},
    }


FOUND = {
    "aggregations": {"products": {"buckets": [{"key": "a", "doc_count": 3}, {"key": "b", "doc_count": 2}]}},
    "hits": {"hits": [{"fields": {"store_at": [{"type": "Point", "coordinates": [-72.48, 42.16]}]}}]},
}
NOTHING = {"aggregations": {"products": {"buckets": []}}, "hits": {"hits": []}}


class Told:
    """A `Client` whose answers are given, by the beginning of the path. An answer may be an error, raised."""

    def __init__(self) -> None:
        self.answers: dict[str, Any] = {
            "/kapture-transactions-*/_stats": indices(10, 12, 3),
            "/_nodes/stats": {"nodes": {"a": node(250, 1, 2), "b": node(700, 4, 0)}},
            "/_cluster/health": {"status": "yellow"},
        }
        self.asked: list[tuple[str, Any]] = []

    def ask(self, method: str, path: str, body: Mapping[str, Any] | bytes | None = None) -> Any:
        self.asked.append((path, body))
        answer = next((told for start, told in self.answers.items() if path.startswith(start)), NOTHING)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def close(self) -> None:
        """Nothing to close."""


@pytest.fixture
def server() -> Told:
    return Told()


def watch(server: Told) -> tuple[ElasticsearchWatch, list[float]]:
    now = [100.0]
    return ElasticsearchWatch("http://127.0.0.1:9", server, lambda: now[0]), now


def test_figures(server: Told) -> None:
    looking, now = watch(server)
    first = looking.look()
    assert first.figures == {
        "docs": 10,
        "index_per_s": None,
        "search_per_s": None,
        "heap_ratio": 0.7,
        "rejected": 7,
        "health": "yellow",
    }
    assert first.unavailable == {"index_per_s": UNTIL_TWO, "search_per_s": UNTIL_TWO}
    server.answers["/kapture-transactions-*/_stats"] = indices(30, 32, 8)
    now[0] += 2
    second = looking.look()
    assert (second.figures["index_per_s"], second.figures["search_per_s"]) == (10, 2.5)
    assert second.unavailable == {}


def test_a_server_that_counts_from_the_beginning_has_no_rate_for_a_moment(server: Told) -> None:
    looking, now = watch(server)
    looking.look()
    now[0] += 1
    server.answers["/kapture-transactions-*/_stats"] = indices(10, 0, 0)
    assert looking.look().figures["index_per_s"] is None
    now[0] += 1
    server.answers["/kapture-transactions-*/_stats"] = indices(15, 5, 0)
    assert looking.look().figures["index_per_s"] == 5


def test_what_the_server_does_not_tell_has_its_reason_and_the_rest_is_there(server: Told) -> None:
    server.answers["/_nodes/stats"] = Refused("asking", 403, "security_exception", "not yours")
    server.answers["/_cluster/health"] = {}
    told = watch(server)[0].look()
    assert told.figures["docs"] == 10
    assert told.figures["heap_ratio"] is told.figures["rejected"] is told.figures["health"] is None
    assert "not yours" in told.unavailable["heap_ratio"]
    assert "unknown form" in told.unavailable["health"]
    assert {name for name, figure in told.figures.items() if figure is None} == told.unavailable.keys()


def test_before_the_sink_has_made_its_indices_there_is_no_figure_and_no_search(server: Told) -> None:
    server.answers["/kapture-transactions-*/_stats"] = {"_shards": {"total": 0}}
    told = watch(server)[0].look()
    assert told.figures["docs"] is None
    assert told.unavailable["docs"] == "there is no index yet"
    assert not any("_search" in path for path, _ in server.asked)


def test_a_server_that_does_not_answer_is_an_error(server: Told) -> None:
    server.answers["/_nodes/stats"] = Unreachable("asking", "time-out")
    with pytest.raises(Unreachable):
        watch(server)[0].look()


def test_each_look_searches_in_one_state_and_around_a_store_of_its(server: Told) -> None:
    server.answers["/kapture-transactions-al/_search"] = FOUND
    looking, _ = watch(server)
    for _ in range(52):
        told = looking.look()
    searches = [(path, body) for path, body in server.asked if "_search" in path]
    states = [path[22:24] for path, _ in searches]
    # Once around all states, and on; the only one in which something was bought is looked at twice.
    assert states[:4] == ["ak", "al", "al", "ar"]
    assert states[-1] == "ak"
    assert len(states) == 53
    around = searches[2][1]["query"]["geo_distance"]["store_at"]
    assert around["coordinates"] == [-72.48, 42.16]
    assert told.popular == {"AL": ("a", "b")}
