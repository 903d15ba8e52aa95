"""The one place that opens a connection to Redis: to one server, or to the primary that Sentinels name."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote, urlsplit

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from redis.sentinel import Sentinel, SentinelConnectionPool

SENTINEL = "redis+sentinel"
"""The scheme of "redis+sentinel://[USER]:PASSWORD@HOST:26379,HOST:26379/NAME[/DATABASE]": any of the Sentinels is asked
which server is the primary called NAME. The password is that of the servers and of the Sentinels."""

SENTINEL_PORT = 26379
SENTINEL_S = 2.0
"""How long a Sentinel may take to answer before the next one is asked, seconds."""


def open_redis(url: str, name: str, answer_s: float) -> redis.Redis:
    """A client for people's eyes: answers are text, and one that does not come is not waited for again.

    Args:
        url: "redis://…", "rediss://…", "unix://…" or as at `SENTINEL`.
        name: what the server lists the connection as.
        answer_s: how long the server may take to answer, seconds.

    Raises: ValueError: the URL is not valid.
    """
    return open_client(
        url,
        answer_s,
        retry=Retry(NoBackoff(), 0),  # the next question is the retry
        client_name=name,
        decode_responses=True,
        encoding_errors="replace",
    )


def open_client(url: str, answer_s: float, **options: Any) -> redis.Redis:
    """A client of redis-py with options of its own; after a fail-over it connects to the new primary.

    Raises: ValueError: the URL is not valid.
    """
    options |= {"socket_timeout": answer_s, "socket_connect_timeout": answer_s}
    if urlsplit(url).scheme != SENTINEL:
        return redis.Redis.from_url(url, **options)
    return _primary(url, options)


def follow_primary(client: redis.Redis) -> None:
    """Ask the Sentinels again, and leave a server that is not the primary any more; nothing to do without Sentinels.

    A primary that was only slow takes writes for seconds after its fail-over, and then throws them away.

    Raises: redis.ConnectionError: no Sentinel knows a primary.
    """
    pool = client.connection_pool
    if isinstance(pool, SentinelConnectionPool):
        pool.get_master_address()  # type: ignore[no-untyped-call]


def _primary(url: str, options: dict[str, Any]) -> redis.Redis:
    parts = urlsplit(url)
    hosts = parts.netloc.rpartition("@")[2]
    name, _, database = parts.path.strip("/").partition("/")
    if not hosts or not name or not (database or "0").isdecimal():
        raise ValueError(f"not of the form {SENTINEL}://:PASSWORD@HOST:{SENTINEL_PORT},…/NAME")
    credentials = {
        "username": unquote(parts.username) if parts.username else None,
        "password": unquote(parts.password) if parts.password else None,
    }
    patience = {"socket_timeout": SENTINEL_S, "socket_connect_timeout": SENTINEL_S}
    asking = {**credentials, **patience, "retry": Retry(NoBackoff(), 0)}
    sentinels: Any = Sentinel([_address(host) for host in hosts.split(",")], sentinel_kwargs=asking)  # type: ignore[no-untyped-call]
    primary: redis.Redis = sentinels.master_for(name, db=int(database or 0), **credentials, **options)
    return primary


def _address(text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    return (host, int(port)) if colon else (text, SENTINEL_PORT)
