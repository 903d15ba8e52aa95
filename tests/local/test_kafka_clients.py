"""Both Kafka clients keep the promises of `workload.kafka.base`, on the embedded broker and on a real one."""

from __future__ import annotations

import itertools
import logging
import os
import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from importlib.util import find_spec

import pytest
from kafka import KafkaProducer

from kapture_tui.workload.kafka import (
    ClientSettings,
    GroupConsumer,
    KafkaError,
    Lane,
    Producer,
    Reader,
    Record,
    TopicPartition,
    client_name,
    open_admin,
    open_consumer,
    open_producer,
    open_reader,
)
from kapture_tui.workload.kafka.base import session_s
from tests.local.kafka_home import PATIENCE_S, Cluster, Embedded, Real

POLL_S = 0.1

GIVE_UP_S = 5.0
"""Long enough for what a broker answers, short enough to wait for where none does."""

_numbers = itertools.count()


@pytest.fixture(params=["confluent", "kafka-python"])
def client(request: pytest.FixtureRequest) -> str:
    if request.param == "confluent" and not find_spec("confluent_kafka"):
        pytest.skip("confluent-kafka has no wheel for this machine")
    return str(request.param)


@pytest.fixture(scope="module")
def embedded() -> Iterator[Embedded]:
    with closing(Embedded()) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Real]:
    if not os.environ.get("KAFKA_HOME"):
        pytest.skip("KAFKA_HOME names no Apache Kafka")
    with closing(Real(tmp_path_factory.mktemp("kafka"))) as cluster:
        yield cluster


@pytest.fixture(params=["embedded", "real"])
def cluster(request: pytest.FixtureRequest) -> Cluster:
    found: Cluster = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def settings(cluster: Cluster, client: str) -> ClientSettings:
    return settings_for(cluster, client)


def settings_for(cluster: Cluster, client: str, message_timeout_s: float | None = 60.0) -> ClientSettings:
    return ClientSettings(
        cluster.bootstrap,
        "test",
        embedded=cluster.embedded,
        client=client,
        compression="none",
        message_timeout_s=message_timeout_s,
    )


def new_topics(cluster: Cluster, count: int = 1, partitions: int = 1) -> list[str]:
    """Names of topics that nobody has used."""
    names = [f"topic-{next(_numbers):04}" for _ in range(count)]
    cluster.create(dict.fromkeys(names, partitions))
    return names


def fill(settings: ClientSettings, partition: TopicPartition, count: int) -> None:
    """Write that many records, each with its number as value and header."""
    producer = open_producer(settings)
    send = producer.lane(*partition, None)
    for number in range(count):
        assert send(b"key", b"%d" % number, b"%d" % number)
    assert producer.flush(PATIENCE_S) == 0


def read(
    consumer: GroupConsumer | Reader, count: int, others: Sequence[GroupConsumer] = ()
) -> dict[TopicPartition, list[Record]]:
    """Poll until so many records have come, the other members too."""
    found: dict[TopicPartition, list[Record]] = {}
    until(
        lambda: _more(consumer, found) or _tick(others) or total(found) >= count, f"{count} records: {found}"
    )
    return found


def _more(
    consumer: GroupConsumer | Reader, found: dict[TopicPartition, list[Record]], most: int = 100
) -> None:
    for partition, records in consumer.poll(most, POLL_S).items():
        found.setdefault(partition, []).extend(records)


def _tick(members: Sequence[GroupConsumer]) -> None:
    for member in members:
        member.poll(100, POLL_S)


def serve(producer: Producer, timeout_s: float) -> None:
    producer.poll(timeout_s)


def total(found: Mapping[TopicPartition, list[Record]]) -> int:
    return sum(map(len, found.values()))


def offsets(found: Mapping[TopicPartition, list[Record]]) -> dict[TopicPartition, list[int]]:
    return {partition: [record.offset for record in records] for partition, records in found.items()}


def until(done: Callable[[], object], what: str) -> None:
    end = time.monotonic() + PATIENCE_S
    while not done():
        assert time.monotonic() < end, f"not within {PATIENCE_S:.0f} s: {what}"


class Member:
    """A listener that remembers; several share one story."""

    def __init__(
        self, name: str = "one", story: list[tuple[str, str, set[TopicPartition]]] | None = None
    ) -> None:
        self.name = name
        self.story = story if story is not None else []
        self.starts: dict[TopicPartition, int] = {}
        self.owned: set[TopicPartition] = set()

    def assigned(self, partitions: Sequence[TopicPartition]) -> Mapping[TopicPartition, int]:
        self.story.append(("assigned", self.name, set(partitions)))
        self.owned |= set(partitions)
        return {p: offset for p, offset in self.starts.items() if p in self.owned}

    def revoked(self, partitions: Sequence[TopicPartition]) -> None:
        self.story.append(("revoked", self.name, set(partitions)))
        self.owned -= set(partitions)


class Reading(Member):
    """A member that notes, at each assignment, how much had been read of each partition by then.

    Attributes:
        found: what has been read.
        runs: for each partition and each of its assignments, how many records had been read before, and the offset to
            go on from. A rebalance may take several, and how many is up to the machine.
    """

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[TopicPartition, list[Record]] = {}
        self.runs: dict[TopicPartition, list[tuple[int, int]]] = {}

    def assigned(self, partitions: Sequence[TopicPartition]) -> Mapping[TopicPartition, int]:
        starts = super().assigned(partitions)
        for partition in partitions:
            run = len(self.found.get(partition, ())), starts.get(partition, 0)
            self.runs.setdefault(partition, []).append(run)
        return starts

    def came_back(self, last: int) -> list[TopicPartition]:
        """The partitions that were assigned again and have been read to the offset `last` since."""
        return [
            partition
            for partition, records in self.found.items()
            if len(self.runs[partition]) > 1
            and len(records) > self.runs[partition][-1][0]
            and records[-1].offset == last
        ]

    def check(self) -> None:
        """After each assignment come the records from its start on, without a gap, and nothing else."""
        for partition, runs in self.runs.items():
            seen = offsets(self.found).get(partition, [])
            ends = [*(before for before, _ in runs[1:]), len(seen)]
            for (begin, start), end in zip(runs, ends, strict=True):
                assert seen[begin:end] == [*range(start, start + end - begin)], (partition, runs)


# --- sending -------------------------------------------------------------------------------------------------------


def test_acknowledgements_come_in_order_with_their_offsets(
    cluster: Cluster, settings: ClientSettings
) -> None:
    (topic,) = new_topics(cluster, partitions=3)
    producer = open_producer(settings)
    told: dict[int, list[tuple[bool, int, bytes | None]]] = {0: [], 1: [], 2: []}
    threads: set[int] = set()

    def lane(partition: int) -> Lane:
        def on_delivery(acknowledged: bool, offset: int, header: bytes | None) -> None:
            threads.add(threading.get_ident())
            told[partition].append((acknowledged, offset, header))

        return producer.lane(topic, partition, on_delivery)

    lanes = [lane(partition) for partition in range(3)]
    for number in range(1000):
        for send in lanes:
            assert send(b"key", b"value", b"%d" % number)
        producer.poll(0.0)
    assert producer.in_flight() + sum(map(len, told.values())) == 3000
    assert producer.flush(PATIENCE_S) == 0
    assert producer.in_flight() == 0
    for partition in range(3):
        assert told[partition] == [(True, number, b"%d" % number) for number in range(1000)]
    assert threads == {threading.get_ident()}


def test_poll_returns_when_something_was_delivered(cluster: Cluster, settings: ClientSettings) -> None:
    (topic,) = new_topics(cluster)
    producer = open_producer(settings)
    told: list[int] = []
    send = producer.lane(topic, 0, lambda _ok, offset, _header: told.append(offset))
    for number in range(3):
        assert send(None, b"value", None)
        until(lambda: serve(producer, PATIENCE_S / 4) or told, "a delivery")
        assert told == [*range(number), number]


def test_a_message_given_up_comes_back_with_its_header(client: str) -> None:
    cluster = Embedded()
    topics = new_topics(cluster, 2)
    sizes = dict(zip(topics, (10, 300_000), strict=True))  # one batch, and many
    producer = open_producer(settings_for(cluster, client, message_timeout_s=GIVE_UP_S))
    told: dict[str, list[tuple[bool, int, bytes | None]]] = {topic: [] for topic in topics}
    lanes = {
        topic: producer.lane(topic, 0, lambda *report, told=told[topic]: told.append(report))
        for topic in topics
    }
    for number in range(5):
        for topic in topics:
            assert lanes[topic](b"key", b"value", f"{topic}/{number}".encode())
    assert producer.flush(PATIENCE_S) == 0
    cluster.close()
    for number in range(5, 25):
        for topic in topics:
            assert lanes[topic](b"key", bytes(sizes[topic]), f"{topic}/{number}".encode())
    assert producer.flush(0.1) >= 40  # librdkafka counts what it wants to say about connections too
    until(lambda: serve(producer, 0.0) or producer.in_flight() == 40, "40 in flight")
    assert producer.flush(PATIENCE_S) == producer.in_flight() == 0
    for topic in topics:
        assert told[topic] == [
            (number < 5, number if number < 5 else -1, f"{topic}/{number}".encode()) for number in range(25)
        ]


def test_a_full_buffer_takes_no_more_until_there_is_room(cluster: Cluster, settings: ClientSettings) -> None:
    (topic,) = new_topics(cluster)
    producer = open_producer(settings)
    told: list[bool] = []
    send = producer.lane(topic, 0, lambda ok, _offset, _header: told.append(ok))
    value = bytes(512 * 1024)
    taken = sum(itertools.takewhile(bool, (send(None, value, None) for _ in range(1000))))
    assert 0 < taken <= producer.in_flight() < 1000
    until(lambda: serve(producer, POLL_S) or send(None, value, None), "room for one more")
    assert producer.flush(PATIENCE_S) == 0
    assert told == [True] * (taken + 1)


def test_few_reports_stand_for_all_where_nothing_is_given_up(cluster: Cluster, client: str) -> None:
    told: dict[float | None, list[int]] = {None: [], 60.0: []}
    for timeout_s, offsets_told in told.items():
        (topic,) = new_topics(cluster)
        producer = open_producer(settings_for(cluster, client, timeout_s))
        send = producer.lane(topic, 0, lambda _ok, offset, _header, to=offsets_told: to.append(offset))
        for number in range(100):
            assert send(None, b"value", None, number % 10 == 0)
        assert producer.flush(PATIENCE_S) == 0
    assert told == {None: [*range(0, 100, 10)], 60.0: [*range(100)]}


def test_a_partition_that_is_not_there_is_an_error(cluster: Cluster, settings: ClientSettings) -> None:
    (topic,) = new_topics(cluster)
    producer = open_producer(settings)
    told: list[bool] = []
    send = producer.lane(topic, 7, lambda ok, _offset, _header: told.append(ok))
    with suppress(KafkaError):  # one client knows at once, the other one asks the brokers first
        send(None, b"value", None)
        until(lambda: serve(producer, POLL_S) or told, "a verdict")
        raise KafkaError(topic) if told == [False] else AssertionError(told)


# --- groups --------------------------------------------------------------------------------------------------------


def test_two_members_share_topics_of_one_partition(cluster: Cluster, settings: ClientSettings) -> None:
    topics = new_topics(cluster, 51)
    everything = {(topic, 0) for topic in topics}
    story: list[tuple[str, str, set[TopicPartition]]] = []
    one, two = Member("one", story), Member("two", story)
    first = open_consumer(settings, f"group-{topics[0]}", topics, one)
    until(lambda: _tick([first]) or one.owned == everything, "all topics are the first member's")
    second = open_consumer(settings, f"group-{topics[0]}", topics, two)
    shares = [25, 26]
    until(
        lambda: _tick([first, second]) or sorted((len(one.owned), len(two.owned))) == shares,
        "both have their share",
    )
    assert one.owned | two.owned == everything

    kept = set(two.owned)
    second.close()
    assert story[-1] == ("revoked", "two", kept)
    until(lambda: _tick([first]) or one.owned == everything, "all topics are the first member's again")
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
        lambda: _more(first, one.found, 3) or one.found, "the first records"
    )  # many others wait in the client
    one.starts = two.starts = {(topic, 0): 900 for topic in topics}
    second = open_consumer(settings, f"group-{topics[0]}", topics, two)

    def both_read() -> object:
        _more(first, one.found, 3)
        _more(second, two.found)
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
    until(lambda: _more(first, one.found) or one.owned, "assigned")
    first.pause(one.owned)
    second = open_consumer(settings, f"group-{topics[0]}", topics, Member())
    until(
        lambda: _tick([second]) or _more(first, one.found) or one.came_back(last=9),
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
        until(lambda: _more(consumer, found, 1) or found, "the first record")
        consumer.pause([(resting, 0), ("nobody's", 0)])
        fill(settings, (running, 0), 50)
        until(
            lambda: _more(consumer, found, 10) or len(found.get((running, 0), ())) == 50,
            "the other partition",
        )
        rested = len(found[resting, 0])
        assert rested < 50  # what had left the client's queue before the pause may come, no more
        consumer.resume([(resting, 0), ("nobody's", 0)])
        until(lambda: _more(consumer, found, 10) or total(found) >= 100, "the rest")
        assert offsets(found) == {(resting, 0): [*range(50)], (running, 0): [*range(50)]}


def test_what_a_listener_raises_reaches_the_one_who_polls(cluster: Cluster, settings: ClientSettings) -> None:
    class Broken(Member):
        def assigned(self, partitions: Sequence[TopicPartition]) -> Mapping[TopicPartition, int]:
            raise LookupError("the database lost its tables")

    (topic,) = new_topics(cluster)
    consumer = open_consumer(settings, f"group-{topic}", [topic], Broken())
    with pytest.raises(LookupError, match="lost its tables"):
        until(lambda: _tick([consumer]), "an error")
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


# --- readers and questions -------------------------------------------------------------------------------------------


def test_a_reader_reads_from_an_offset_and_from_the_oldest(
    cluster: Cluster, settings: ClientSettings
) -> None:
    topics = new_topics(cluster, 2)
    for topic in topics:
        fill(settings, (topic, 0), 10)
    oldest, newer = (topics[0], 0), (topics[1], 0)
    with closing(open_reader(settings, {oldest: -1, newer: 7})) as reader:
        found = read(reader, 13)
        assert offsets(found) == {oldest: [*range(10)], newer: [7, 8, 9]}
        assert found[newer][0] == Record(7, b"key", b"7", b"7")
        reader.assign({newer: 3})
        assert offsets(read(reader, 7)) == {newer: [*range(3, 10)]}
        reader.assign({newer: 9})
        assert offsets(read(reader, 1)) == {newer: [9]}
        reader.assign({})
        assert reader.poll(10, POLL_S) == {}
        reader.assign({oldest: -1})
        assert offsets(read(reader, 10)) == {oldest: [*range(10)]}


def test_a_reader_does_without_waiting(cluster: Cluster, settings: ClientSettings) -> None:
    (topic,) = new_topics(cluster)
    fill(settings, (topic, 0), 10)
    found: dict[TopicPartition, list[Record]] = {}
    with closing(open_reader(settings, {(topic, 0): -1})) as reader:

        def look() -> bool:
            for partition, records in reader.poll(100, 0.0).items():
                found.setdefault(partition, []).extend(records)
            return total(found) >= 10

        until(look, "all records by polls that do not wait")
    assert offsets(found) == {(topic, 0): [*range(10)]}


def test_bounds_and_ends(cluster: Cluster, settings: ClientSettings) -> None:
    full, empty = new_topics(cluster, 2)
    fill(settings, (full, 0), 12)
    with closing(open_reader(settings, {})) as reader:
        assert reader.bounds((full, 0)) == (0, 12)
        assert reader.bounds((empty, 0)) == (0, 0)
    with closing(open_admin(settings)) as admin:
        assert admin.end_offsets([(full, 0), (empty, 0)]) == {(full, 0): 12, (empty, 0): 0}
        assert admin.end_offsets([]) == {}


def test_committed_leaves_out_what_was_never_committed(cluster: Cluster, settings: ClientSettings) -> None:
    used, unused = new_topics(cluster, 2)
    fill(settings, (used, 0), 10)
    group = f"group-{used}"
    partitions = [(used, 0), (unused, 0)]
    with closing(open_admin(settings)) as admin:
        assert admin.committed(group, partitions) == {}
        with closing(open_consumer(settings, group, [used, unused], Member())) as consumer:
            read(consumer, 10)
            consumer.commit({(used, 0): 4})
            consumer.commit({(used, 0): 7})
        assert admin.committed(group, partitions) == {(used, 0): 7}
        assert admin.committed(group, [(unused, 0)]) == {}
        assert admin.committed(group, []) == {}


def test_the_cluster_has_one_broker(settings: ClientSettings) -> None:
    with closing(open_admin(settings)) as admin:
        assert admin.brokers() == 1


def test_a_foreign_record_has_no_header_of_ours(cluster: Cluster, settings: ClientSettings) -> None:
    (topic,) = new_topics(cluster)
    version = (2, 1) if cluster.embedded else None
    with closing(KafkaProducer(bootstrap_servers=cluster.bootstrap, api_version=version)) as foreign:
        foreign.send(topic, b"none", partition=0)
        foreign.send(topic, b"other", partition=0, headers=[("x", b"y")])
        foreign.send(topic, b"ours second", partition=0, headers=[("x", b"y"), ("k", b"ours")])
        foreign.send(topic, None, b"key", partition=0)
        foreign.flush(PATIENCE_S)
    with closing(open_reader(settings, {(topic, 0): 0})) as reader:
        assert read(reader, 4) == {
            (topic, 0): [
                Record(0, None, b"none", None),
                Record(1, None, b"other", None),
                Record(2, None, b"ours second", b"ours"),
                Record(3, b"key", None, None),
            ]
        }


def test_partitions_of_all_topics(cluster: Cluster, settings: ClientSettings) -> None:
    small, large = new_topics(cluster), new_topics(cluster, partitions=3)
    with closing(open_admin(settings)) as admin:
        have = admin.partitions()
    assert have[small[0]] == 1
    assert have[large[0]] == 3
    assert "never-created" not in have


def test_nobody_there_is_an_error_that_says_so(client: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module = {"confluent": "confluent", "kafka-python": "pure.admin"}[client]
    monkeypatch.setattr(f"kapture_tui.workload.kafka.{module}.ANSWER_S", 0.5)
    cluster = Embedded()
    cluster.close()
    settings = settings_for(cluster, client)
    with closing(open_admin(settings)) as admin, pytest.raises(KafkaError, match="asking for the brokers"):
        admin.brokers()


# --- a real Kafka only -----------------------------------------------------------------------------------------------


def test_topics_are_created_once(real: Real, client: str) -> None:
    settings = settings_for(real, client)
    first, second = f"topic-{next(_numbers)}", f"topic-{next(_numbers)}"
    with closing(open_admin(settings)) as admin:
        admin.create_topics({first: (2, 1, {"cleanup.policy": "compact"})})
        admin.create_topics({first: (2, 1, {"cleanup.policy": "compact"}), second: (3, 1, {})})
        admin.create_topics({first: (2, 1, {}), second: (3, 1, {})})
        partitions = [(first, 0), (first, 1), (second, 0), (second, 1), (second, 2)]
        assert admin.end_offsets(partitions) == dict.fromkeys(partitions, 0)
        for missing in ((first, 2), (second, 3)):
            with pytest.raises(KafkaError):
                admin.end_offsets([missing])
        with pytest.raises(KafkaError, match="creating topics"):
            admin.create_topics({f"topic-{next(_numbers)}": (1, 3, {})})  # three replicas on one broker


def test_topics_grow_and_never_shrink(real: Real, client: str) -> None:
    settings = settings_for(real, client)
    first, second, third = (f"topic-{next(_numbers)}" for _ in range(3))
    with closing(open_admin(settings)) as admin:
        admin.create_topics({first: (2, 1, {}), second: (3, 1, {})})
        fill(settings, (first, 1), 5)
        admin.create_topics({first: (4, 1, {}), second: (1, 1, {}), third: (1, 1, {})})
        have = admin.partitions()
        assert [have[name] for name in (first, second, third)] == [4, 3, 1]
        grown = [(first, n) for n in range(4)]
        assert admin.end_offsets(grown) == dict.fromkeys(grown, 0) | {(first, 1): 5}


def test_a_refused_message_ends_a_producer_that_never_gives_up(real: Real, client: str) -> None:
    settings = settings_for(real, client, None)
    topic = f"topic-{next(_numbers)}"
    with closing(open_admin(settings)) as admin:
        admin.create_topics({topic: (1, 1, {"max.message.bytes": "1000"})})
    producer = open_producer(settings)
    told: list[tuple[bool, int, bytes | None]] = []
    send = producer.lane(topic, 0, lambda *report: told.append(report))
    assert send(None, b"small", b"first")
    assert producer.flush(PATIENCE_S) == 0
    assert send(None, random.randbytes(5000), b"second")
    with pytest.raises(KafkaError, match="sending to"):
        until(lambda: serve(producer, POLL_S) or not send(None, b"small", b"third"), "an error")
    assert told[0] == (True, 0, b"first")
    assert not any(acknowledged for acknowledged, _, _ in told[1:])


def test_a_refused_message_nobody_asked_about_ends_it_too(real: Real, client: str) -> None:
    settings = settings_for(real, client, None)
    topic = f"topic-{next(_numbers)}"
    with closing(open_admin(settings)) as admin:
        admin.create_topics({topic: (1, 1, {"max.message.bytes": "1000"})})
    producer = open_producer(settings)
    failed: list[bytes | None] = []
    send = producer.lane(topic, 0, lambda _ok, _offset, header: failed.append(header))
    assert send(None, random.randbytes(5000), b"unasked", False)
    # Nothing in flight means that all has arrived: by then it must have been reported or raised.
    try:
        until(lambda: serve(producer, POLL_S) or producer.in_flight() == 0, "an answer")
    except KafkaError:
        failed.append(b"raised")
    assert failed in ([b"unasked"], [b"raised"])


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
            _more(consumer, found)
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


def test_without_a_wish_the_faster_client_is_taken() -> None:
    wanted = "confluent" if find_spec("confluent_kafka") else "kafka-python"
    assert client_name(ClientSettings("127.0.0.1:9", "test")) == wanted
