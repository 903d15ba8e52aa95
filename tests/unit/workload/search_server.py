"""An Elasticsearch in memory, as far as the sink asks it: bulk requests with conditions, and reading by id."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from kapture_tui.model.errors import Unreachable
from kapture_tui.model.ledger import GroupHalf
from kapture_tui.workload.kafka import TopicPartition
from kapture_tui.workload.ledger import partition_key
from kapture_tui.workload.ledger_json import read_group
from kapture_tui.workload.sinks.elasticsearch_client import Refused
from kapture_tui.workload.sinks.elasticsearch_documents import ALIASES, POSITIONS
from tests.unit.workload.memory import Faults


@dataclass
class SearchServer:
    """What is stored.

    Attributes:
        indices: by alias, documents by id: (their number, what they hold).
        refuse: customers whose documents are malformed, unless they come as text.
        made: how many indices of positions there were.
    """

    indices: dict[str, dict[str, tuple[int, Any]]] = field(default_factory=dict)
    templates: dict[str, Any] = field(default_factory=dict)
    refuse: set[int] = field(default_factory=set)
    made: int = 0
    numbers: Iterator[int] = field(default_factory=count)

    def wipe(self) -> None:
        """Come back without anything."""
        self.indices.clear()
        self.templates.clear()

    def half(self, partition: TopicPartition) -> GroupHalf | None:
        """What is stored as the ledger half of a partition."""
        found = self.indices.get(POSITIONS, {}).get(f"etl-elasticsearch/{partition_key(partition)}")
        return read_group(found[1]["half"]) if found else None

    def documents(self, state: str) -> dict[str, Any]:
        """Those of a state, by id."""
        return {name: document for name, (_, document) in self.indices.get(ALIASES[state], {}).items()}


class Connection:
    """A `Client` of it. Of the requests that matter, some go wrong: see `Faults`; "busy": every other item is."""

    def __init__(self, server: SearchServer, faults: Faults | None = None) -> None:
        self.server = server
        self.faults = faults or Faults()
        self.closed = False
        self.bodies: list[int] = []

    def ask(self, method: str, path: str, body: Mapping[str, Any] | bytes | None = None) -> Any:
        path, _, query = path.partition("?")
        if isinstance(body, bytes):
            assert "require_alias=true" in query
            self.bodies.append(len(body))
            return self._bulk(body)
        if path.endswith("/_mget"):
            assert body is not None
            return self._read(path.split("/")[1], body["ids"])
        return self._manage(method, path, body)

    def close(self) -> None:
        self.closed = True

    def _manage(self, method: str, path: str, body: Mapping[str, Any] | None) -> Any:
        indices = self.server.indices
        if path.startswith("/_index_template/"):
            self.server.templates[path.rpartition("/")[2]] = body
            return {}
        if path == "/_alias/kapture-*":
            return {f"{alias}-1": {"aliases": {alias: {}}} for alias in indices}
        if path == f"/{POSITIONS}/_settings":
            if POSITIONS not in indices:
                raise Refused("asking", 404, "index_not_found_exception", "no such index")
            return {f"{POSITIONS}-1": {"settings": {"index": {"uuid": str(self.server.made)}}}}
        if path == "/_cluster/health/kapture-*":
            return {"status": "green"}
        assert method == "PUT"
        assert body is not None
        (alias,) = body["aliases"]
        assert path == f"/{alias}-1"
        assert len(self.server.templates) == 2, "made before its mapping"
        if alias in indices:
            raise Refused("making", 400, "resource_already_exists_exception", "it exists")
        indices[alias] = {}
        self.server.made += alias == POSITIONS
        return {}

    def _read(self, alias: str, ids: Iterable[str]) -> Any:
        if self.faults.next() in ("down", "half"):
            raise Unreachable("reading")
        if alias not in self.server.indices:
            return {"docs": [{"error": {"reason": "no such index"}} for _ in ids]}
        return {"docs": [self._found(alias, name) for name in ids]}

    def _found(self, alias: str, name: str) -> Any:
        if name not in self.server.indices[alias]:
            return {"found": False}
        number, source = self.server.indices[alias][name]
        return {"found": True, "_seq_no": number, "_primary_term": 1, "_source": source}

    def _bulk(self, body: bytes) -> Any:
        assert body.endswith(b"\n")
        lines = [json.loads(line) for line in body.splitlines()]
        actions = list(zip(lines[::2], lines[1::2], strict=True))
        fault = self.faults.next()
        if fault == "down":
            raise Unreachable("writing")
        if fault == "half":
            actions = actions[: len(actions) // 2]
        busy = {"status": 429, "error": {"type": "es_rejected_execution_exception", "reason": "busy"}}
        items = [
            {"index": busy} if fault == "busy" and place % 2 else self._item(*action)
            for place, action in enumerate(actions)
        ]
        if fault in ("half", "mute"):
            raise Unreachable("writing", "no answer")
        return {"errors": any("error" in told for item in items for told in item.values()), "items": items}

    def _item(self, action: Any, document: Any) -> Any:
        ((kind, where),) = action.items()
        return {kind: self._store(kind, where, document)}

    def _store(self, kind: str, where: Any, document: Any) -> Any:
        if where["_index"] not in self.server.indices:
            return {"status": 404, "error": {"type": "index_not_found_exception", "reason": "no such alias"}}
        stored = self.server.indices[where["_index"]]
        known = stored.get(where["_id"])
        wanted = None if kind == "create" else where["if_seq_no"]
        if (known[0] if known else None) != wanted:
            return {
                "status": 409,
                "error": {"type": "version_conflict_engine_exception", "reason": "another"},
            }
        if document.get("customer", {}).get("id") in self.server.refuse and "text" not in document:
            return {"status": 400, "error": {"type": "document_parsing_exception", "reason": "malformed"}}
        number = next(self.server.numbers)
        stored[where["_id"]] = number, document
        return {"status": 201, "_seq_no": number, "_primary_term": 1}
