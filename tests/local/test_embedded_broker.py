"""The embedded broker speaks Kafka's protocol to both clients."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
from confluent_kafka import Consumer, Producer
from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from kapture_tui.targets.local.mock_cluster import MockCluster


@pytest.fixture
def cluster() -> Iterator[MockCluster]:
    cluster = MockCluster()
    cluster.create({"letters": 3, "numbers": 1})
    yield cluster
    cluster.close()


def test_what_one_client_writes_the_other_reads(cluster: MockCluster) -> None:
    producer = Producer({"bootstrap.servers": cluster.bootstrap, "enable.idempotence": True})
    for number in range(100):
        producer.produce("letters", b"%d" % number, partition=number % 3, headers=[("h", b"x")])
    assert producer.flush(20) == 0
    reader = KafkaConsumer(
        bootstrap_servers=cluster.bootstrap, api_version=(2, 1), auto_offset_reset="earliest"
    )
    reader.assign([TopicPartition("letters", partition) for partition in range(3)])
    seen: list[int] = []
    while len(seen) < 100:
        for records in reader.poll(timeout_ms=20_000).values():
            seen += [int(record.value) for record in records]
            assert {record.headers[0] for record in records} == {("h", b"x")}
    reader.close()
    assert sorted(seen) == list(range(100))

    back = KafkaProducer(bootstrap_servers=cluster.bootstrap, api_version=(2, 1), enable_idempotence=False)
    back.send("numbers", b"one").get(20)
    back.close()
    group = Consumer(
        {"bootstrap.servers": cluster.bootstrap, "group.id": "readers", "auto.offset.reset": "earliest"}
    )
    group.subscribe(["numbers"])
    message = group.poll(20)
    assert message is not None
    assert message.value() == b"one"
    group.commit(asynchronous=False)
    group.close()


def test_topics_have_the_partitions_asked_for(cluster: MockCluster) -> None:
    topics = Producer({"bootstrap.servers": cluster.bootstrap}).list_topics(timeout=20).topics
    assert {name: len(topic.partitions) for name, topic in topics.items()} == {"letters": 3, "numbers": 1}


def test_creating_again_changes_nothing(cluster: MockCluster) -> None:
    cluster.create({"numbers": 5})
    topics = Producer({"bootstrap.servers": cluster.bootstrap}).list_topics(timeout=20).topics
    assert len(topics["numbers"].partitions) == 1


def test_closing_frees_the_port(cluster: MockCluster) -> None:
    other = MockCluster()
    other.create({"letters": 1})
    address = other.bootstrap
    other.close()
    other.close()
    assert address != cluster.bootstrap
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", int(address.split(":")[1])), timeout=1)
