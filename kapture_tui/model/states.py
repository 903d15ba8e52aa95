"""The 50 states and the District of Columbia, and the topics named after them."""

from __future__ import annotations

STATES: tuple[str, ...] = (
    "AK", "AL", "AR", "AZ", "CA", "CO", "CT", "DC", "DE", "FL", "GA", "HI", "IA", "ID", "IL", "IN", "KS",
    "KY", "LA", "MA", "MD", "ME", "MI", "MN", "MO", "MS", "MT", "NC", "ND", "NE", "NH", "NJ", "NM", "NV",
    "NY", "OH", "OK", "OR", "PA", "RI", "SC", "SD", "TN", "TX", "UT", "VA", "VT", "WA", "WI", "WV", "WY",
)  # fmt: skip
"""The 51 two-letter codes, sorted. The index of a state in this tuple is its number everywhere."""

LEDGER_TOPIC = "kapture.ledger"
"""Both halves of the ledger. One partition, so that its records have one order for every reader; compacted."""

CONTROL_TOPIC = "kapture.control"
"""Orders to the running workload (rate, pause). One partition, compacted, keyed by component."""

FIGURES_TOPIC = "kapture.figures"
"""What processes tell the observer of themselves, once a second. One partition, compacted, keyed by process."""

DEAD_TOPIC = "transactions.dead"
"""Records of the transactions' topics that are no transactions, with where they stood and why. One partition."""


def transactions_topic(state: str) -> str:
    """The topic that carries a state's transactions."""
    return f"transactions.{state}"


RESTOCK_ROLLUPS_TOPIC = "rollups.restock"
"""The rollups of all restocks: one partition a state, by its number."""


def restock_topic(state: str) -> str:
    """The topic that carries what the spout brings back of a state: what its stores have sold. One partition."""
    return f"restock.{state}"


def is_restock(topic: str) -> bool:
    """Whether a topic carries restocks."""
    return topic.startswith("restock.")


def rollups_topic(state: str) -> str:
    """The topic that carries a state's rollups, partition by partition those of its transactions."""
    return f"rollups.{state}"
