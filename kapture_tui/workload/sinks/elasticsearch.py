"""The Elasticsearch sink: every transaction as a document, in an index of its state. OpenSearch serves as well.

There are no transactions over several documents, so the order of writing does it. First the documents, each under an id
that loader, partition and sequence give it, and only if there is none yet: written again they change nothing, whoever
writes them. When all of them are there, the offset with the ledger half, on condition that what is stored of the
partition is still what this process has last seen. A consumer that lost its partition fails at that condition; the
documents it may have written before are such as the new owner would write, too.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

from kapture_tui.model.errors import Unreachable
from kapture_tui.model.ledger import GroupHalf
from kapture_tui.model.spec import Component
from kapture_tui.workload.kafka import TopicPartition
from kapture_tui.workload.ledger import partition_key
from kapture_tui.workload.ledger_json import encode, read_group
from kapture_tui.workload.sinks.base import Batch, SinkUnavailable, Statistics
from kapture_tui.workload.sinks.elasticsearch_bulk import Item, first_error, send
from kapture_tui.workload.sinks.elasticsearch_client import Client, HttpClient, Refused, error_of
from kapture_tui.workload.sinks.elasticsearch_documents import (
    ALIASES,
    POSITIONS,
    document,
    document_id,
    index_of,
    refused_document,
    templates,
)
from kapture_tui.workload.sinks.elasticsearch_statistics import ElasticsearchWatch
from kapture_tui.workload.transaction import Order

log = logging.getLogger(__name__)

AT_ONCE = 8
"""Indices that are made at the same time: the server changes its state once for several that it is asked for."""

_WAIT = "/_cluster/health/kapture-*?wait_for_status=yellow&timeout=20s&filter_path=status"
_UUID = f"/{POSITIONS}/_settings?filter_path=*.settings.index.uuid"


@dataclass(frozen=True, slots=True)
class Position:
    """What is stored of a partition.

    Attributes:
        offset: up to which it is; 0: nothing is.
        seq_no, primary_term: of the document that says so; it is replaced only if it still has these. None: there is
            none, and it is made only if there is still none.
    """

    offset: int = 0
    seq_no: int | None = None
    primary_term: int | None = None


class ElasticsearchSink:
    """The sink of group `etl-elasticsearch`: see `Database`."""

    group = Component.ELASTICSEARCH_SINK.value
    documents = True
    # Each request makes every index it touches write its log to the disk: few large ones are worth waiting for.
    batch_records = 2_000
    batch_s = 0.5

    def __init__(self, url: str, client: Client | None = None) -> None:
        self._client = client or HttpClient(url)
        self._positions: dict[TopicPartition, Position] = {}
        self._watch = ElasticsearchWatch(url)

    # --- what it writes to -----------------------------------------------------------------------------------------

    def prepare(self) -> None:
        """See `Sink`: templates first, so that no index is made without its mapping."""
        with _unavailable("preparing the indices"):
            for name, template in templates().items():
                self._client.ask("PUT", f"/_index_template/{name}", template)
            missing = sorted({POSITIONS, *ALIASES.values()} - self._aliases())
            with ThreadPoolExecutor(AT_ONCE) as workers:
                list(workers.map(self._create, missing))
            self._client.ask("GET", _WAIT)

    def _aliases(self) -> set[str]:
        found = self._client.ask("GET", "/_alias/kapture-*?filter_path=*.aliases")
        return {alias for index in found.values() for alias in index["aliases"]}

    def _create(self, alias: str) -> None:
        try:
            path = f"/{index_of(alias)}?wait_for_active_shards=0"
            self._client.ask("PUT", path, {"aliases": {alias: {}}})
        except Refused as exc:
            if (
                exc.kind != "resource_already_exists_exception"
            ):  # which another process of this sink has just made
                raise

    def identity(self) -> str:
        """See `Sink`: the unique id of the index of positions, which is another one in a server that was emptied."""
        with _unavailable("asking who it is"):
            try:
                return self._ask_uuid()
            except Refused as exc:
                if exc.status != 404:
                    raise
        self.prepare()
        with _unavailable("asking who it is"):
            return self._ask_uuid()

    def _ask_uuid(self) -> str:
        (index,) = self._client.ask("GET", _UUID).values()
        return str(index["settings"]["index"]["uuid"])

    # --- positions ----------------------------------------------------------------------------------------------

    def restore(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, GroupHalf]:
        """See `Sink`."""
        with _unavailable("reading the stored offsets"):
            return self._read_positions(partitions)

    def _read_positions(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, GroupHalf]:
        """Look up what is stored; the halves of those of which something is."""
        halves: dict[TopicPartition, GroupHalf] = {}
        if not partitions:
            return halves
        ids = [self._position_id(partition) for partition in partitions]
        # By id: what was acknowledged is there at once, without a refresh.
        found = self._client.ask("POST", f"/{POSITIONS}/_mget", {"ids": ids})
        for partition, told in zip(partitions, found["docs"], strict=True):
            if "error" in told:
                self.prepare()  # somebody has removed the index
                raise Unreachable("reading a stored offset", ": ".join(error_of(told)))
            self._positions[partition] = Position()
            if told["found"]:
                half = halves[partition] = read_group(told["_source"]["half"])
                self._positions[partition] = Position(half.offset, told["_seq_no"], told["_primary_term"])
        return halves

    def _position_id(self, partition: TopicPartition) -> str:
        return f"{self.group}/{partition_key(partition)}"

    def _position_action(self, batch: Batch) -> bytes:
        known = self._positions[batch.partition]
        where = f'"_index":"{POSITIONS}","_id":"{self._position_id(batch.partition)}"'
        if known.seq_no is None:
            action = f'{{"create":{{{where}}}}}'
        else:
            condition = f'"if_seq_no":{known.seq_no},"if_primary_term":{known.primary_term}'
            action = f'{{"index":{{{where},{condition}}}}}'
        return b'%s\n{"offset":%d,"half":%s}\n' % (action.encode(), batch.half.offset, encode(batch.half))

    # --- writing ------------------------------------------------------------------------------------------------

    def write(self, batches: Sequence[Batch]) -> Mapping[TopicPartition, int]:
        """See `Sink`: documents first, positions when all of them are there."""
        with _unavailable("writing a batch"):
            self._read_positions([b.partition for b in batches if b.partition not in self._positions])
            own = [batch for batch in batches if self._positions[batch.partition].offset == batch.start]
            self._store_documents(own)
            self._store_positions(own)
        return {batch.partition: self._positions[batch.partition].offset for batch in batches}

    def _store_documents(self, batches: Sequence[Batch]) -> None:
        orders = [(batch, order) for batch in batches for order in batch.orders]
        malformed = self._create_all([_document_action(b, o, document(o, b.state)) for b, o in orders])
        if malformed:
            log.warning("the server refuses documents: %s", first_error(malformed.values()))
            again = [(*orders[place], item.error) for place, item in malformed.items()]
            kept = [_document_action(b, o, refused_document(o, b.state, why)) for b, o, why in again]
            self._check(self._create_all(kept).values())

    def _create_all(self, actions: Sequence[bytes]) -> dict[int, Item]:
        """Create documents that are not there yet; those that are malformed, by their place."""
        troubled = {place: item for place, item in send(self._client, actions) if not item.exists}
        malformed = {place: item for place, item in troubled.items() if item.malformed}
        self._check(item for place, item in troubled.items() if place not in malformed)
        return malformed

    def _store_positions(self, batches: Sequence[Batch]) -> None:
        actions = [self._position_action(batch) for batch in batches]
        failed = []
        overtaken = []
        for place, item in send(self._client, actions, numbers=True):
            batch = batches[place]
            if item.stored:
                self._positions[batch.partition] = Position(batch.half.offset, item.seq_no, item.primary_term)
            elif item.exists:
                overtaken.append(batch.partition)
            else:
                failed.append(item)
        self._check(failed)
        self._read_positions(overtaken)

    def _check(self, failed: Iterable[Item]) -> None:
        """Raises SinkUnavailable if any of these is something; what is missing is made first."""
        items = list(failed)
        if not items:
            return
        if any(item.status == 404 for item in items):
            self.prepare()
        raise SinkUnavailable("writing documents", first_error(items))

    # --- the rest -----------------------------------------------------------------------------------------------

    def statistics(self) -> Statistics:
        """See `Database`."""
        return self._watch.look()

    def close(self) -> None:
        """See `Sink`."""
        self._client.close()


def _document_action(batch: Batch, order: Order, text: bytes) -> bytes:
    name = document_id(order, batch.partition[1])
    return b'{"create":{"_index":"%s","_id":"%s"}}\n%s\n' % (
        ALIASES[batch.state].encode(),
        name.encode(),
        text,
    )


@contextmanager
def _unavailable(doing: str) -> Iterator[None]:
    """Whatever the server says or does not say: the loop shall try again."""
    try:
        yield
    except (Refused, Unreachable) as exc:
        raise SinkUnavailable(f"{doing}: {exc.doing}", exc.cause) from exc
