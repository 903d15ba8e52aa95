"""What has been sold in each state, as the Redis sink keeps it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from kapture_tui.model.snapshot import Sale, StateSales
from kapture_tui.model.states import STATES
from kapture_tui.workload.fastjson import loads

if TYPE_CHECKING:
    import redis

LATEST = 2
"""Transactions a state: whoever watches one sees them pass, look by look."""

BUSIEST = 3
"""Stores a state that are named."""

_SUMS = ("orders", "items", "revenue_cents")


def read_sales(client: redis.Redis) -> dict[str, StateSales]:
    """Ask for all states at once. Raises the client's errors, and ValueError for what the sink did not write."""
    pipeline = client.pipeline(transaction=False)
    for state in STATES:
        pipeline.hmget(f"state:{state}", _SUMS)
        pipeline.lrange(f"recent:{state}", 0, LATEST - 1)
        pipeline.zcard(f"stores:{state}")
        pipeline.zrevrange(f"stores:{state}", 0, BUSIEST - 1)
    answers = iter(pipeline.execute())
    told = zip(STATES, answers, answers, answers, answers, strict=True)
    return {state: _sales(sums, *rest) for state, sums, *rest in told if sums[0] is not None}


def _sales(sums: Sequence[Any], latest: Sequence[Any], stores: int, busiest: Sequence[str]) -> StateSales:
    orders, items, cents = (None if value is None else int(value) for value in sums)
    # A transaction may name no store, or an older sink may have counted none: that is not the same as none.
    return StateSales(orders, items, cents, stores or None, tuple(busiest), tuple(map(_sale, latest)))


def _sale(text: str) -> Sale:
    try:
        told = loads(text)
        named = told["customer"], told["id"], told["day"], told["cents"], tuple(told["products"])
        return Sale(*named, told.get("store", ""))
    except (KeyError, TypeError) as exc:
        raise ValueError(f"a recent order without {exc}") from exc
