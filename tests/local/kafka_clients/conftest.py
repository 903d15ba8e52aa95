"""Both clients, each on the embedded broker and on a real one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing
from importlib.util import find_spec

import pytest

from kapture_tui.workload.kafka import (
    ClientSettings,
)
from tests.local.kafka_clients.clients import settings_for
from tests.local.kafka_home import Cluster, Embedded, Real


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
