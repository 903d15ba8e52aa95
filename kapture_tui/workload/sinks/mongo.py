"""The Mongo sink: every transaction as the document it was published as, in the collection `transactions`.

Nothing here needs a transaction of the server. A document's `_id` is made of partition, loader and sequence, so that
inserting it again only meets itself. Where a partition's reading goes on is stored after its documents: whoever stores
an offset, everything before it is there. A member that lost its partition and does not know it yet can therefore do
nothing worse than set the offset back, and then documents are read again that are there already.

An offset counts for one collection of documents only: its key has the collection's UUID, so that a database that came
back empty knows of no offset either.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from bson.errors import InvalidDocument
from pymongo import InsertOne, ReplaceOne
from pymongo.collection import Collection
from pymongo.errors import BulkWriteError, OperationFailure

from kapture_tui.model.ledger import GroupHalf
from kapture_tui.model.spec import Component
from kapture_tui.workload.header import loader_id
from kapture_tui.workload.kafka import TopicPartition
from kapture_tui.workload.ledger import partition_key
from kapture_tui.workload.ledger_json import decode_group, encode
from kapture_tui.workload.sinks.base import Batch, SinkUnavailable, Statistics
from kapture_tui.workload.sinks.mongo_link import DOCUMENTS, POSITIONS, Document, MongoLink
from kapture_tui.workload.sinks.mongo_statistics import MongoWatch

ANSWER_S = 30.0
"""A batch of documents takes FerretDB seconds on a busy machine."""

DUPLICATE = 11000

NOT_AS_IT_IS = frozenset({2, 9, 14, 15, 22, 52, 55, 56, 57, 10334})
"""Codes by which a server refuses a document for what is in it: BadValue, FailedToParse, TypeMismatch, Overflow,
InvalidBSON, field names that are empty or have a dollar or a dot, InvalidDBRef, BSONObjectTooLarge."""


Change = InsertOne[Document] | ReplaceOne[Document]


class MongoSink:
    """The sink of group `etl-mongo`: see `Database`."""

    group = Component.MONGO_SINK.value
    documents = True
    batch_records = 2_000
    # Each batch updates the offsets of its partitions, which takes FerretDB 3 ms each.
    batch_s = 0.5

    def __init__(self, url: str) -> None:
        self._link = MongoLink(url, ANSWER_S)
        self._watch = MongoWatch(url)
        self._memory = ""

    def prepare(self) -> None:
        """See `Sink`: the collections, as their names alone say whether they are there."""
        with self._link.errors("creating the collections"):
            self._create()

    def restore(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, GroupHalf]:
        """See `Sink`."""
        self.identity()
        with self._link.errors("reading the stored offsets"):
            stored = self._stored(partitions)
        return {p: decode_group(stored[key]["half"]) for p in partitions if (key := self._key(p)) in stored}

    def write(self, batches: Sequence[Batch]) -> Mapping[TopicPartition, int]:
        """See `Sink`: first all documents, then the offsets."""
        with self._link.errors("writing a batch"):
            self._insert([document for batch in batches for document in documents(batch)])
            if self._advance(batches):
                return {batch.partition: batch.half.offset for batch in batches}
            stored = self._stored([batch.partition for batch in batches])
        keys = {batch.partition: self._key(batch.partition) for batch in batches}
        return {partition: int(stored[key]["offset"]) for partition, key in keys.items() if key in stored}

    def identity(self) -> str:
        """See `Sink`: the UUID of the collection of documents; another one began empty."""
        with self._link.errors("asking which collection it is"):
            uuid = self._link.uuid(DOCUMENTS)
            if not uuid:
                self._create()
                uuid = self._link.uuid(DOCUMENTS)
        if not uuid:
            raise SinkUnavailable(
                f"creating the collections ({self._link.shown_url})", "they have gone again"
            )
        self._memory = uuid
        return uuid

    def statistics(self) -> Statistics:
        """See `Database`."""
        return self._watch.look()

    def close(self) -> None:
        """See `Sink`."""
        self._link.close()

    def _create(self) -> None:
        self._link.create(DOCUMENTS)
        self._link.create(POSITIONS)

    # --- documents ------------------------------------------------------------------------------------------------

    def _insert(self, wanted: list[Document]) -> None:
        """Have these documents stored; one that cannot be stored as it is, as its text."""
        collection = self._link.collection(DOCUMENTS)
        refused = insert_all(collection, wanted)
        if insert_all(collection, [as_text(document) for document in refused]):
            raise InvalidDocument(f"some of {len(refused)} documents are refused even as their text")

    # --- offsets --------------------------------------------------------------------------------------------------

    def _key(self, partition: TopicPartition) -> str:
        return f"{self._memory}/{partition_key(partition)}"

    def _stored(self, partitions: Sequence[TopicPartition]) -> dict[str, Document]:
        keys = [self._key(partition) for partition in partitions]
        if not keys:
            return {}
        return {
            found["_id"]: found for found in self._link.collection(POSITIONS).find({"_id": {"$in": keys}})
        }

    def _advance(self, batches: Sequence[Batch]) -> bool:
        """Store the offsets; whether all of them were where their batches start."""
        changes = [self._change(batch) for batch in batches]
        most = self._link.updates_at_once
        parts = (changes[at : at + most] for at in range(0, len(changes), most))
        done = [self._change_all(part) for part in parts]  # all of them, whatever became of the first
        return all(done)

    def _change_all(self, changes: Sequence[Change]) -> bool:
        try:
            done = self._link.collection(POSITIONS).bulk_write(changes, ordered=False)
        except BulkWriteError as exc:
            if any(code != DUPLICATE for code in failures(exc).values()):
                raise
            return False
        return done.inserted_count + done.matched_count == len(changes)

    def _change(self, batch: Batch) -> Change:
        key = self._key(batch.partition)
        position = {"_id": key, "offset": batch.half.offset, "half": encode(batch.half).decode()}
        if batch.start:
            return ReplaceOne({"_id": key, "offset": batch.start}, position)
        return InsertOne(position)


def documents(batch: Batch) -> list[Document]:
    """The batch's transactions as they are stored."""
    prefix = partition_key(batch.partition).partition(".")[2]
    return [
        {**order.document, "_id": f"{prefix}/{loader_id(order.loader)}/{order.sequence}"}
        for order in batch.orders
    ]


def as_text(document: Document) -> Document:
    """What is stored instead of a document that BSON or the server has no way to keep: its JSON, and what names it."""
    content = {name: value for name, value in document.items() if name != "_id"}
    return {
        "_id": document["_id"],
        "id": document["id"],
        "customer": {"id": document["customer"]["id"]},
        "dateTime": float(document["dateTime"]),
        "json": json.dumps(content),
    }


def insert_all(collection: Collection[Document], wanted: list[Document]) -> list[Document]:
    """Insert documents, of which any may be there already; those that cannot be stored for what is in them.

    Raises: PyMongoError: some may not have been stored for another reason.
    """
    if not wanted:
        return []
    try:
        collection.insert_many(wanted, ordered=False)
    except BulkWriteError as exc:
        return [wanted[index] for index in refused(exc)]
    except OperationFailure as exc:
        if exc.code not in NOT_AS_IT_IS:
            raise
        return _culprits(collection, wanted)
    except (
        InvalidDocument,
        OverflowError,
        ValueError,
        RecursionError,
    ):  # what BSON says of what it cannot hold
        return _culprits(collection, wanted)
    return []


def _culprits(collection: Collection[Document], wanted: list[Document]) -> list[Document]:
    """One of them stopped all: insert them in halves, until it stands alone."""
    if len(wanted) == 1:
        return wanted
    middle = len(wanted) // 2
    return insert_all(collection, wanted[:middle]) + insert_all(collection, wanted[middle:])


def refused(exc: BulkWriteError) -> list[int]:
    """The places of documents that were refused for what is in them. Raises the error for any other failure."""
    codes = {place: code for place, code in failures(exc).items() if code != DUPLICATE}
    if not set(codes.values()) <= NOT_AS_IT_IS:
        raise exc
    return sorted(codes)


def failures(exc: BulkWriteError) -> Mapping[int, int]:
    """The error code of each item that failed. Raises the error if more than single items failed."""
    details: Mapping[str, Any] = exc.details or {}
    if details.get("writeConcernErrors") or not details.get("writeErrors"):
        raise exc
    return {error["index"]: error["code"] for error in details["writeErrors"]}
