"""Members of a group: both clients keep the promises of `workload.kafka.base`."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping, Sequence
from contextlib import closing

import pytest

from kapture_tui.workload.kafka import (
    ClientSettings,
    Record,
    TopicPartition,
    open_consumer,
    open_producer,
)
from kapture_tui.workload.kafka.base import session_s
from tests.local.kafka_clients.clients import (
    POLL_S,
    Member,
    Reading,
    fill,
    more,
    new_topics,
    offsets,
    read,
    serve,
    settings_for,
    tick,
    total,
    until,
)
from tests.local.kafka_home import PATIENCE_S, Cluster, Embedded, Real


def test_two_members_share_topics_of_one_partition(cluster: Cluster, settings: ClientSettings) -> None:
    topics = new_topics(cluster, 51)
    everything = {(topic, 0) for topic in topics}
    story: list[tuple[str, str, set[TopicPartition]]] = []
    one, two = Member("one", story), Member("two", story)
    first = open_consumer(settings, f"group-{topics[0]}", topics, one)
    until(lambda: tick([first]) or one.owned == everything, "all topics are the first member's")
    second = open_consumer(settings, f"group-{topics[0]}", topics, two)
    shares = [25, 26]
    until(
        lambda: tick([first, second]) or sorted((len(one.owned), len(two.owned))) == shares,
        "both have their share",
    )
    assert one.owned | two.owned == everything

    kept = set(two.owned)
    second.close()
    assert story[-1] == ("revoked", "two", kept)
    until(lambda: tick([first]) or one.owned == everything, "all topics are the first member's again")
    first.close()
    assert story[-1] == ("revoked", "one", everything)
    # Nobody gets a partition before the other one has let go.
    owned: set[TopicPartition] = set()
    for what, _, partitions in story:
        assert (owned & partitions) == (set() if what == "assigned" else partitions)
        owned ^= partitions
    assert owned == set()


def test_a_member_starts_where_its_listener_says(cluster: Cluster, settings: ClientSettings) -> None:
    topics = new_topics(cluster, 2)
    for topic in topics:
        fill(settings, (topic, 0), 10)
    member = Member()
    member.starts[topics[0], 0] = 4
    with closing(open_consumer(settings, f"group-{topics[0]}", topics, member)) as consumer:
        consumer.commit({})
        found = read(consumer, 16)
    assert offsets(found) == {(topics[0], 0): [4, 5, 6, 7, 8, 9], (topics[1], 0): [*range(10)]}
    assert [record.value for record in found[topics[0], 0]] == [b"%d" % number for number in range(4, 10)]


def test_a_start_beyond_what_was_committed_counts(cluster: Cluster, settings: ClientSettings) -> None:
    (topic,) = new_topics(cluster)
    fill(settings, (topic, 0), 10)
    member = Member()
    with closing(open_consumer(settings, f"group-{topic}", [topic], member)) as consumer:
        read(consumer, 10)
        consumer.commit({(topic, 0): 2})
    member = Member()  # knows nothing: the oldest record, whatever the group has committed
    with closing(open_consumer(settings, f"group-{topic}", [topic], member)) as consumer:
        assert offsets(read(consumer, 10)) == {(topic, 0): [*range(10)]}


def test_what_was_fetched_before_a_rebalance_is_forgotten(cluster: Cluster, settings: ClientSettings) -> None:
    topics = new_topics(cluster, 2)
    for topic in topics:
        fill(settings, (topic, 0), 1000)
    one, two = Reading(), Reading()
    first = open_consumer(settings, f"group-{topics[0]}", topics, one)
    until(
        lambda: more(first, one.found, 3) or one.found, "the first records"
    )  # many others wait in the client
    one.starts = two.starts = {(topic, 0): 900 for topic in topics}
    second = open_consumer(settings, f"group-{topics[0]}", topics, two)

    def both_read() -> object:
        more(first, one.found, 3)
        more(second, two.found)
        return two.found and one.came_back(last=999)

    until(both_read, "the last record, after a rebalance")
    one.check()
    two.check()
    first.close()
    second.close()


def test_a_partition_comes_back_without_its_pause(cluster: Cluster, settings: ClientSettings) -> None:
    topics = new_topics(cluster, 2)
    for topic in topics:
        fill(settings, (topic, 0), 10)
    one = Reading()
    first = open_consumer(settings, f"group-{topics[0]}", topics, one)
    until(lambda: more(first, one.found) or one.owned, "assigned")
    first.pause(one.owned)
    second = open_consumer(settings, f"group-{topics[0]}", topics, Member())
    until(
        lambda: tick([second]) or more(first, one.found) or one.came_back(last=9),
        "the records that were paused",
    )
    one.check()
    first.close()
    second.close()


def test_seek_goes_back_and_forth(cluster: Cluster, settings: ClientSettings) -> None:
    (topic,) = new_topics(cluster)
    fill(settings, (topic, 0), 100)
    with closing(open_consumer(settings, f"group-{topic}", [topic], Member())) as consumer:
        until(lambda: consumer.poll(3, POLL_S), "the first records")
        consumer.seek((topic, 0), 90)
        assert offsets(read(consumer, 10)) == {(topic, 0): [*range(90, 100)]}
        consumer.seek((topic, 0), 95)
        assert offsets(read(consumer, 5)) == {(topic, 0): [*range(95, 100)]}


def test_a_paused_partition_rests_and_loses_nothing(cluster: Cluster, settings: ClientSettings) -> None:
    resting, running = new_topics(cluster, 2)
    fill(settings, (resting, 0), 50)
    with closing(open_consumer(settings, f"group-{resting}", [resting, running], Member())) as consumer:
        found: dict[TopicPartition, list[Record]] = {}
        until(lambda: more(consumer, found, 1) or found, "the first record")
        consumer.pause([(resting, 0), ("nobody's", 0)])
        fill(settings, (running, 0), 50)
        until(
            lambda: more(consumer, found, 10) or len(found.get((running, 0), ())) == 50,
            "the other partition",
        )
        rested = len(found[resting, 0])
        assert rested < 50  # what had left the client's queue before the pause may come, no more
        consumer.resume([(resting, 0), ("nobody's", 0)])
        until(lambda: more(consumer, found, 10) or total(found) >= 100, "the rest")
        assert offsets(found) == {(resting, 0): [*range(50)], (running, 0): [*range(50)]}


def test_what_a_listener_raises_reaches_the_one_who_polls(cluster: Cluster, settings: ClientSettings) -> None:
    class Broken(Member):
        def assigned(self, partitions: Sequence[TopicPartition]) -> Mapping[TopicPartition, int]:
            raise LookupError("the database lost its tables")

    (topic,) = new_topics(cluster)
    consumer = open_consumer(settings, f"group-{topic}", [topic], Broken())
    with pytest.raises(LookupError, match="lost its tables"):
        until(lambda: tick([consumer]), "an error")
    consumer.close()


@pytest.mark.slow
def test_a_listener_may_take_longer_than_the_session(client: str, embedded: Embedded) -> None:
    settings = settings_for(embedded, client)

    class Patient(Member):
        def assigned(self, partitions: Sequence[TopicPartition]) -> Mapping[TopicPartition, int]:
            # There is nothing to await: that nothing happens for longer than a session is the point.
            threading.Event().wait(session_s(settings) + 1.0)
            return super().assigned(partitions)

    (topic,) = new_topics(embedded)
    fill(settings, (topic, 0), 10)
    member = Patient()
    with closing(open_consumer(settings, f"group-{topic}", [topic], member)) as consumer:
        assert offsets(read(consumer, 10)) == {(topic, 0): [*range(10)]}
        fill(settings, (topic, 0), 10)
        assert offsets(read(consumer, 10)) == {(topic, 0): [*range(10, 20)]}
        assert [what for what, _, _ in member.story] == ["assigned"]


@pytest.mark.slow
def test_a_broker_that_restarts_loses_nothing(
    real: Real, client: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)
    settings = settings_for(real, client)
    (topic,) = new_topics(real)
    producer = open_producer(settings)
    told: list[tuple[bool, int]] = []
    send = producer.lane(topic, 0, lambda ok, offset, _header: told.append((ok, offset)))
    found: dict[TopicPartition, list[Record]] = {}
    member = Member()
    with closing(open_consumer(settings, f"group-{topic}", [topic], member)) as consumer:

        def go_on() -> int:
            serve(producer, 0.0)
            more(consumer, found)
            member.starts[topic, 0] = total(found)  # it may be assigned anew
            return total(found)

        for number in range(100):
            assert send(None, b"%d" % number, None)
        until(lambda: go_on() == 100, "100 records")
        real.stop()
        for number in range(100, 200):
            assert send(None, b"%d" % number, None)
        go_on()
        real.start()
        until(lambda: go_on() >= 200, "200 records")
    assert producer.flush(PATIENCE_S) == 0
    assert told == [(True, number) for number in range(200)]
    assert [int(record.value or b"") for record in found[topic, 0]] == [*range(200)]
