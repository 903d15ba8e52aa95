"""From a stack to the child processes it has here: the only place that knows their commands and environments."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import kapture_tui
from kapture_tui.model.errors import KaptureError
from kapture_tui.model.spec import SINK_PREFIX, Component, StackSpec, chosen_by, databases
from kapture_tui.stack.sizing import Size, size
from kapture_tui.targets.local import kafka
from kapture_tui.targets.local.child import ChildSpec, OnDeath
from kapture_tui.targets.local.ports import free_ports
from kapture_tui.targets.local.ready import PortAnswers, ReadyFile
from kapture_tui.targets.local.redis import redacted
from kapture_tui.targets.local.server import Launch, server_of
from kapture_tui.targets.local.state import StateDirectory
from kapture_tui.workload.settings import Settings

WORKLOADS = {
    Component.LOADER: "loader",
    Component.ETL: "etl",
    Component.OBSERVER: "observer",
    Component.WEBAPP: "webapp",
    Component.SHOPPERS: "shoppers",
    Component.SPOUT: "spout",
}
"""Components and the words that `kapture_tui.workload` knows them by; sinks go by their database."""

BROKER = "kapture_tui.targets.local.broker"
START_S = 60.0
KAFKA_START_S = 120.0
TOPICS_PATIENCE_S = 60
"""Shorter than what `topics` as a whole may take, so that it says itself what is missing."""

CUSTOMER_S = 0.001
"""A loader simulates its customers before it is ready, 6,000 of them a second of a core."""

DRAIN_GRACE_S = 30.0
"""A workload process stores or sends what it holds before it goes; SIGKILL must not cut that short."""


class Plan(Protocol):
    """What the supervisor is to run. A plan of stand-ins is all it takes to try the supervisor itself.

    Attributes:
        spec: the stack; may be replaced by one with more components.
        bootstrap: the brokers' address; "" until known.
    """

    spec: StackSpec
    bootstrap: str

    @property
    def embedded(self) -> bool:
        """Whether the broker is librdkafka's mock cluster."""
        ...

    def prepare(self) -> None:
        """Choose ports, write configuration. Raises UsageError, OSError."""
        ...

    def kafka(self) -> tuple[ChildSpec, ...]:
        """What brings the brokers up, in order; the last one is the broker. Empty: they are elsewhere."""
        ...

    def broker_is_ready(self) -> None:
        """Called once it is: its address can be learned now."""
        ...

    def topics(self) -> ChildSpec | None:
        """What creates the topics; None: the broker does."""
        ...

    def child(self, component: Component, ordinal: int) -> ChildSpec:
        """One replica of a component."""
        ...

    def setup(self, component: Component) -> ChildSpec | None:
        """What has to be done once before a component's first replica is started; None: nothing."""
        ...

    def replicas(self, component: Component) -> int:
        """How many of a component the scale asks for; 0 if the stack does not have it, or has it elsewhere."""
        ...

    def addresses(self) -> dict[str, str]:
        """By component, what a person opens in a browser; empty until prepared."""
        ...

    def clean_up(self) -> list[str]:
        """Remove what the stack left on servers that are not its own; what could not be removed, in words. Blocks."""
        ...


class LocalPlan:
    """The real thing. See `Plan`.

    Args:
        brokers: how many there are, if they are elsewhere.
    """

    def __init__(self, spec: StackSpec, run_id: str, state: StateDirectory, brokers: int = 1) -> None:
        self.spec = spec
        self.bootstrap = spec.kafka_bootstrap or ""
        self._run_id = run_id
        self._state = state
        self._size: Size = size(spec.scale)
        self._replication = min(3, brokers)
        self._ports: Mapping[str, int] = {}
        find_home = kafka.find_zookeeper if self._zookeeper else kafka.find_home
        self._home = find_home(spec.kafka_home) if spec.kafka_home else None
        self._properties: Path | None = None

    @property
    def embedded(self) -> bool:
        """See `Plan`."""
        return not self.spec.kafka_home and not self.spec.kafka_bootstrap

    @property
    def urls(self) -> dict[str, str]:
        """Where each database of the stack is."""
        return {d.value: self.spec.url(d) or self._url(d) for d in self.spec.databases}

    def _url(self, database: Component) -> str:
        return server_of(database).url(self._ports[database.value], self._folder(database))

    def _folder(self, database: Component) -> Path:
        folder = self._state.data / database.value
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return folder

    def prepare(self) -> None:
        """See `Plan`."""
        # A database may be added later, when the ports that are free now may not be.
        names = ("kafka", "quorum", "webapp", *(database.value for database in databases()))
        self._ports = dict(zip(names, free_ports(len(names)), strict=True))
        if self._home:
            folder = self._state.path / "kafka"
            port, quorum = self._ports["kafka"], self._ports["quorum"]
            kind = kafka.with_zookeeper if self._zookeeper else kafka.kraft
            self._properties = kafka.write_properties(folder, port, kind(port, quorum))
            self.bootstrap = f"127.0.0.1:{self._ports['kafka']}"

    def kafka(self) -> tuple[ChildSpec, ...]:
        """See `Plan`."""
        if self.spec.kafka_bootstrap:
            return ()
        if self._home is None:
            return (self._embedded(),)
        env = self._environment("kafka") | kafka.environment(self._state.path / "kafka")
        config = str(self._properties)
        broker = ChildSpec(
            name="kafka",
            component=Component.KAFKA,
            command=(self._home.script("kafka-server-start.sh"), config),
            env=env,
            ready=PortAnswers(self._ports["kafka"]),
            start_s=KAFKA_START_S,
        )
        if self._zookeeper:
            return (self._zookeeper_child(self._home.script(kafka.ZOOKEEPER_START)), broker)
        form = ("format", "--cluster-id", kafka.cluster_id(), "--config", config)
        formatting = ChildSpec(
            name="kafka-format",
            component=Component.KAFKA,
            command=(self._home.script("kafka-storage.sh"), *form),
            env=env | {"KAFKA_JVM_PERFORMANCE_OPTS": kafka.BRIEF_JVM},
            on_death=OnDeath.ONCE,
        )
        return (formatting, broker)

    @property
    def _zookeeper(self) -> bool:
        return self.spec.has(Component.ZOOKEEPER)

    def _zookeeper_child(self, program: str) -> ChildSpec:
        name, port = Component.ZOOKEEPER.value, self._ports["quorum"]
        folder = self._state.path / name
        config = kafka.write_zookeeper_properties(folder, port)
        env = self._environment(name) | kafka.environment(folder, kafka.ZOOKEEPER_HEAP)
        return ChildSpec(
            name=name,
            component=Component.ZOOKEEPER,
            command=(program, str(config)),
            env=env,
            ready=PortAnswers(port),
            start_s=KAFKA_START_S,
        )

    def _embedded(self) -> ChildSpec:
        ready = ReadyFile(self._state.ready / "kafka.json")
        settings = replace(self._settings("kafka", ready.path), bootstrap="none yet")
        return ChildSpec(
            name="kafka",
            component=Component.KAFKA,
            command=_python(BROKER),
            env=self._environment("kafka") | settings.to_env(),
            ready=ready,
            on_death=OnDeath.FATAL,
            grace_s=2.0,
        )

    def broker_is_ready(self) -> None:
        """See `Plan`."""
        if self.embedded:
            self.bootstrap = str(ReadyFile(self._state.ready / "kafka.json").facts()["bootstrap"])

    def topics(self) -> ChildSpec | None:
        """See `Plan`."""
        if self.embedded:
            return None
        ready = ReadyFile(self._state.ready / "topics.json")
        settings = self._settings("topics", ready.path)
        return ChildSpec(
            name="topics",
            component=Component.KAFKA,
            command=_python("kapture_tui.workload", "topics"),
            env=self._environment("topics") | replace(settings, patience_s=TOPICS_PATIENCE_S).to_env(),
            ready=ready,
            on_death=OnDeath.ONCE,
            start_s=90.0,
        )

    def child(self, component: Component, ordinal: int) -> ChildSpec:
        """See `Plan`."""
        if component in databases():
            return self._server(component)
        single = component in (Component.OBSERVER, Component.SPOUT)
        name = component.value if single else f"{component.value}-{ordinal}"
        ready = ReadyFile(self._state.ready / f"{name}.json")
        return ChildSpec(
            name=name,
            component=component,
            command=_python("kapture_tui.workload", *_words(component)),
            env=self._environment(name) | self._settings(name, ready.path, component).to_env(),
            ready=ready,
            grace_s=DRAIN_GRACE_S,
            start_s=START_S + self.spec.load.customers * CUSTOMER_S,
        )

    def setup(self, component: Component) -> ChildSpec | None:
        """See `Plan`."""
        if component not in databases():
            return None
        launch = self._launch(component)
        name = f"{component.value}-setup"
        if not launch.before:
            return None
        return ChildSpec(
            name=name,
            component=component,
            command=launch.before,
            env=self._environment(name) | dict(launch.env),
            on_death=OnDeath.ONCE,
            start_s=launch.start_s,
        )

    def _server(self, database: Component) -> ChildSpec:
        launch = self._launch(database)
        return ChildSpec(
            name=database.value,
            component=database,
            command=launch.command,
            env=self._environment(database.value) | dict(launch.env),
            ready=launch.ready,
            grace_s=launch.grace_s,
            start_s=launch.start_s,
        )

    def _launch(self, database: Component) -> Launch:
        return server_of(database).launch(self._ports[database.value], self._folder(database))

    def replicas(self, component: Component) -> int:
        """See `Plan`."""
        if not self.spec.has(component) or self.spec.url(component):
            return 0
        return self._size.replicas(component)

    def addresses(self) -> dict[str, str]:
        """See `Plan`."""
        port = self._ports.get(Component.WEBAPP.value)
        there = self.spec.has(Component.WEBAPP) and port is not None
        return {Component.WEBAPP.value: f"http://127.0.0.1:{port}"} if there else {}

    def clean_up(self) -> list[str]:
        """See `Plan`."""
        left = []
        for database in self.spec.databases:
            if url := self.spec.url(database):
                try:
                    server_of(database).clear(url)
                # A client's errors have no common ancestor, and none may stop the teardown.
                except Exception as exc:
                    left.append(f"what was written to {database.value} at {redacted(url)}: {exc}")
        if self.spec.kafka_bootstrap:
            try:
                kafka.delete_topics(self.spec.kafka_bootstrap)
            except KaptureError as exc:
                left.append(f"topics on {self.spec.kafka_bootstrap}: {exc.cause}")
        return left

    def _settings(self, name: str, ready: Path, component: Component | None = None) -> Settings:
        return Settings(
            name=name,
            run_id=self._run_id,
            bootstrap=self.bootstrap,
            embedded=self.embedded,
            partitions=self._size.partitions,
            replication=self._replication,
            groups=self.spec.groups,
            load=self.spec.load,
            urls=self.urls,
            webapp=self.addresses().get(Component.WEBAPP.value, ""),
            port=self._ports[Component.WEBAPP.value] if component is Component.WEBAPP else 0,
            ready_file=ready,
            client=os.environ.get("KAPTURE_KAFKA_CLIENT", "auto"),
            compression=os.environ.get("KAPTURE_COMPRESSION", "lz4"),
        )

    def _environment(self, name: str) -> dict[str, str]:
        return child_environment(self._run_id, name)


def child_environment(run_id: str, name: str) -> dict[str, str]:
    """The environment every child has: ours without our own settings, and what marks it as part of the run."""
    env = {key: value for key, value in os.environ.items() if not key.startswith("KAPTURE_")}
    package = str(Path(kapture_tui.__file__).parent.parent)
    paths = filter(None, (package, env.get("PYTHONPATH", "")))
    return env | {
        "PYTHONPATH": os.pathsep.join(paths),
        "PYTHONUNBUFFERED": "1",
        "KAPTURE_RUN_ID": run_id,
        "KAPTURE_NAME": name,
    }


def _words(component: Component) -> tuple[str, ...]:
    if component.value.startswith(SINK_PREFIX):
        (database,) = chosen_by(component)
        return ("sink", database.value)
    return (WORKLOADS[component],)


def _python(*module: str) -> tuple[str, ...]:
    # Without -P the working directory would be searched first, and a file called redis.py there would win.
    return (sys.executable, "-P", "-m", *module)
