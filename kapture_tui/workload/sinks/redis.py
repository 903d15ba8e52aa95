"""The Redis sink: per customer orders and spend, per state counters, popular products, stores, recent orders.

Each batch is one script call, which Redis runs as a whole: it compares the stored offset, adds up, and stores the new
offset and ledger half. So a batch that is sent twice counts once, and one from a consumer that lost its partition
changes nothing. What is kept grows with customers, products and stores, not with transactions.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Any

from redis.exceptions import RedisError

from kapture_tui.model.ledger import GroupHalf
from kapture_tui.model.spec import Component
from kapture_tui.workload.fastjson import dumps
from kapture_tui.workload.kafka import TopicPartition
from kapture_tui.workload.ledger import partition_key
from kapture_tui.workload.ledger_json import decode_group, encode
from kapture_tui.workload.redis_client import follow_primary, open_client
from kapture_tui.workload.sinks.base import Batch, SinkUnavailable, Statistics
from kapture_tui.workload.sinks.redis_statistics import RedisWatch
from kapture_tui.workload.sinks.urls import without_password
from kapture_tui.workload.transaction import Order

RECENT = 20
"""Orders kept in `recent:XX`."""

ANSWER_S = 10.0

STORE_BATCH = """
local stored = tonumber(redis.call('HGET', KEYS[1], ARGV[1]) or '0')
if stored ~= tonumber(ARGV[2]) then return stored end
local state, recent = 'state:' .. ARGV[5], 'recent:' .. ARGV[5]
redis.call('HINCRBY', state, 'orders', ARGV[6])
redis.call('HINCRBY', state, 'items', ARGV[7])
redis.call('HINCRBY', state, 'revenue_cents', ARGV[8])
for customer, orders, cents in string.gmatch(ARGV[9], '(%-?%d+) (%d+) (%-?%d+)') do
  redis.call('HINCRBY', 'customer:' .. customer, 'orders', orders)
  redis.call('HINCRBY', 'customer:' .. customer, 'spend_cents', cents)
end
local at = 12
for number, ranking in ipairs({'popular:' .. ARGV[5], 'stores:' .. ARGV[5]}) do
  for _ = 1, tonumber(ARGV[9 + number]) do
    redis.call('ZINCRBY', ranking, ARGV[at], ARGV[at + 1])
    at = at + 2
  end
end
for index = at, #ARGV do redis.call('LPUSH', recent, ARGV[index]) end
redis.call('LTRIM', recent, 0, 19)
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
redis.call('HSET', KEYS[2], ARGV[1], ARGV[4])
return tonumber(ARGV[3])
"""
"""KEYS: offsets, ledger halves. ARGV: partition, offset before, offset after, half, state, orders, items, cents,
"customer orders cents customer orders cents …", number of products, number of stores, of each product (items, name),
of each store (orders, name), recent orders, oldest first. Returns the offset stored afterwards. The customers are one
text: each argument costs the client microseconds."""


def position_key(group: str) -> str:
    """The hash of stored offsets, by partition."""
    return f"kapture:position:{group}"


def ledger_key(group: str) -> str:
    """The hash of stored ledger halves, by partition."""
    return f"kapture:ledger:{group}"


BORN = "kapture:born"
"""Holds a random word for as long as the server keeps its data."""


class RedisSink:
    """The sink of group `etl-redis`: see `Database`."""

    group = Component.REDIS_SINK.value
    documents = False
    batch_records = 20_000
    batch_s = 0.1

    def __init__(self, url: str) -> None:
        self._shown_url = without_password(url)
        self._watch = RedisWatch(url)
        self._client: Any = open_client(url, ANSWER_S)

    def prepare(self) -> None:
        """See `Sink`: keys come with the first write, so it is enough that Redis answers."""
        try:
            self._client.ping()
        except RedisError as exc:
            raise self._unavailable("asking whether it is there", exc) from exc

    def restore(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, GroupHalf]:
        """See `Sink`."""
        keys = [partition_key(partition) for partition in partitions]
        if not keys:
            return {}
        try:
            halves = self._client.hmget(ledger_key(self.group), keys)
        except RedisError as exc:
            raise self._unavailable("reading the stored offsets", exc) from exc
        return {p: decode_group(half) for p, half in zip(partitions, halves, strict=True) if half}

    def write(self, batches: Sequence[Batch]) -> Mapping[TopicPartition, int]:
        """See `Sink`: one pipeline of script calls."""
        pipeline = self._client.pipeline(transaction=False)
        for batch in batches:
            pipeline.eval(STORE_BATCH, 2, position_key(self.group), ledger_key(self.group), *arguments(batch))
        try:
            stored = pipeline.execute()
        except RedisError as exc:
            raise self._unavailable("writing a batch", exc) from exc
        return {batch.partition: int(offset) for batch, offset in zip(batches, stored, strict=True)}

    def identity(self) -> str:
        """See `Sink`: the random word, and the history of writes that the server is in.

        A server without a word is given one. Replication is asynchronous: a replica that becomes the primary may lack
        the last writes, and begins another history.
        """
        try:
            follow_primary(self._client)
            self._client.set(BORN, secrets.token_hex(8), nx=True)
            history = self._client.info("replication").get("master_replid", "")
            return f"{self._client.get(BORN)} {history}"
        except RedisError as exc:
            raise self._unavailable("asking who it is", exc) from exc

    def statistics(self) -> Statistics:
        """See `Database`."""
        return self._watch.look()

    def _unavailable(self, doing: str, exc: RedisError) -> SinkUnavailable:
        return SinkUnavailable(f"{doing} ({self._shown_url})", f"{type(exc).__name__}: {exc}")

    def close(self) -> None:
        """See `Sink`."""
        self._client.close()


def arguments(batch: Batch) -> list[Any]:
    """ARGV of `STORE_BATCH`."""
    customers: dict[int, list[int]] = {}
    products: dict[str, int] = {}
    stores: dict[str, int] = {}
    items = cents = 0
    for order in batch.orders:
        items += len(order.products)
        cents += order.cents
        customer = customers.get(order.customer)
        if customer is None:
            customers[order.customer] = [1, order.cents]
        else:
            customer[0] += 1
            customer[1] += order.cents
        for name in order.products:
            products[name] = products.get(name, 0) + 1
        if order.store:
            stores[order.store] = stores.get(order.store, 0) + 1
    argv: list[Any] = [partition_key(batch.partition), batch.start, batch.half.offset, encode(batch.half)]
    argv += [batch.state, len(batch.orders), items, cents]
    argv.append(" ".join([f"{number} {orders} {spend}" for number, (orders, spend) in customers.items()]))
    argv += [len(products), len(stores)]
    for name, count in chain(products.items(), stores.items()):
        argv += (count, name)
    argv += _recent(batch.orders[-RECENT:])
    return argv


def _recent(orders: Iterable[Order]) -> list[bytes]:
    return [
        dumps(
            {
                "customer": o.customer,
                "id": o.number,
                "day": round(o.day, 3),
                "cents": o.cents,
                "products": o.products,
                "store": o.store,
            }
        )
        for o in orders
    ]
