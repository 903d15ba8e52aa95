"""What sells best in a state, as Redis has it."""

from __future__ import annotations

from typing import Any

from kapture_tui.workload.redis_client import open_redis
from kapture_tui.workload.sinks.redis_statistics import redis_errors

SHOWN = 10
"""Products a state's page shows."""

ANSWER_S = 2.0
"""How long Redis may take to answer, seconds."""

Sold = tuple[str, float]
"""(name of the product, how many were sold)."""


class Popular:
    """Asks Redis. May be used from several threads."""

    def __init__(self, url: str, name: str) -> None:
        self._url = url
        with redis_errors("reading the Redis URL", url):
            self._client = open_redis(url, name, ANSWER_S)

    def in_state(self, state: str) -> list[Sold]:
        """The best-selling products of a state, best first; none where nothing was sold yet.

        Raises: Unreachable: Redis does not answer, or not as it should.
        """
        with redis_errors("asking Redis what is popular", self._url):
            sold: Any = self._client.zrevrange(f"popular:{state}", 0, SHOWN - 1, withscores=True)
        return [(str(name), float(count)) for name, count in sold]

    def close(self) -> None:
        """Let go of the connections."""
        self._client.close()
