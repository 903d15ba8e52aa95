"""Waiting for what a process needs and what may be started after it: brokers, topics, a database."""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Callable, Mapping

from kapture_tui.model.errors import KaptureError, Unreachable
from kapture_tui.workload.kafka import Admin, ClientSettings, KafkaError, open_admin
from kapture_tui.workload.process import StopSignal

log = logging.getLogger(__name__)

LOOK_S = 0.5
"""How long after one look the next one begins, seconds."""

STOP_S = 0.1
"""How long after a signal the waiting ends at the latest, seconds, whatever a look hangs in."""

TELL_S = 15.0
"""How often it is said what is missing, seconds."""

CONNECT_S = 2.0


def wait_for(what: str, look: Callable[[], str], stop: StopSignal, patience_s: float) -> bool:
    """Look again and again until nothing is missing.

    Args:
        what: what is waited for ("Kafka").
        look: what is missing; "" when nothing is. May block, may raise KaptureError. Runs in a thread of its own.
        patience_s: how long to wait, seconds.

    Returns: whether it is there; if not, `stop` was set.
    Raises: Unreachable: it was not there in time.
    """
    started = time.monotonic()
    told = -TELL_S
    while True:
        missing = _look_aside(look, stop)
        waited = time.monotonic() - started
        if stop:
            return False
        if not missing:
            return True
        if waited > patience_s:
            raise Unreachable(f"waiting {patience_s:.0f} s for {what}", missing, "see why it does not start")
        if waited - told >= TELL_S:
            told = waited
            log.info("waiting for %s: %s", what, missing)
        if stop.wait(LOOK_S):
            return False


def _look_aside(look: Callable[[], str], stop: StopSignal) -> str:
    """What is missing, or anything if asked to stop meanwhile: names that resolve slowly must not hold up the end."""
    found: list[str | BaseException] = []
    done = threading.Event()

    def run() -> None:
        try:
            found.append(look())
        except KaptureError as exc:
            found.append(str(exc))
        except BaseException as exc:
            found.append(exc)
        done.set()

    threading.Thread(target=run, name="look", daemon=True).start()
    while not done.wait(STOP_S):
        if stop:
            return "asked to stop"
    if isinstance(found[0], BaseException):
        raise found[0]
    return found[0]


class TopicsLook:
    """Looks whether the brokers answer and have the topics.

    Args:
        client: how to reach the brokers.
        topics: names to the number of partitions each must have at least.
        brokers: how many there must be.
    """

    def __init__(self, client: ClientSettings, topics: Mapping[str, int], brokers: int = 1) -> None:
        self._client = client
        self._topics = topics
        self._brokers = brokers
        self._admin: Admin | None = None

    def missing(self) -> str:
        """What is missing; "" when nothing is. Raises KafkaError."""
        # A client would go on knocking by itself, twenty times a second, and log each time.
        if self._admin is None and (refusal := knock(self._client.bootstrap)):
            return refusal
        admin = self._admin = self._admin or open_admin(self._client)
        if self._topics:
            have = admin.partitions()
            lacking = [name for name, least in self._topics.items() if have.get(name, 0) < least]
            if lacking:
                return _lacking(lacking[0], len(lacking), len(self._topics), have.get(lacking[0], 0))
            # A new partition's leader is known a moment before it serves.
            admin.end_offsets([(name, n) for name, least in self._topics.items() for n in range(least)])
        if self._brokers > 1 and (found := admin.brokers()) < self._brokers:
            return f"{found} of {self._brokers} brokers are there"
        return ""

    def close(self) -> None:
        """Let go of the connection."""
        if self._admin is not None:
            self._admin.close()


def _lacking(first: str, count: int, of: int, partitions: int) -> str:
    state = f"has {partitions} partitions" if partitions else "is not there"
    return f"{count} of {of} topics are not as they should be yet; {first} {state}"


def knock(bootstrap: str) -> str:
    """Try to connect to one of the "host:port,…"; why that failed for the last of them, "" if it did not."""
    refusal = "no address"
    for address in filter(None, bootstrap.split(",")):
        host, _, port = address.rpartition(":")
        try:
            socket.create_connection((host.strip("[]"), int(port)), timeout=CONNECT_S).close()
            return ""
        except (OSError, ValueError, OverflowError) as exc:
            refusal = f"{address}: {getattr(exc, 'strerror', None) or exc}"
    return refusal


class NotThereYet(KafkaError):
    """Kafka or a topic is not there; it may still be starting."""
