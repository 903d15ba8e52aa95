"""Sending: both clients keep the promises of `workload.kafka.base`."""

from __future__ import annotations

import itertools
import random
import threading
from contextlib import closing, suppress

import pytest

from kapture_tui.workload.kafka import (
    ClientSettings,
    KafkaError,
    Lane,
    open_admin,
    open_producer,
)
from tests.local.kafka_clients.clients import (
    GIVE_UP_S,
    POLL_S,
    new_name,
    new_topics,
    serve,
    settings_for,
    until,
)
from tests.local.kafka_home import PATIENCE_S, Cluster, Embedded, Real


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


def test_a_refused_message_ends_a_producer_that_never_gives_up(real: Real, client: str) -> None:
    settings = settings_for(real, client, None)
    topic = new_name()
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
    topic = new_name()
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
