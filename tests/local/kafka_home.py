"""Clusters for tests of the Kafka clients: the embedded broker in this process, and a real Kafka from KAFKA_HOME."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

import psutil

from kapture_tui.targets.local.kafka import (
    ZOOKEEPER_START,
    cluster_id,
    environment,
    find_home,
    kraft,
    write_properties,
)
from kapture_tui.targets.local.mock_cluster import MockCluster
from kapture_tui.targets.local.ports import free_ports
from kapture_tui.workload.kafka import ClientSettings, KafkaError, open_admin

PATIENCE_S = 60.0
"""Only a test that fails waits for so long."""


def zookeeper_home() -> str | None:
    """KAFKA_HOME, or another Kafka beside it, that brings ZooKeeper along; None: there is none."""
    if not (home := os.environ.get("KAFKA_HOME")):
        return None
    places = (Path(home), *sorted(Path(home).parent.iterdir()))
    return next((str(place) for place in places if (place / "bin" / ZOOKEEPER_START).is_file()), None)


class Cluster(Protocol):
    """Brokers to test against."""

    bootstrap: str
    embedded: bool

    def create(self, topics: Mapping[str, int]) -> None:
        """Create topics: name to number of partitions."""

    def close(self) -> None:
        """Stop it."""


class Embedded:
    """librdkafka's mock cluster, in this process."""

    embedded = True

    def __init__(self) -> None:
        self._cluster = MockCluster()
        self.bootstrap = self._cluster.bootstrap

    def create(self, topics: Mapping[str, int]) -> None:
        """See `Cluster`."""
        self._cluster.create(topics)

    def close(self) -> None:
        """See `Cluster`."""
        self._cluster.close()


class Real:
    """One Apache Kafka node, its data and logs in a folder."""

    embedded = False

    def __init__(self, folder: Path) -> None:
        self._home = find_home(os.environ["KAFKA_HOME"])
        port, controller_port = free_ports(2)
        self.bootstrap = f"127.0.0.1:{port}"
        self._config = str(write_properties(folder, port, kraft(port, controller_port)))
        self._env = os.environ | environment(folder)
        self._log = folder / "output.log"
        form = ("format", "--cluster-id", cluster_id(), "--config", self._config)
        with self._log.open("ab") as log:
            subprocess.run(
                [self._home.script("kafka-storage.sh"), *form],
                env=self._env,
                stdout=log,
                stderr=log,
                check=True,
            )
        self.start()

    def start(self) -> None:
        """Start the node; returns when it answers."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [self._home.script("kafka-server-start.sh"), self._config],
                env=self._env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        admin = open_admin(ClientSettings(self.bootstrap, "starter"))
        while True:
            try:
                if admin.brokers():
                    break
            except KafkaError:
                assert self._process.poll() is None, self._log.read_text()
        admin.close()

    def stop(self) -> None:
        """Stop the node in order, as for maintenance."""
        for process in (*psutil.Process(self._process.pid).children(recursive=True), self._process):
            process.terminate()
        self._process.wait(PATIENCE_S)

    def create(self, topics: Mapping[str, int]) -> None:
        """See `Cluster`."""
        admin = open_admin(ClientSettings(self.bootstrap, "starter"))
        admin.create_topics({name: (partitions, 1, {}) for name, partitions in topics.items()})
        admin.close()

    def close(self) -> None:
        """See `Cluster`."""
        if self._process.poll() is None:
            self.stop()
