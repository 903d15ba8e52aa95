"""What this machine allows: looked up before anything is created."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import psutil

from kapture_tui.model.errors import KaptureError, UsageError
from kapture_tui.model.spec import CHOICES, Component, StackSpec, databases
from kapture_tui.stack.catalogue import CATALOGUE
from kapture_tui.stack.sizing import estimate
from kapture_tui.targets.base import Finding
from kapture_tui.targets.local import kafka
from kapture_tui.targets.local.mock_cluster import library
from kapture_tui.targets.local.ports import free_ports
from kapture_tui.targets.local.server import server_of
from kapture_tui.targets.local.state import StateDirectory, check_space

_MIB = 1024 * 1024
EMBEDDED_DISK_BYTES = 512 * _MIB
"""Logs, and what Redis appends before it rewrites its file."""

KAFKA_DISK_BYTES = 4096 * _MIB
"""A real Kafka's log; it grows on to the bound in workload/topics.py."""

PORTS = 5
"""Kafka and its controller, the observer, the webapp; one to spare. The databases come on top."""


@dataclass(frozen=True, slots=True)
class _Check:
    """One thing to look at: `run` says what was found, or raises a KaptureError."""

    subject: str
    run: Callable[[], str]
    fatal: bool = True


def look(spec: StackSpec) -> list[Finding]:
    """Every finding, the fatal ones included. Blocks, for some seconds where servers elsewhere are asked."""
    return [_finding(check) for check in _checks(spec)]


def refuse(spec: StackSpec) -> None:
    """Raises the error of the first finding that is fatal."""
    for check in _checks(spec):
        if check.fatal:
            check.run()


def disk_needed(spec: StackSpec) -> int:
    """Bytes that must be free in the state directory."""
    return KAFKA_DISK_BYTES if spec.kafka_home else EMBEDDED_DISK_BYTES


def _checks(spec: StackSpec) -> list[_Check]:
    elsewhere = [c for c in CHOICES if not CATALOGUE[c].local]
    return [
        _Check(Component.KAFKA.value, lambda: _kafka(spec)),
        *(
            _Check(d.value, partial(_database, spec, d), spec.has(d))
            for d in databases()
            if d not in elsewhere
        ),
        *(
            _Check(component.value, partial(_cluster_only, component), spec.has(component))
            for component in elsewhere
        ),
        _Check(Component.ZOOKEEPER.value, lambda: _zookeeper(spec), spec.has(Component.ZOOKEEPER)),
        _Check("python", _python, fatal=False),
        _Check("memory", lambda: _memory(spec), fatal=False),
        _Check("state", lambda: _state(spec)),
        _Check("disk", lambda: _disk(spec)),
        _Check("ports", _ports),
    ]


def _finding(check: _Check) -> Finding:
    try:
        return Finding(check.subject, True, check.run())
    except KaptureError as exc:
        text = exc.cause if exc.doing == check.subject else f"{exc.doing}: {exc.cause}"
        return Finding(check.subject, False, text, exc.remedy, check.fatal)


def _kafka(spec: StackSpec) -> str:
    if spec.kafka_bootstrap:
        return f"{kafka.check_there(spec.kafka_bootstrap)} brokers at {spec.kafka_bootstrap}"
    if spec.kafka_home:
        home = kafka.find_home(spec.kafka_home)
        return f"{home.version}, a node of its own from {home.path}"
    if library() is None:
        remedy = "install confluent-kafka, or point KAFKA_HOME or --kafka-bootstrap at a real Kafka"
        raise UsageError("kafka", "confluent-kafka, which has the embedded broker, is missing", remedy)
    return "embedded, in memory"


def _database(spec: StackSpec, database: Component) -> str:
    server, url = server_of(database), spec.url(database)
    return server.check(url) if url else server.describe()


def _zookeeper(spec: StackSpec) -> str:
    if spec.kafka_bootstrap:
        raise UsageError("zookeeper", "the brokers are elsewhere", "leave --kafka-bootstrap out")
    return f"comes with Kafka {kafka.find_zookeeper(spec.kafka_home).version}"


def _cluster_only(component: Component) -> str:
    raise UsageError(component.value, "this machine runs none", "it comes with a stack on a cluster")


def _python() -> str:
    version = ".".join(map(str, sys.version_info[:3]))
    return f"{version} at {sys.executable}"


def _memory(spec: StackSpec) -> str:
    needed = estimate(spec, os.cpu_count() or 1).memory_bytes
    free = psutil.virtual_memory().available
    text = f"{free / 2**30:.1f} GiB free, about {needed / 2**30:.1f} GiB needed"
    if free < needed:
        raise KaptureError("memory", text, "choose a smaller scale, or close something")
    return text


def _state(spec: StackSpec) -> str:
    StateDirectory.of(spec.namespace).refuse_unless_free()
    return "free to use"


def _disk(spec: StackSpec) -> str:
    path = StateDirectory.of(spec.namespace).path
    check_space(path, disk_needed(spec))
    return _free(path)


def _ports() -> str:
    free_ports(PORTS + len(databases()))
    return "free ones on 127.0.0.1"


def _free(path: Path) -> str:
    place = next(folder for folder in (path, *path.parents) if folder.exists())
    return f"{shutil.disk_usage(place).free / 2**30:.1f} GiB free in {place}"
