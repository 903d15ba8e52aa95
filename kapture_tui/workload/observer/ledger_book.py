"""What was read from `kapture.ledger`: the newest half of every loader and of every partition of every group."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from kapture_tui.model.ledger import GroupHalf, LoaderHalf, LoaderId, LoaderState, PartitionKey

SILENT_S = 10.0
"""A loader that has reported nothing for so long is taken for dead, seconds."""

FORGOTTEN_BYTES = 1 << 20
"""The embedded broker keeps 5 MiB of a partition: a record this far behind the newest one is written again in time."""

RECORD_BYTES = 128
"""What a record costs a broker besides key and value, rounded up."""


DEAF_S = 2.0
"""Between two looks at the ledger at most this much counts as silence of the loaders, seconds: the rest was ours."""


class ListeningClock:
    """A clock that goes while somebody listens. A loader is not dead because we were deaf."""

    def __init__(self) -> None:
        self._looked_s: float | None = None
        self.now_s = 0.0

    def listened(self, now_s: float) -> None:
        """Everything that was said until `now_s` (a monotonic clock) has been heard."""
        if self._looked_s is not None:
            self.now_s += min(now_s - self._looked_s, DEAF_S)
        self._looked_s = now_s


@dataclass(slots=True)
class _Heard:
    half: LoaderHalf
    at_s: float


class LedgerBook:
    """The newest halves. Reading a record twice, or an old one once more, changes nothing.

    Times are those of a `ListeningClock`.
    """

    def __init__(self) -> None:
        self._loaders: dict[LoaderId, _Heard] = {}
        self._groups: dict[str, dict[PartitionKey, GroupHalf]] = {}
        self._newest: dict[str, int] = {}

    def add(self, half: LoaderHalf | GroupHalf, now_s: float) -> bool:
        """Take a half; whether it is newer than what was known."""
        if isinstance(half, LoaderHalf):
            return self._add_loader(half, now_s)
        return self._add_group(half)

    def _add_loader(self, half: LoaderHalf, now_s: float) -> bool:
        known = self._loaders.get(half.id)
        if known and _order(half) <= _order(known.half):
            return False
        self._loaders[half.id] = _Heard(half, now_s)
        self._newest[half.loader] = max(half.incarnation, self._newest.get(half.loader, 0))
        return True

    def _add_group(self, half: GroupHalf) -> bool:
        parts = self._groups.setdefault(half.group, {})
        known = parts.get(half.partition)
        if known and (half.offset, half.time_s) <= (known.offset, known.time_s):
            return False
        parts[half.partition] = half
        return True

    def loaders(self, now_s: float) -> list[LoaderHalf]:
        """Every loader's half, LIVE turned to DEAD where a successor has reported or nothing has come for too long."""
        return [
            replace(heard.half, state=LoaderState.DEAD) if self._is_dead(heard, now_s) else heard.half
            for heard in self._loaders.values()
        ]

    def _is_dead(self, heard: _Heard, now_s: float) -> bool:
        if heard.half.state is not LoaderState.LIVE:
            return False
        succeeded = heard.half.incarnation < self._newest[heard.half.loader]
        return succeeded or now_s - heard.at_s > SILENT_S

    def group(self, group: str) -> Mapping[PartitionKey, GroupHalf]:
        """A group's halves by partition; partitions it has reported nothing of are left out."""
        return self._groups.get(group, {})


def _order(half: LoaderHalf) -> tuple[bool, float]:
    # A last report stays the last one, whatever the clock of its loader did.
    return half.state is LoaderState.DONE, half.time_s


@dataclass(slots=True)
class _Kept:
    value: bytes
    at_bytes: int


class Keeper:
    """Knows which records must be written again so that a broker that deletes the oldest ones keeps them.

    A real Kafka compacts the topic and needs no such care. Here the halves of whoever has stopped would otherwise be
    gone for an observer that starts later, and the verdict with them.
    """

    def __init__(self) -> None:
        self._bytes = 0
        self._kept: dict[bytes, _Kept] = {}

    def seen(self, key: bytes, value: bytes, newer: bool) -> None:
        """A record was read; `newer`: it is the one to keep for its key."""
        self._bytes += len(key) + len(value) + RECORD_BYTES
        if newer:
            self._kept[key] = _Kept(value, self._bytes)
        elif (kept := self._kept.get(key)) and kept.value == value:
            kept.at_bytes = self._bytes

    def due(self) -> Iterator[tuple[bytes, bytes]]:
        """Records to be written again now, as (key, value)."""
        for key, kept in self._kept.items():
            if self._bytes - kept.at_bytes > FORGOTTEN_BYTES:
                kept.at_bytes = (
                    self._bytes
                )  # should it not get there, it is due again long before it is forgotten
                yield key, kept.value
