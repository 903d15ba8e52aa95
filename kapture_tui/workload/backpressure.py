"""Holding loaders back on the embedded broker, which deletes a partition's oldest records beyond 5 MiB, read or not.

A governor looks every tenth of a second how far the slowest consumer group is behind in each partition, and gives the
loader credit for as much as still fits: the loader sends to a partition only below its credit. This closes the loop
between consumers and loaders, so what is measured then is the consumers' pace, and the screen says so.
"""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Iterable, Sequence
from typing import Protocol

from kapture_tui.workload.kafka import Admin, ClientSettings, KafkaError, TopicPartition, open_admin

log = logging.getLogger(__name__)

HOLD_BYTES = 3 * 1024 * 1024
"""How far the slowest group may be behind in a partition. Counted uncompressed, so on the safe side of 5 MiB."""

LOOK_S = 0.1

UNLIMITED = sys.maxsize
"""The credit where nothing is held back."""


class Governed(Protocol):
    """What the governor knows of a partition, and the credit it sets.

    Attributes:
        attempted: messages this loader handed over so far.
        end_offset: one more than the highest acknowledged offset this loader heard of.
        record_bytes: mean size of a record, bytes.
        credit: the loader sends while `attempted` is below this.
    """

    partition: TopicPartition
    credit: int

    @property
    def attempted(self) -> int: ...
    @property
    def end_offset(self) -> int: ...
    @property
    def record_bytes(self) -> float: ...


def credit(attempted: int, behind: int, record_bytes: float) -> int:
    """How far a loader may go: what it sent, plus what fits before the slowest group is `HOLD_BYTES` behind."""
    return attempted + max(0, int(HOLD_BYTES / record_bytes) - behind)


class Governor:
    """A thread that keeps the credits of a loader's partitions up to date.

    Attributes:
        slowest: the consumer group that held something back at the last look; "" if nothing was.
    """

    def __init__(
        self, settings: ClientSettings, groups: Sequence[str], partitions: Iterable[Governed]
    ) -> None:
        self.groups = tuple(groups)
        self.slowest = ""
        self._settings = settings
        self._partitions = list(partitions)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="governor", daemon=True)

    def start(self) -> None:
        """Begin: until the first look is over, each partition has the credit of an empty broker."""
        for part in self._partitions:
            part.credit = credit(0, 0, part.record_bytes)
        self._thread.start()

    def stop(self) -> None:
        """End the thread."""
        self._stop.set()
        self._thread.join(5.0)

    def _run(self) -> None:
        admin = open_admin(self._settings)
        while not self._stop.wait(LOOK_S):
            try:
                self.look(admin)
            except KafkaError as exc:
                log.warning("the credits stay as they are: %s", exc)
        admin.close()

    def look(self, admin: Admin) -> None:
        """Set the credits by where the groups are now. Raises KafkaError; the credits stay as they are then."""
        used = [part for part in self._partitions if part.attempted]
        if not used:
            return
        behind = dict.fromkeys((part.partition for part in used), 0)
        worst = (0, "")
        for group in self.groups:
            committed = admin.committed(group, [part.partition for part in used])
            for part in used:
                lag = part.end_offset - committed.get(part.partition, 0)
                behind[part.partition] = max(behind[part.partition], lag)
                worst = max(worst, (lag, group))
        for part in used:
            part.credit = credit(part.attempted, behind[part.partition], part.record_bytes)
        self.slowest = worst[1] if any(part.attempted >= part.credit for part in used) else ""
