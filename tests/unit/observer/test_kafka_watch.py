"""In which order Kafka is asked, and what becomes of what it does not answer. Client: stand-ins of our own protocol."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from kapture_tui.model.ledger import GroupHalf, LoaderHalf, LoaderState, Sent
from kapture_tui.workload.kafka import ClientSettings, KafkaError, Record, TopicPartition
from kapture_tui.workload.ledger_json import encode, key_of
from kapture_tui.workload.observer import kafka_watch
from kapture_tui.workload.observer.kafka_watch import LEDGER, READ_S, KafkaPart, KafkaWatch


class Cluster:
    """What the stand-ins for admin and reader answer, and what they were asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.ledger: list[LoaderHalf | GroupHalf] = []
        self.position = 0
        self.ends: dict[TopicPartition, int] = {}
        self.away: set[str] = set()
        self.now_s = 0.0
        self.poll_s = 0.01

    def end_offsets(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        self.ask("ledger end" if list(partitions) == [LEDGER] else "ends")
        return {p: len(self.ledger) if p == LEDGER else self.ends.get(p, 0) for p in partitions}

    def committed(self, group: str, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        self.ask(f"committed {group}")
        return {}

    def brokers(self) -> int:
        self.ask("brokers")
        return 2

    def poll(self, max_records: int, timeout_s: float) -> dict[TopicPartition, list[Record]]:
        self.ask("poll")
        self.now_s += self.poll_s
        found = self.ledger[self.position : self.position + min(max_records, 3)]
        records = [
            Record(self.position + n, key_of(half), encode(half), None) for n, half in enumerate(found)
        ]
        self.position += len(found)
        return {LEDGER: records}

    def ask(self, what: str) -> None:
        self.asked.append(what)
        if what in self.away:
            raise KafkaError(f"asking for {what}", "no answer")

    def close(self) -> None:
        pass


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Cluster:
    cluster = Cluster()
    monkeypatch.setattr(kafka_watch, "open_admin", lambda settings: cluster)
    monkeypatch.setattr(kafka_watch, "open_reader", lambda settings, offsets: cluster)
    return cluster


@pytest.fixture
def watch(cluster: Cluster) -> KafkaWatch:
    return KafkaWatch(ClientSettings("x:1", "test"), ("etl", "etl-redis"), 1, clock=lambda: cluster.now_s)


def loader(second: int = 0) -> LoaderHalf:
    sent = {"transactions.MA/0": Sent(5, ((0, 5),))}
    return LoaderHalf("data-loader-0", "0" * 16, 0, float(second), LoaderState.DONE, sent)


def test_the_ledger_before_commits_before_ends(cluster: Cluster, watch: KafkaWatch) -> None:
    cluster.ledger = [loader()]
    watch.look()
    assert cluster.asked == ["ledger end", "poll", "committed etl", "committed etl-redis", "ends", "brokers"]


def test_a_half_that_comes_after_the_look_began_is_left_for_the_next(
    cluster: Cluster, watch: KafkaWatch
) -> None:
    cluster.ledger = [loader()]
    watch.look()
    cluster.asked.clear()
    watch.look()
    assert "poll" not in cluster.asked  # nothing new: nobody waits for what may never come


def test_no_verdict_before_the_ledger_is_read_to_its_end(cluster: Cluster, watch: KafkaWatch) -> None:
    cluster.ledger = [loader(second) for second in range(20)]
    cluster.poll_s = READ_S / 2
    parts: list[KafkaPart] = []
    while not parts or parts[-1].ledger is None:
        parts.append(watch.look())
    assert len(parts) == 4
    assert parts[0].unavailable["ledger"] == "still reading the ledger, 14 records to go"
    assert all(part.flow is None and not part.drained and part.kafka.brokers == 2 for part in parts[:-1])
    assert parts[-1].ledger is not None
    assert parts[-1].ledger.acked == 5
    # Partitions without records are drained, so what was acknowledged there is lost.
    assert {group: verdict.lost for group, verdict in parts[-1].ledger.groups.items()} == {
        "etl": 5,
        "etl-redis": 5,
    }


def test_a_group_that_cannot_be_asked_for_has_its_reason(cluster: Cluster, watch: KafkaWatch) -> None:
    cluster.away = {"committed etl"}
    part = watch.look()
    assert part.unavailable["lag of etl"] == "asking for committed etl: no answer"
    assert (part.kafka.total.groups["etl"].lag, part.kafka.total.groups["etl-redis"].lag) == (None, 0)


@pytest.mark.parametrize("away", ["ledger end", "poll", "ends", "brokers"])
def test_without_an_answer_there_is_no_part_and_then_there_is(
    cluster: Cluster, watch: KafkaWatch, away: str
) -> None:
    cluster.ledger = [loader()]
    cluster.away = {away}
    with pytest.raises(KafkaError, match="no answer"):
        watch.look()
    cluster.away = set()
    assert watch.look().ledger is not None


def test_brokers_are_not_counted_in_every_look(cluster: Cluster, watch: KafkaWatch) -> None:
    for second in range(10):
        cluster.now_s = float(second)
        assert watch.look().kafka.brokers == 2
    assert cluster.asked.count("brokers") == 2
