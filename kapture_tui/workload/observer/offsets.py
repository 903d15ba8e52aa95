"""From offsets to the Kafka panel: records, rates and lag by state."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from kapture_tui.model.snapshot import GroupLag, KafkaView, TopicView
from kapture_tui.model.states import STATES, transactions_topic
from kapture_tui.workload.kafka.base import TopicPartition
from kapture_tui.workload.observer.lag import Age, EndOffsets, lag_age
from kapture_tui.workload.rates import RATE_S, Window


@dataclass(frozen=True, slots=True)
class Offsets:
    """One look at all partitions.

    Attributes:
        committed: by group, where it goes on; looked up before `ends`, so that lag cannot turn negative by our own
            doing. A partition without a commit is left out: the group begins at its oldest record. A group that could
            not be asked for is left out too.
        ends: end offsets.
    """

    committed: Mapping[str, Mapping[TopicPartition, int]]
    ends: Mapping[TopicPartition, int]


class OffsetHistory:
    """Offsets over time, and what follows from them."""

    def __init__(self, groups: Sequence[str], partitions: int) -> None:
        self._groups = tuple(groups)
        self._by_state: dict[str, list[TopicPartition]] = {
            state: [(transactions_topic(state), number) for number in range(partitions)] for state in STATES
        }
        self._ends = {p: EndOffsets() for p in self.partitions}
        self._window: Window[Offsets] = Window(RATE_S)

    @property
    def partitions(self) -> list[TopicPartition]:
        """All partitions of all transactions topics."""
        return [partition for partitions in self._by_state.values() for partition in partitions]

    def add(self, now_s: float, offsets: Offsets) -> None:
        """Take a new look; `now_s` is when the end offsets were looked up."""
        self._window.add(now_s, offsets)
        for partition, end in offsets.ends.items():
            history = self._ends[partition]
            history.add(now_s, end)
            history.forget_before(min(_position(offsets, group, partition) for group in self._groups))

    def view(self, now_s: float, brokers: int | None) -> tuple[KafkaView, bool]:
        """The Kafka panel as of the last `add`, and whether some lag in seconds is only a lower bound."""
        offsets, before, seconds = self._two_looks()
        ages = self._ages(now_s, offsets)
        states = {
            state: self._topic(partitions, offsets, before, seconds, ages)
            for state, partitions in self._by_state.items()
        }
        total = self._topic(self.partitions, offsets, before, seconds, ages)
        vague = any(
            age is not None and age.at_least for of_group in ages.values() for age in of_group.values()
        )
        return KafkaView(brokers, states, total), vague

    def _two_looks(self) -> tuple[Offsets, Offsets | None, float]:
        span = self._window.span()
        if span is None:
            return self._window.newest(), None, 0.0
        seconds, before, newest = span
        return newest, before, seconds

    def _ages(self, now_s: float, offsets: Offsets) -> dict[str, dict[TopicPartition, Age | None]]:
        return {
            group: {
                p: lag_age(self._ends[p].samples, _position(offsets, group, p), end, now_s)
                for p, end in offsets.ends.items()
            }
            for group in offsets.committed
        }

    def _topic(
        self,
        partitions: Sequence[TopicPartition],
        offsets: Offsets,
        before: Offsets | None,
        seconds: float,
        ages: Mapping[str, Mapping[TopicPartition, Age | None]],
    ) -> TopicView:
        end = sum(offsets.ends[p] for p in partitions)
        return TopicView(
            partitions=len(partitions),
            end_offset=end,
            in_per_s=(end - sum(before.ends[p] for p in partitions)) / seconds if before else None,
            groups={
                group: _group_lag(group, partitions, offsets, before, seconds, ages.get(group, {}))
                for group in self._groups
            },
        )


def _group_lag(
    group: str,
    partitions: Sequence[TopicPartition],
    offsets: Offsets,
    before: Offsets | None,
    seconds: float,
    ages: Mapping[TopicPartition, Age | None],
) -> GroupLag:
    if group not in offsets.committed:
        return GroupLag()
    position = sum(_position(offsets, group, p) for p in partitions)
    earlier = None
    if before and group in before.committed:
        earlier = sum(_position(before, group, p) for p in partitions)
    return GroupLag(
        lag=sum(offsets.ends[p] for p in partitions) - position,
        out_per_s=None if earlier is None else (position - earlier) / seconds,
        lag_s=_worst(ages[p] for p in partitions),
    )


def _worst(ages: Iterable[Age | None]) -> float | None:
    """The highest age; None when one is not known, as that one might be the highest."""
    worst = 0.0
    for age in ages:
        if age is None:
            return None
        worst = max(worst, age.seconds)
    return worst


def _position(offsets: Offsets, group: str, partition: TopicPartition) -> int:
    return offsets.committed.get(group, {}).get(partition, 0)
