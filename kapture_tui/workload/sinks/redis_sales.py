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

_SUMS = ("orders", "items", "revenue_cents")


def read_sales(client: redis.Redis) -> dict[str, StateSales]:
    """Ask for all states at once. Raises the client's errors, and ValueError for what the sink did not write."""
    pipeline = client.pipeline(transaction=False)
    for state in STATES:
        pipeline.hmget(f"state:{state}", _SUMS)
        pipeline.lrange(f"recent:{state}", 0, LATEST - 1)
    answers = pipeline.execute()
    pairs = zip(STATES, answers[::2], answers[1::2], strict=True)
    return {state: _sales(sums, latest) for state, sums, latest in pairs if sums[0] is not None}


def _sales(sums: Sequence[Any], latest: Sequence[Any]) -> StateSales:
    orders, items, cents = (None if value is None else int(value) for value in sums)
    return StateSales(orders, items, cents, latest=tuple(map(_sale, latest)))


def _sale(text: str) -> Sale:
    try:
        told = loads(text)
        return Sale(told["customer"], told["id"], told["day"], told["cents"], tuple(told["products"]))
    except (KeyError, TypeError) as exc:
        raise ValueError(f"a recent order without {exc}") from exc
