"""What this machine is, for whoever compares figures measured on it."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import psutil

from kapture_tui.model.spec import Component, StackSpec
from kapture_tui.targets.base import Environment, Machine
from kapture_tui.targets.local import kafka
from kapture_tui.targets.local.server import server_of

_CPUINFO = Path("/proc/cpuinfo")


def look(spec: StackSpec) -> Environment:
    """This machine, and the servers a stack runs on it. Raises UsageError when KAFKA_HOME is no Kafka."""
    machine = Machine(
        name=platform.node(),
        type=_processor(),
        cores=float(
            len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        ),
        memory_bytes=psutil.virtual_memory().total,
        architecture=platform.machine(),
        system=platform.system(),
        kernel=platform.release(),
    )
    return Environment((machine,), dict(_servers(spec)))


def _processor() -> str:
    """The processor's name; "" if the system does not tell."""
    try:
        lines = _CPUINFO.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")


def _servers(spec: StackSpec) -> Iterator[tuple[str, str]]:
    if spec.kafka_bootstrap:
        yield Component.KAFKA.value, "brokers that were there already"
    elif spec.kafka_home:
        yield Component.KAFKA.value, kafka.find_home(spec.kafka_home).version
    else:
        yield Component.KAFKA.value, f"embedded, of confluent-kafka {metadata.version('confluent-kafka')}"
    for database in spec.databases:
        if spec.url(database):
            yield database.value, "a server that was there already"
        else:
            yield database.value, server_of(database).describe()
