"""Readers, and questions to the brokers: both clients keep the promises of `workload.kafka.base`."""

from __future__ import annotations

from contextlib import closing
from importlib.util import find_spec

import pytest
from kafka import KafkaProducer

from kapture_tui.workload.kafka import (
    ClientSettings,
    KafkaError,
    Record,
    TopicPartition,
    client_name,
    open_admin,
    open_consumer,
    open_reader,
)
from tests.local.kafka_clients.clients import (
    POLL_S,
    Member,
    fill,
    new_name,
    new_topics,
    offsets,
    read,
    settings_for,
    total,
    until,
)
from tests.local.kafka_home import PATIENCE_S, Cluster, Embedded, Real


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


def test_topics_are_created_once(real: Real, client: str) -> None:
    settings = settings_for(real, client)
    first, second = new_name(), new_name()
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
            admin.create_topics({new_name(): (1, 3, {})})  # three replicas on one broker


def test_topics_grow_and_never_shrink(real: Real, client: str) -> None:
    settings = settings_for(real, client)
    first, second, third = (new_name() for _ in range(3))
    with closing(open_admin(settings)) as admin:
        admin.create_topics({first: (2, 1, {}), second: (3, 1, {})})
        fill(settings, (first, 1), 5)
        admin.create_topics({first: (4, 1, {}), second: (1, 1, {}), third: (1, 1, {})})
        have = admin.partitions()
        assert [have[name] for name in (first, second, third)] == [4, 3, 1]
        grown = [(first, n) for n in range(4)]
        assert admin.end_offsets(grown) == dict.fromkeys(grown, 0) | {(first, 1): 5}


def test_without_a_wish_the_faster_client_is_taken() -> None:
    wanted = "confluent" if find_spec("confluent_kafka") else "kafka-python"
    assert client_name(ClientSettings("127.0.0.1:9", "test")) == wanted
