"""Questions to the brokers with kafka-python."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from kafka import KafkaAdminClient, OffsetSpec, TopicPartition  # type: ignore[import-untyped]
from kafka import errors as client_errors

from kapture_tui.workload.kafka.base import ClientSettings, KafkaError
from kapture_tui.workload.kafka.base import TopicPartition as Partition
from kapture_tui.workload.kafka.pure.common import ANSWER_S, RETRY_S, common, our_errors

T = TypeVar("T")


class AdminClient:
    """See `Admin`. Connects with the first question."""

    def __init__(self, settings: ClientSettings) -> None:
        self._settings = settings
        self._admin: Any = None

    def committed(self, group: str, partitions: Sequence[Partition]) -> dict[Partition, int]:
        """See `Admin`."""
        # Always with partitions: asked for all there are, the embedded broker does not answer.
        asked = {group: [TopicPartition(*p) for p in partitions]}
        found: Any = self._ask(
            f"asking for the committed offsets of {group}", lambda admin: admin.list_group_offsets(asked)
        )
        return {tuple(p): at.offset for p, at in found.get(group, {}).items() if at.offset >= 0}

    def end_offsets(self, partitions: Sequence[Partition]) -> dict[Partition, int]:
        """See `Admin`."""
        return self._ask(
            "asking for end offsets", lambda admin: _offsets(admin, partitions, OffsetSpec.LATEST)
        )

    def bounds(self, partition: Partition) -> tuple[int, int]:
        """See `Reader`."""

        def question(admin: Any) -> tuple[int, int]:
            oldest, end = (
                _offsets(admin, [partition], spec)[partition]
                for spec in (OffsetSpec.EARLIEST, OffsetSpec.LATEST)
            )
            return oldest, end

        return self._ask(f"asking for the offsets of {partition[0]}", question)

    def brokers(self) -> int:
        """See `Admin`."""
        cluster: Any = self._ask("asking for the brokers", lambda admin: admin.describe_cluster())
        return sum(not broker.get("is_fenced", False) for broker in cluster["brokers"])

    def partitions(self) -> dict[str, int]:
        """See `Admin`."""
        return self._ask("asking for the topics", _partitions)

    def create_topics(self, topics: Mapping[str, tuple[int, int, Mapping[str, str]]]) -> None:
        """See `Admin`."""
        self._ask("creating topics", lambda admin: _create(admin, topics))

    def _ask(self, doing: str, question: Callable[[Any], T]) -> T:
        try:
            with our_errors(doing):
                if self._admin is None:
                    self._admin = _connect(self._settings)
                return question(self._admin)
        except KafkaError:
            self.close()  # it remembers coordinators, and does not notice when they move
            raise

    def close(self) -> None:
        """See `Admin`."""
        admin, self._admin = self._admin, None
        if admin is not None:
            admin.close()


def _connect(settings: ClientSettings) -> Any:
    answer_ms = int(ANSWER_S * 1000)
    limits = {"bootstrap_timeout_ms": answer_ms, "request_timeout_ms": answer_ms}
    return KafkaAdminClient(**(common(settings) | limits))


def _offsets(admin: Any, partitions: Sequence[Partition], spec: Any) -> dict[Partition, int]:
    asked = {TopicPartition(*p): spec for p in partitions}
    found = admin.list_partition_offsets(asked, timeout_ms=int(ANSWER_S * 1000))
    return {tuple(p): at.offset for p, at in found.items()}


def _create(admin: Any, topics: Mapping[str, tuple[int, int, Mapping[str, str]]]) -> None:
    have = {topic["name"]: len(topic["partitions"]) for topic in admin.describe_topics()}
    more = {name: topics[name][0] for name in topics.keys() & have if have[name] < topics[name][0]}
    new = {
        name: {"num_partitions": partitions, "replication_factor": replication, "configs": dict(config)}
        for name, (partitions, replication, config) in topics.items()
        if name not in have
    }
    if new:
        created = admin.create_topics(new, raise_errors=False)["topics"]
        _check((t["name"], t["error_code"], t["error_message"]) for t in created)
    if more:
        grown = admin.create_partitions(more, raise_errors=False).results
        _check((t.name, t.error_code, t.error_message) for t in grown)
    if new or more:
        # What was created takes a moment to be in every broker's metadata.
        _await(admin, {name: topics[name][0] for name in [*new, *more]})


def _check(answers: Iterable[tuple[str, int, str | None]]) -> None:
    """Answers as (topic, error code, message). Raises the client's errors."""
    fine = client_errors.NoError
    somebody_was_faster = (client_errors.TopicAlreadyExistsError, client_errors.InvalidPartitionsError)
    for topic, code, message in answers:
        error = client_errors.for_code(code)
        if error not in (fine, *somebody_was_faster):
            raise error(f"{topic}: {message}")


def _partitions(admin: Any) -> dict[str, int]:
    return {
        topic["name"]: sum(p["leader_id"] >= 0 and not p["error_code"] for p in topic["partitions"])
        for topic in admin.describe_topics()
        if not topic["error_code"]
    }


def _await(admin: Any, topics: Mapping[str, int]) -> None:
    deadline = time.monotonic() + 3 * ANSWER_S
    while True:
        have = _partitions(admin)
        missing = [name for name, count in topics.items() if have.get(name, 0) < count]
        if not missing:
            return
        if time.monotonic() > deadline:
            raise client_errors.KafkaTimeoutError(f"{missing[0]} has not all its partitions")
        time.sleep(RETRY_S)
