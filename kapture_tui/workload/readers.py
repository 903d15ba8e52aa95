"""Whether the consumer groups of a stack read: each says so in the ledger as soon as it owns a partition."""

from __future__ import annotations

from collections.abc import Iterable

from kapture_tui.model.states import LEDGER_TOPIC
from kapture_tui.workload.kafka import ClientSettings, Reader, open_reader
from kapture_tui.workload.ledger_json import group_of

MOST = 10_000
"""Records taken at a look; what is left is there for the next one."""


class Readers:
    """Looks for the first report of each consumer group.

    Args:
        client: how to reach the brokers.
        groups: whom to look for; with none nobody is awaited.

    Attributes:
        awaited: the groups that have not read yet, by name.
    """

    def __init__(self, client: ClientSettings, groups: Iterable[str]) -> None:
        self.awaited = tuple(sorted(groups))
        self._reader: Reader | None = open_reader(client, {(LEDGER_TOPIC, 0): -1}) if self.awaited else None

    def look(self) -> tuple[str, ...]:
        """Read what was reported since the last look; who is still awaited. Does not wait. Raises KafkaError."""
        if self._reader is not None:
            records = self._reader.poll(MOST, 0.0).get((LEDGER_TOPIC, 0), ())
            reading = {group_of(record.key) for record in records}
            self.awaited = tuple(group for group in self.awaited if group not in reading)
            if not self.awaited:
                self.close()
        return self.awaited

    def close(self) -> None:
        """Let go of the connection."""
        if self._reader is not None:
            self._reader.close()
            self._reader = None
