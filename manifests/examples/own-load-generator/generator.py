"""A generator of one's own: six customers who buy the same bag of food day after day."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from itertools import count
from typing import Any

STATES = ("MA", "NY", "CA", "TX", "WA", "IL")
FOOD = {"category": "dry dog food", "brand": "Own", "size": 4.5, "per_unit_cost": 2.0}


def transactions(settings: Any) -> Iterator[tuple[str, int, bytes]]:
    """Yield (state, customer, record) for ever. The state decides the topic, the customer the partition.

    Args:
        settings: what the loader was told; `settings.name` is its pod's name, so that no two share customers.
    """
    first = zlib.crc32(settings.name.encode()) * len(STATES)
    for number in count():
        for customer, state in enumerate(STATES, start=first):
            yield state, customer, record(number, customer, state)


def record(number: int, customer: int, state: str) -> bytes:
    """A customer's purchase, with the fields that ETL and sinks read; more are welcome."""
    purchase = {
        "id": number,
        "customer": {"id": customer},
        "store": {"id": 1, "location": {"state": state}},
        "dateTime": float(number),
        "products": [FOOD],
    }
    return json.dumps(purchase, separators=(",", ":")).encode()
