"""Credit: as much as fits before the slowest group is too far behind, and none after that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from kapture_tui.workload.backpressure import HOLD_BYTES, UNLIMITED, Governor, credit
from kapture_tui.workload.kafka import ClientSettings, TopicPartition

MA, WY = ("transactions.MA", 0), ("transactions.WY", 0)

counts = st.integers(0, 1 << 40)
sizes = st.floats(1, 1e6)


@given(counts, counts, sizes)
def test_a_loader_fills_what_is_free_and_no_more(attempted: int, behind: int, size: float) -> None:
    room = credit(attempted, behind, size) - attempted
    assert room >= 0
    assert room == 0 or (behind + room) * size <= HOLD_BYTES + 1e-3 < (behind + room + 1) * size + 2e-3


@given(counts, st.integers(0, 10_000), st.integers(0, 10_000), sizes)
def test_the_further_behind_the_less_credit(attempted: int, behind: int, more: int, size: float) -> None:
    assert credit(attempted, behind + more, size) <= credit(attempted, behind, size)


@dataclass
class Lane:
    """A partition of a loader."""

    partition: TopicPartition
    attempted: int
    end_offset: int
    record_bytes: float = 1024.0
    credit: int = UNLIMITED


class Offsets:
    """A cluster that knows committed offsets and nothing else."""

    def __init__(self, committed: Mapping[str, Mapping[TopicPartition, int]]) -> None:
        self._committed = committed

    def committed(self, group: str, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        return {p: offset for p, offset in self._committed.get(group, {}).items() if p in partitions}

    def end_offsets(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        raise AssertionError("a loader knows its ends itself")

    def brokers(self) -> int:
        return 1

    def create_topics(self, topics: Mapping[str, tuple[int, int, Mapping[str, str]]]) -> None:
        raise AssertionError("the embedded broker cannot")

    def close(self) -> None:
        pass


def governed(
    groups: Sequence[str], lanes: list[Lane], committed: Mapping[str, Mapping[TopicPartition, int]]
) -> str:
    """Let a governor look once; the group it blames."""
    governor = Governor(ClientSettings("nowhere:1", "loader-0", embedded=True), groups, lanes)
    governor.look(Offsets(committed))
    return governor.slowest


ROOM = HOLD_BYTES // 1024


def test_the_slowest_group_decides() -> None:
    lane = Lane(MA, attempted=1000, end_offset=900)
    assert governed(["etl", "etl-redis"], [lane], {"etl": {MA: 900}, "etl-redis": {MA: 400}}) == ""
    assert lane.credit == 1000 + ROOM - 500


def test_a_group_that_never_committed_has_read_nothing() -> None:
    lane = Lane(MA, attempted=10_000, end_offset=5000)
    assert governed(["etl", "etl-redis"], [lane], {"etl": {MA: 5000}}) == "etl-redis"
    assert lane.credit == 10_000


def test_partitions_are_held_back_one_by_one() -> None:
    full, free = Lane(MA, 8000, 8000), Lane(WY, 10, 10)
    assert governed(["etl"], [full, free], {"etl": {MA: 0, WY: 10}}) == "etl"
    assert (full.credit, free.credit) == (8000, 10 + ROOM)


def test_partitions_nothing_was_sent_to_keep_their_credit() -> None:
    idle = Lane(MA, 0, 0)
    assert governed(["etl"], [idle], {}) == ""
    assert idle.credit == UNLIMITED


def test_a_group_ahead_of_what_this_loader_has_heard_of_is_not_behind() -> None:
    lane = Lane(MA, attempted=100, end_offset=80)
    assert governed(["etl"], [lane], {"etl": {MA: 95}}) == ""
    assert lane.credit == 100 + ROOM
