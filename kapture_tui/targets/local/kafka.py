"""A real Kafka for a local stack: one KRaft node on loopback, its data in the state directory; or brokers elsewhere."""

from __future__ import annotations

import os
import re
import secrets
import shutil
from base64 import urlsafe_b64encode
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kapture_tui.model.errors import UsageError
from kapture_tui.workload.kafka import ClientSettings, KafkaError, open_admin
from kapture_tui.workload.settings import Settings
from kapture_tui.workload.topics import layout
from kapture_tui.workload.waiting import knock

OLDEST = (3, 3)
"""The first release whose KRaft is meant for use."""

HEAP = "-Xms256m -Xmx768m"
ZOOKEEPER_HEAP = "-Xms32m -Xmx256m"
BRIEF_JVM = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
"""For a program that runs a second or two: most of that is compiling and setting up collectors."""

ZOOKEEPER_START = "zookeeper-server-start.sh"

DELETE_S = 20.0


@dataclass(frozen=True, slots=True)
class Home:
    """An Apache Kafka on this machine; `version` as in the names of its libraries."""

    path: Path
    version: str

    def script(self, name: str) -> str:
        """The path of one of its programs."""
        return str(self.path / "bin" / name)

    @property
    def zookeeper(self) -> bool:
        """Whether it brings ZooKeeper along: Kafka does up to 3.9."""
        return Path(self.script(ZOOKEEPER_START)).is_file()


def find_home(directory: str) -> Home:
    """Look at a KAFKA_HOME. Raises UsageError: nothing usable is there, or Java is missing."""
    path = Path(directory).expanduser().absolute()
    doing = f"KAFKA_HOME {path}"
    if not (path / "bin" / "kafka-server-start.sh").is_file():
        raise UsageError(
            doing, "bin/kafka-server-start.sh is not there", "point it at an unpacked Apache Kafka"
        )
    jars = (
        re.fullmatch(r"kafka-clients-(\d+\.\d+.*)\.jar", jar.name) for jar in (path / "libs").glob("*.jar")
    )
    version = next((found.group(1) for found in jars if found), "")
    if not version:
        raise UsageError(
            doing, "libs/kafka-clients-*.jar is not there", "point it at an unpacked Apache Kafka"
        )
    if tuple(map(int, version.split(".")[:2])) < OLDEST:
        raise UsageError(doing, f"is Kafka {version}", f"use {OLDEST[0]}.{OLDEST[1]} or newer")
    if not (shutil.which("java") or (Path(os.environ.get("JAVA_HOME", "")) / "bin" / "java").is_file()):
        raise UsageError(doing, "Java is not installed", "install a JRE, or leave KAFKA_HOME out")
    return Home(path, version)


def find_zookeeper(directory: str | None) -> Home:
    """Look at a KAFKA_HOME that is to bring ZooKeeper along. Raises UsageError: there is none, or it does not."""
    remedy = "point KAFKA_HOME at an Apache Kafka of 3.9 or older"
    if directory is None:
        raise UsageError("zookeeper", "the embedded broker has no use for it", remedy)
    home = find_home(directory)
    if not home.zookeeper:
        raise UsageError("zookeeper", f"Kafka {home.version} brings none", remedy)
    return home


def kraft(port: int, controller_port: int) -> dict[str, str]:
    """What makes a node broker and controller in one."""
    return {
        "process.roles": "broker,controller",
        "node.id": "1",
        "controller.quorum.voters": f"1@127.0.0.1:{controller_port}",
        "listeners": f"PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}",
        "controller.listener.names": "CONTROLLER",
        "inter.broker.listener.name": "PLAINTEXT",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    }


def with_zookeeper(port: int, zookeeper_port: int) -> dict[str, str]:
    """What makes a node a broker that keeps its metadata in ZooKeeper."""
    return {
        "broker.id": "1",
        "zookeeper.connect": f"127.0.0.1:{zookeeper_port}",
        "zookeeper.connection.timeout.ms": "60000",
        # A broker that was killed may register again only when its last session is over.
        "zookeeper.session.timeout.ms": "4000",
        "listeners": f"PLAINTEXT://127.0.0.1:{port}",
    }


def properties(port: int, quorum: Mapping[str, str], data: Path) -> str:
    """The server.properties of a single node.

    Args:
        quorum: where its metadata is: see `kraft` and `with_zookeeper`.
    """
    lines = {
        **quorum,
        "advertised.listeners": f"PLAINTEXT://127.0.0.1:{port}",
        "log.dirs": str(data).replace("\\", "\\\\"),
        "auto.create.topics.enable": "false",
        "default.replication.factor": "1",
        "offsets.topic.replication.factor": "1",
        "offsets.topic.num.partitions": "4",
        "transaction.state.log.replication.factor": "1",
        "transaction.state.log.min.isr": "1",
        "group.initial.rebalance.delay.ms": "200",
        # Transactions are bounded by size, and a laptop's disk fills in less than Kafka's five minutes.
        "log.retention.check.interval.ms": "10000",
    }
    return "".join(f"{name}={value}\n" for name, value in lines.items())


def write_properties(folder: Path, port: int, quorum: Mapping[str, str]) -> Path:
    """Write server.properties into the folder. Raises OSError."""
    folder.mkdir(mode=0o700, exist_ok=True)
    path = folder / "server.properties"
    path.write_text(properties(port, quorum, folder / "data"))
    return path


def write_zookeeper_properties(folder: Path, port: int) -> Path:
    """Write the configuration of a single ZooKeeper into the folder. Raises OSError."""
    folder.mkdir(mode=0o700, exist_ok=True)
    path = folder / "zookeeper.properties"
    data = str(folder / "data").replace("\\", "\\\\")
    address = f"clientPort={port}\nclientPortAddress=127.0.0.1\n"
    path.write_text(f"dataDir={data}\n{address}tickTime=1000\nmaxClientCnxns=0\nadmin.enableServer=false\n")
    return path


def cluster_id() -> str:
    """A new cluster id in Kafka's notation: 16 random bytes in URL-safe base64."""
    # One that begins with a dash would be taken for an option.
    return urlsafe_b64encode(b"\x01" + secrets.token_bytes(15)).decode().rstrip("=")


def environment(folder: Path, heap: str = HEAP) -> dict[str, str]:
    """Variables for Kafka's programs: a modest heap, and logs that stay in the state directory."""
    return {"KAFKA_HEAP_OPTS": heap, "LOG_DIR": str(folder / "logs"), "KAFKA_GC_LOG_OPTS": " "}


def count(bootstrap: str) -> int:
    """How many brokers there are. Blocks, for some seconds at most. Raises UsageError when nobody answers."""
    doing, remedy = f"brokers at {bootstrap}", "start them, or correct --kafka-bootstrap"
    problem = knock(bootstrap)
    if problem:
        raise UsageError(doing, problem, remedy)
    try:
        with closing(open_admin(ClientSettings(bootstrap, "kapture-tui"))) as admin:
            return admin.brokers()
    except KafkaError as exc:
        raise UsageError(doing, exc.cause, remedy) from exc


def check_there(bootstrap: str) -> int:
    """Ask brokers elsewhere how many they are. Blocks, for some seconds at most.

    Raises: UsageError: nobody answers, or another run's topics are there.
    """
    doing = f"brokers at {bootstrap}"
    brokers = count(bootstrap)
    try:
        taken = _ours(bootstrap)
    except KafkaError as exc:
        raise UsageError(doing, exc.cause) from exc
    if taken:
        cause = f"have {len(taken)} topics of another run, among them {taken[0]}"
        raise UsageError(doing, cause, "delete the topics transactions.*, rollups.*, restock.* and kapture.*")
    return brokers


def delete_topics(bootstrap: str) -> int:
    """Delete the stack's topics from brokers elsewhere; the number of topics. Blocks. Raises KafkaError."""
    names = _ours(bootstrap)
    if names:
        with _plain_admin(bootstrap) as admin:
            admin.delete_topics(names, timeout_ms=int(DELETE_S * 1000))
    return len(names)


def _ours(bootstrap: str) -> list[str]:
    with _plain_admin(bootstrap) as admin:
        # As for the embedded broker: every topic that any stack has.
        possible = layout(Settings("", "", bootstrap, embedded=True))
        return sorted(set(possible) & set(admin.list_topics()))


@contextmanager
def _plain_admin(bootstrap: str) -> Iterator[Any]:
    # kafka-python rather than the workload's Admin: what has to be asked here no workload process ever asks.
    from kafka.admin import KafkaAdminClient  # type: ignore[import-untyped]
    from kafka.errors import KafkaError as PlainError  # type: ignore[import-untyped]

    try:
        with closing(
            KafkaAdminClient(bootstrap_servers=bootstrap.split(","), client_id="kapture-tui")
        ) as admin:
            yield admin
    except PlainError as exc:
        raise KafkaError(f"asking the brokers at {bootstrap}", str(exc)) from exc
