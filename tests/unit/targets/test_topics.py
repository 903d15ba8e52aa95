"""The topics' layout."""

from __future__ import annotations

import pytest

from kapture_tui.model.states import STATES
from kapture_tui.workload.etl import rollups_of, topics_of
from kapture_tui.workload.settings import Settings
from kapture_tui.workload.topics import layout


def test_every_state_has_both_topics_and_the_run_has_its_own() -> None:
    topics = layout(Settings("topics", "r", "b:1", partitions=3))
    assert set(topics) == {
        *(f"transactions.{state}" for state in STATES),
        *(f"rollups.{state}" for state in STATES),
        "transactions.dead",
        "kapture.ledger",
        "kapture.control",
        "kapture.figures",
    }
    assert {topics[f"{kind}.{state}"][0] for kind in ("transactions", "rollups") for state in STATES} == {3}
    assert {topics[f"kapture.{name}"][0] for name in ("ledger", "control", "figures")} == {1}


def test_restocks_have_topics_where_there_is_a_spout() -> None:
    def added(settings: Settings) -> set[str]:
        return set(layout(settings)) - set(layout(Settings("topics", "r", "b:1")))

    restocks = {*(f"restock.{state}" for state in STATES), "rollups.restock"}
    with_spout = Settings("topics", "r", "b:1", partitions=3, groups=("etl", "etl-postgres"))
    assert added(with_spout) == restocks
    assert added(Settings("topics", "r", "b:1", groups=("etl", "etl-redis"))) == set()
    # To the embedded broker a database may be added while it runs.
    assert added(Settings("topics", "r", "b:1", embedded=True)) == restocks
    assert layout(with_spout)["restock.MA"][0] == 1
    assert layout(with_spout)["rollups.restock"][0] == len(STATES)


def test_every_partition_that_the_etl_reads_has_checkpoints_of_its_own() -> None:
    settings = Settings("topics", "r", "b:1", partitions=3, groups=("etl", "etl-postgres"))
    topics = layout(settings)
    read = [(topic, number) for topic in topics_of(settings) for number in range(topics[topic][0])]
    written = [rollups_of(partition) for partition in read]
    assert len(set(written)) == len(read) == 51 * 4
    assert all(number < topics[topic][0] for topic, number in written)
    assert not any(topic.startswith("restock.") for topic in topics_of(Settings("topics", "r", "b:1")))


def test_transactions_are_bounded_by_size_and_orders_compacted() -> None:
    topics = layout(Settings("topics", "r", "b:1"))
    transactions = topics["transactions.MA"][2]
    assert transactions["cleanup.policy"] == "delete"
    assert int(transactions["segment.bytes"]) * 2 < int(transactions["retention.bytes"])
    assert topics["kapture.ledger"][2]["cleanup.policy"] == "compact"


@pytest.mark.parametrize(("replication", "least"), [(1, None), (2, None), (3, "2")])
def test_from_three_replicas_on_two_must_have_a_record(replication: int, least: str | None) -> None:
    topics = layout(Settings("topics", "r", "b:1", replication=replication))
    assert {config.get("min.insync.replicas") for _, _, config in topics.values()} == {least}
    assert {replicas for _, replicas, _ in topics.values()} == {replication}
