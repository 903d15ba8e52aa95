"""What this machine allows: looked up before anything is created."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import psutil

from kapture_tui.model.errors import KaptureError, UsageError
from kapture_tui.model.spec import CHOICES, Component, StackSpec
from kapture_tui.stack.catalogue import CATALOGUE
from kapture_tui.stack.sizing import estimate
from kapture_tui.targets.base import Finding
from kapture_tui.targets.local import kafka, redis
from kapture_tui.targets.local.mock_cluster import library
from kapture_tui.targets.local.ports import free_ports
from kapture_tui.targets.local.state import StateDirectory, check_space

_MIB = 1024 * 1024
EMBEDDED_DISK_BYTES = 512 * _MIB
"""Logs, and what Redis appends before it rewrites its file."""

KAFKA_DISK_BYTES = 4096 * _MIB
"""A real Kafka's log; it grows on to the bound in workload/topics.py."""

PORTS = 5
"""Redis, Kafka and its controller, the observer; one to spare."""


def look(spec: StackSpec) -> list[Finding]:
    """Every finding, the fatal ones included. Blocks, for some seconds where servers elsewhere are asked."""
    state = StateDirectory.of(spec.namespace)
    return [
        _kafka(spec),
        _redis(spec),
        *(_later(component, spec) for component in CHOICES if not CATALOGUE[component].local),
        _python(),
        _memory(spec),
        _checked("state", "free to use", spec_fatal=True, check=state.refuse_unless_free),
        _checked("disk", _free(state.path), True, lambda: check_space(state.path, disk_needed(spec))),
        _checked("ports", "free ones on 127.0.0.1", True, lambda: free_ports(PORTS)),
    ]


def disk_needed(spec: StackSpec) -> int:
    """Bytes that must be free in the state directory."""
    return KAFKA_DISK_BYTES if spec.kafka_home else EMBEDDED_DISK_BYTES


def refuse(spec: StackSpec) -> None:
    """Raises UsageError for the first finding that is fatal."""
    for finding in look(spec):
        if finding.fatal:
            raise UsageError(finding.subject, finding.text, finding.remedy)


def _checked(subject: str, text: str, spec_fatal: bool, check: object) -> Finding:
    try:
        check()  # type: ignore[operator]
    except KaptureError as exc:
        return Finding(subject, False, f"{exc.doing}: {exc.cause}", exc.remedy, fatal=spec_fatal)
    return Finding(subject, True, text)


def _kafka(spec: StackSpec) -> Finding:
    subject = Component.KAFKA.value
    try:
        if spec.kafka_bootstrap:
            brokers = kafka.check_there(spec.kafka_bootstrap)
            return Finding(subject, True, f"{brokers} brokers at {spec.kafka_bootstrap}")
        if spec.kafka_home:
            home = kafka.find_home(spec.kafka_home)
            return Finding(subject, True, f"{home.version}, a node of its own from {home.path}")
    except KaptureError as exc:
        return Finding(subject, False, f"{exc.doing}: {exc.cause}", exc.remedy, fatal=True)
    if library() is None:
        remedy = "install confluent-kafka, or point KAFKA_HOME or --kafka-bootstrap at a real Kafka"
        return Finding(
            subject, False, "confluent-kafka, which has the embedded broker, is missing", remedy, fatal=True
        )
    return Finding(subject, True, "embedded, in memory")


def _redis(spec: StackSpec) -> Finding:
    subject, wanted = Component.REDIS.value, spec.has(Component.REDIS)
    if spec.redis_url:
        try:
            return Finding(subject, True, redis.check_there(spec.redis_url))
        except KaptureError as exc:
            return Finding(subject, False, f"{exc.doing}: {exc.cause}", exc.remedy, fatal=wanted)
    server = redis.find_server()
    if server is None:
        return Finding(subject, False, "no server", redis.REMEDY, fatal=wanted)
    return Finding(subject, True, server.describe())


def _later(component: Component, spec: StackSpec) -> Finding:
    return Finding(component.value, False, "comes with a later release", fatal=spec.has(component))


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    return Finding("python", True, f"{version} at {sys.executable}")


def _memory(spec: StackSpec) -> Finding:
    needed = estimate(spec, os.cpu_count() or 1).memory_bytes
    free = psutil.virtual_memory().available
    text = f"{free / 2**30:.1f} GiB free, about {needed / 2**30:.1f} GiB needed"
    if free >= needed:
        return Finding("memory", True, text)
    return Finding("memory", False, text, "choose a smaller scale, or close something")


def _free(path: Path) -> str:
    place = next(folder for folder in (path, *path.parents) if folder.exists())
    return f"{shutil.disk_usage(place).free / 2**30:.1f} GiB free in {place}"
