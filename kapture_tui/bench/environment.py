"""What a result says of where it was measured. Nothing in it names a host unless that was asked for."""

from __future__ import annotations

import hashlib
import json
import platform
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from importlib import metadata

from kapture_tui import __version__
from kapture_tui.bench.result import Environment, Machine
from kapture_tui.model.spec import StackSpec
from kapture_tui.stack.render import RunFacts, Secrets, sources
from kapture_tui.targets import base

_OURS = ("confluent-kafka", "kafka-python", "redis", "orjson")


def environment(found: base.Environment, with_names: bool) -> Environment:
    """What the target found, machines of a kind put together, and what we run on."""
    return Environment(
        machines=tuple(_grouped(found.machines, with_names)),
        versions={**versions(), **found.versions},
        unavailable=dict(found.unavailable),
    )


def _grouped(machines: Iterable[base.Machine], with_names: bool) -> list[Machine]:
    kinds = Counter(replace(machine, name="") for machine in machines)
    names = {kind: [m.name for m in machines if replace(m, name="") == kind] for kind in kinds}
    return [
        Machine(
            count=count,
            type=kind.type,
            cores=kind.cores,
            memory_bytes=kind.memory_bytes,
            architecture=kind.architecture,
            system=kind.system,
            kernel=kind.kernel,
            names=tuple(sorted(names[kind])) if with_names else (),
        )
        for kind, count in kinds.items()
    ]


def versions() -> dict[str, str]:
    """Our own, and those of the packages that decide how fast we are."""
    found = {"kapture-tui": __version__, "python": platform.python_version()}
    for package in _OURS:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def manifests_hash(spec: StackSpec) -> str:
    """SHA-256 of what is deployed on a cluster, before anything of this very run is filled in. Raises UsageError."""
    objects = sources(spec, RunFacts("", (), Secrets("")))
    text = json.dumps(objects, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
