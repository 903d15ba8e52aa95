"""A broker for a measurement, with the stack's topics and nobody else on it."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmark.perf.processes import facts, module, running
from benchmark.perf.result import CannotRun
from kapture_tui.model.errors import KaptureError, UsageError
from kapture_tui.model.spec import LoadSpec
from kapture_tui.model.states import STATES, transactions_topic
from kapture_tui.targets.local import kafka
from kapture_tui.targets.local.ports import free_ports
from kapture_tui.workload import topics
from kapture_tui.workload.kafka import Admin, ClientSettings, TopicPartition, open_admin
from kapture_tui.workload.settings import Settings

START_S = 90.0


@dataclass(frozen=True, slots=True)
class Broker:
    """Where it is, and a folder for files that goes with it."""

    bootstrap: str
    embedded: bool
    partitions: int
    folder: Path

    def settings(self, name: str, **more: object) -> Settings:
        """Of a workload process that is to run here."""
        base = {
            "run_id": "perf",
            "bootstrap": self.bootstrap,
            "embedded": self.embedded,
            "partitions": self.partitions,
            "load": LoadSpec(),
            "ready_file": self.folder / f"{name}.json",
        }
        return Settings(name=name, **(base | more))  # type: ignore[arg-type]

    def admin(self) -> Admin:
        """A connection to ask questions; the caller closes it."""
        return open_admin(ClientSettings(self.bootstrap, "perf", embedded=self.embedded))

    @property
    def transactions(self) -> list[TopicPartition]:
        """All partitions of all transactions topics."""
        return [(transactions_topic(state), number) for state in STATES for number in range(self.partitions)]


def kafka_home() -> kafka.Home:
    """The Apache Kafka that KAFKA_HOME names. Raises CannotRun."""
    directory = os.environ.get("KAFKA_HOME")
    if not directory:
        raise CannotRun("KAFKA_HOME is not set: it should name an unpacked Apache Kafka")
    try:
        return kafka.find_home(directory)
    except UsageError as exc:
        raise CannotRun(str(exc)) from exc


@contextmanager
def real_broker(partitions: int = 1) -> Iterator[Broker]:
    """A node of the Apache Kafka in KAFKA_HOME. Raises CannotRun."""
    home = kafka_home()
    with _folder() as folder:
        port, controller_port = free_ports(2)
        config = str(kafka.write_properties(folder / "kafka", port, kafka.kraft(port, controller_port)))
        env = kafka.environment(folder / "kafka")
        form = (
            home.script("kafka-storage.sh"),
            "format",
            "--cluster-id",
            kafka.cluster_id(),
            "--config",
            config,
        )
        with running(form, env, folder / "format.log") as formatting:
            formatting.finish(START_S)
        with running((home.script("kafka-server-start.sh"), config), env, folder / "broker.log") as child:
            broker = Broker(f"127.0.0.1:{port}", False, partitions, folder)
            child.wait_for("starting Kafka", lambda: _answers(broker), START_S)
            topics.main(broker.settings("topics"))
            yield broker


def _answers(broker: Broker) -> bool:
    try:
        return kafka.count(broker.bootstrap) > 0
    except KaptureError:
        return False


@contextmanager
def embedded_broker(partitions: int = 1) -> Iterator[Broker]:
    """librdkafka's mock cluster, as the local target runs it."""
    with _folder() as folder:
        waiting = Broker("none yet", True, partitions, folder)
        env = waiting.settings("broker").to_env()
        command = module("kapture_tui.targets.local.broker")
        with running(command, env, folder / "broker.log") as child:
            said = child.wait_for("starting the broker", lambda: facts(folder / "broker.json"), START_S)
            yield Broker(said["bootstrap"], True, partitions, folder)


def end_offsets(admin: Admin, broker: Broker) -> int:
    """Transactions written so far."""
    return sum(admin.end_offsets(broker.transactions).values())


@contextmanager
def _folder() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="kapture-perf-"))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
