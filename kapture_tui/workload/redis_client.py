"""The one place that opens a connection to Redis."""

from __future__ import annotations

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry


def open_redis(url: str, name: str, answer_s: float) -> redis.Redis:
    """A client for people's eyes: answers are text, and one that does not come is not waited for again.

    Args:
        url: "redis://…", "rediss://…" or "unix://…".
        name: what the server lists the connection as.
        answer_s: how long the server may take to answer, seconds.

    Raises: ValueError: the URL is not valid.
    """
    return redis.Redis.from_url(
        url,
        socket_timeout=answer_s,
        socket_connect_timeout=answer_s,
        retry=Retry(NoBackoff(), 0),  # the next question is the retry
        client_name=name,
        decode_responses=True,
        encoding_errors="replace",
    )
